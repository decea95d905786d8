#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/vault/vault.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Key Vault's secrets on the wire, permission model Azure RBAC:
///
///   PUT /secrets/{name}
///   GET /secrets/{name}, /secrets/{name}/, /secrets/{name}/%2F, /secrets/{name}/{version}
///   GET /secrets, /secrets/{name}/versions
///
/// The order of the checks is the protocol: SDKs send their first request without token and body
/// and expect the challenge, whatever else is wrong. So: token, api-version, role, then the rest.
/// Source: REST reference "Secrets", api-version 7.x; "Authentication, requests and responses".
class VaultService {
 public:
  static constexpr std::size_t kValueBytesMax = 25 * 1024;
  static constexpr std::size_t kTagsMax = 15;
  static constexpr std::size_t kTagBytesMax = 256;

  /// `name`: the vault's, as in https://NAME.vault.localhost. The references must outlive this.
  VaultService(std::string name, const Tenancy& tenancy, Vault& vault, Authenticator& authenticator,
               const RoleAssignments& roles, Random& random);
  /// The port on which this is served: stands in challenges, and audiences are made of it. Before
  /// requests come.
  void set_port(std::uint16_t port);
  /// This object must outlive the handler.
  http::Handler handler();

 private:
  Task<http::Response> answer(const http::Request& request);
  Task<http::Response> set_secret(const http::Request& request, const http::Match& match);
  http::Response get_secret(const http::Request& request, const http::Match& match);
  http::Response list_secrets(const http::Request& request, const http::Match& match);
  http::Response list_versions(const http::Request& request, const http::Match& match);

  /// Nullopt when the caller may do it; else the answer that says why not.
  std::optional<http::Response> refuse(const http::Request& request, const http::Match& match,
                                       std::string_view action, const std::string& resource);
  http::Response challenge(const http::Request& request, std::string_view message) const;
  wire::SecretBundle bundle(const http::Request& request, const SecretVersion& secret) const;
  std::string base_url(const http::Request& request) const;

  const std::string name_;
  const Tenancy tenancy_;
  Vault& vault_;
  Authenticator& authenticator_;
  const RoleAssignments& roles_;
  Random& random_;
  std::uint16_t port_ = 0;
  std::vector<std::string> audiences_;
  http::Router router_;
};

}  // namespace latchkey::cloud
