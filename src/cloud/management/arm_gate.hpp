#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/tenancy.hpp"
#include "http/message.hpp"

namespace latchkey::cloud {

/// What a caller of Azure Resource Manager wants to do, and where.
struct ArmCall {
  std::string action;  ///< "Microsoft.Authorization/roleAssignments/write"
  std::string scope;   ///< resource id
};

/// The front door of the management plane: whoever passes has a token for it, named an api-version,
/// and holds the action at the scope. Source: "Azure Resource Manager request and response errors".
class ArmGate {
 public:
  /// The references must outlive this object.
  ArmGate(const Tenancy& tenancy, const RoleAssignments& roles, Authenticator& authenticator);
  /// The port of the login service: stands in challenges. Before requests come.
  void set_port(std::uint16_t port) { port_ = port; }
  /// The refusal; nullopt lets the call pass.
  std::optional<http::Response> refuse(const http::Request& request, const ArmCall& call) const;

 private:
  http::Response challenge(std::string_view message) const;

  const Tenancy tenancy_;
  const RoleAssignments& roles_;
  Authenticator& authenticator_;
  std::uint16_t port_ = 0;
};

/// {"error":{"code","message"}}.
http::Response arm_error(int status, std::string_view code, std::string_view message);
/// By kind: 400, 404, 409; 500 for what is our own fault, with a line in the log.
http::Response arm_error(const Error& error);
bool is_guid(std::string_view text);

}  // namespace latchkey::cloud
