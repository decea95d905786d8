#pragma once

#include "cloud/management/identity_service.hpp"
#include "cloud/management/role_assignment_service.hpp"

namespace latchkey::cloud {

/// The management plane as one handler: which service a path is for.
class ManagementService {
 public:
  /// The references must outlive this object.
  ManagementService(RoleAssignmentService& roles, IdentityService& identities)
      : roles_(roles.handler()), identities_(identities.handler()) {}
  /// This object must outlive the handler.
  http::Handler handler() const {
    return [this](const http::Request& request) {
      return IdentityService::serves(request.path()) ? identities_(request) : roles_(request);
    };
  }

 private:
  const http::Handler roles_;
  const http::Handler identities_;
};

}  // namespace latchkey::cloud
