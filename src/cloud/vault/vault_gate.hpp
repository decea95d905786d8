#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/vault/vault_throttle.hpp"
#include "cloud/vault/vaults.hpp"
#include "http/message.hpp"

namespace latchkey::cloud {

/// What an operation needs, in either permission model.
struct VaultOperation {
  std::string_view action;  ///< wire::vault_actions
  SecretPermission permission = SecretPermission::get;
  VaultThrottle::Kind kind = VaultThrottle::Kind::read;
};

/// Who comes to which vault.
struct VaultVisit {
  VaultProperties vault;
  Principal caller;
  std::string base_url;  ///< "https://HOST:PORT" as the client named it: ids and links begin so
};

/// Who may come in. The order of the checks is the protocol: SDKs send their first request without
/// token and body and expect the challenge, whatever else is wrong. So: the vault (by host), the
/// token, api-version, the permission, and only then what is asked.
///
/// NAME.vault.localhost and NAME.vault.azure.net (as a proxy passes it on) are the vault NAME; any
/// other host is the vault that stands for all.
/// Source: "Authentication, requests and responses"; error texts as the service sends them.
class VaultGate {
 public:
  /// `any_host`: the vault for hosts that name none. The references must outlive this object.
  VaultGate(std::string any_host, const Tenancy& tenancy, const Vaults& vaults,
            Authenticator& authenticator, const RoleAssignments& roles);
  /// The port on which this is served: stands in challenges, and audiences are made of it.
  void set_port(std::uint16_t port);
  void use_throttle(VaultThrottle throttle) { throttle_.emplace(std::move(throttle)); }

  /// The refusal is the answer to send.
  tl::expected<VaultVisit, http::Response> admit(const http::Request& request);
  /// Whether the visitor may do that to a secret, or to all with an empty name. Nullopt: yes.
  std::optional<http::Response> refuse(const VaultVisit& visit, const http::Query& query,
                                       const VaultOperation& operation, std::string_view secret);

 private:
  http::Response challenge(const http::Request& request, std::string_view message) const;
  std::optional<http::Response> forbid(const VaultVisit& visit, const VaultOperation& operation,
                                       std::string_view secret) const;

  const std::string any_host_;
  const Tenancy tenancy_;
  const Vaults& vaults_;
  Authenticator& authenticator_;
  const RoleAssignments& roles_;
  std::uint16_t port_ = 0;
  std::vector<std::string> audiences_;
  std::optional<VaultThrottle> throttle_;
};

}  // namespace latchkey::cloud
