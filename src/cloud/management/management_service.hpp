#pragma once

#include "cloud/management/identity_service.hpp"
#include "cloud/management/role_assignment_service.hpp"
#include "cloud/management/role_definition_service.hpp"
#include "cloud/management/subscription_service.hpp"

namespace latchkey::cloud {

/// The management plane as one handler: which service a path is for.
class ManagementService {
 public:
  /// The references must outlive this object.
  ManagementService(RoleAssignmentService& roles, RoleDefinitionService& definitions,
                    IdentityService& identities, SubscriptionService& subscriptions)
      : roles_(roles.handler()),
        definitions_(definitions.handler()),
        identities_(identities.handler()),
        subscriptions_(subscriptions.handler()) {}
  /// This object must outlive the handler.
  http::Handler handler() const {
    return [this](const http::Request& request) {
      const auto path = request.path();
      if (IdentityService::serves(path)) return identities_(request);
      if (RoleDefinitionService::serves(path)) return definitions_(request);
      return SubscriptionService::serves(path) ? subscriptions_(request) : roles_(request);
    };
  }

 private:
  const http::Handler roles_;
  const http::Handler definitions_;
  const http::Handler identities_;
  const http::Handler subscriptions_;
};

}  // namespace latchkey::cloud
