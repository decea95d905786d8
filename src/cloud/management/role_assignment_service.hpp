#pragma once

#include <string>
#include <string_view>

#include "cloud/identity/role_assignments.hpp"
#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Role assignments as Azure Resource Manager serves them:
///
///   PUT, GET, DELETE {scope}/providers/Microsoft.Authorization/roleAssignments/{guid}
///   GET {scope}/providers/Microsoft.Authorization/roleAssignments[?$filter=...]
///
/// For callers whose roles hold Microsoft.Authorization/roleAssignments/write, delete or read at
/// the scope. Source: REST reference "Role Assignments", api-version 2022-04-01; any is taken.
class RoleAssignmentService {
 public:
  /// The references must outlive this object.
  RoleAssignmentService(const Tenancy& tenancy, RoleAssignments& roles, const ArmGate& gate);
  /// This object must outlive the handler.
  http::Handler handler();
  /// Whether the path of a request is one for this service.
  static bool serves(std::string_view path);

 private:
  struct Target;

  Task<http::Response> answer(const http::Request& request);
  Task<http::Response> put(const http::Request& request, Target target);
  Task<http::Response> remove(Target target);
  http::Response get(const Target& target) const;
  http::Response list(const Target& target, const http::Query& query) const;
  std::string render(const RoleAssignment& assignment) const;

  const Tenancy tenancy_;
  RoleAssignments& roles_;
  const ArmGate& gate_;
};

}  // namespace latchkey::cloud
