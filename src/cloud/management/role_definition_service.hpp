#pragma once

#include <string_view>

#include "cloud/identity/role_assignments.hpp"
#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Role definitions as Azure Resource Manager serves them, and the question what a principal may:
///
///   PUT, GET, DELETE {scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}
///   GET  {scope}/providers/Microsoft.Authorization/roleDefinitions[?$filter=roleName eq 'X']
///   POST {scope}/providers/Microsoft.Authorization/checkAccess
///
/// checkAccess takes {"Subject":{"Attributes":{"ObjectId":..}},"Actions":[{"Id":..,"IsDataAction":
/// true}]}; each decision names the assignment it rests on, and, which Azure does not, the pattern.
/// Source: REST reference "Role Definitions"; any api-version is taken.
class RoleDefinitionService {
 public:
  /// The references must outlive this object.
  RoleDefinitionService(const Tenancy& tenancy, RoleAssignments& roles, const ArmGate& gate);
  /// This object must outlive the handler.
  http::Handler handler();
  static bool serves(std::string_view path);

 private:
  Task<http::Response> answer(const http::Request& request);
  Task<http::Response> put(std::string id, std::string body);
  Task<http::Response> remove(std::string id);
  http::Response list(const http::Query& query) const;
  http::Response check_access(std::string_view body, std::string_view scope) const;

  const Tenancy tenancy_;
  RoleAssignments& roles_;
  const ArmGate& gate_;
};

}  // namespace latchkey::cloud
