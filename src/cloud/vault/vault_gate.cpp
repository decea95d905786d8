#include "cloud/vault/vault_gate.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "cloud/vault/vault_answers.hpp"
#include "http/url.hpp"
#include "wire/challenge.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kPublicResource = "https://vault.azure.net";
constexpr std::string_view kPublicLogin = "https://login.microsoftonline.com";
constexpr std::string_view kPublicDomain = ".vault.azure.net";
constexpr std::string_view kLocalDomain = ".vault.localhost";

bool is_public(std::string_view host) {
  return host.ends_with(kPublicDomain);
}

/// The name in NAME.vault.localhost and NAME.vault.azure.net; nullopt for other hosts.
std::optional<std::string_view> named_vault(std::string_view host) {
  for (const auto domain : {kLocalDomain, kPublicDomain}) {
    if (host.ends_with(domain)) return host.substr(0, host.size() - domain.size());
  }
  return std::nullopt;
}

/// What the real vault says; the codes in front are its own, where they are known.
std::string refusal_text(const Error& error, std::string_view tenant) {
  if (error.code == "WrongAudience") {
    return fmt::format("AKV10022: Invalid audience. Expected {}.", kPublicResource);
  }
  if (error.code == "WrongIssuer") {
    return fmt::format("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{}/.",
                       tenant);
  }
  if (error.code == "UnknownKey") {
    return "AKV10046: Unable to resolve the key used for signature validation.";
  }
  return "Error validating token: " + error.message;
}

std::string caller_text(const Principal& caller) {
  return fmt::format("appid={};oid={};iss={}", caller.client_id, caller.object_id, caller.issuer);
}

http::Response forbidden_by_role(const VaultVisit& visit, std::string_view action,
                                 std::string_view resource) {
  const auto message = fmt::format(
      "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
      "assignments or role definitions were changed recently, please observe propagation "
      "time.\r\nCaller: {}\r\nAction: '{}'\r\nResource: '{}'\r\nAssignment: (not found)\r\n"
      "DenyAssignmentId: null\r\nDecisionReason: null\r\nVault: {};location=local\r\n",
      caller_text(visit.caller), action, resource, visit.vault.name);
  return vault_error(403, "Forbidden", message, "ForbiddenByRbac");
}

http::Response forbidden_by_policy(const VaultVisit& visit, SecretPermission permission) {
  const auto message = fmt::format(
      "The user, group or application '{}' does not have secrets {} permission on key vault "
      "'{};location=local'. For help resolving this issue, please see "
      "https://go.microsoft.com/fwlink/?linkid=2125287",
      caller_text(visit.caller), to_string(permission), visit.vault.name);
  return vault_error(403, "Forbidden", message, "AccessDenied");
}

}  // namespace

VaultGate::VaultGate(std::string any_host, const Tenancy& tenancy, const Vaults& vaults,
                     Authenticator& authenticator, const RoleAssignments& roles)
    : any_host_(std::move(any_host)),
      tenancy_(tenancy),
      vaults_(vaults),
      authenticator_(authenticator),
      roles_(roles) {}

void VaultGate::set_port(std::uint16_t port) {
  port_ = port;
  audiences_ = {std::string(kPublicResource)};
  for (const auto* host : {"vault.localhost", "localhost", "127.0.0.1", "[::1]"}) {
    audiences_.push_back(fmt::format("https://{}:{}", host, port));
  }
}

tl::expected<VaultVisit, http::Response> VaultGate::admit(const http::Request& request) {
  const auto host = request_host(request);
  const auto name = named_vault(host).value_or(any_host_);
  const auto* vault = vaults_.find(name);
  if (vault == nullptr) {
    std::string names;
    for (const auto& each : vaults_.list()) names += (names.empty() ? "" : ", ") + each.name;
    return tl::unexpected(vault_error(
        404, "VaultNotFound",
        fmt::format("There is no vault '{}' here; there are: {}. `latchkey up --vault {}` makes "
                    "one.",
                    name, names, name)));
  }
  const auto token = bearer_token(request);
  if (!token) {
    return tl::unexpected(
        challenge(request, "AKV10000: Request is missing a Bearer or PoP token."));
  }
  const std::vector<std::string_view> audiences(audiences_.begin(), audiences_.end());
  auto caller = authenticator_.authenticate(*token, audiences);
  if (!caller) {
    return tl::unexpected(challenge(request, refusal_text(caller.error(), tenancy_.tenant_id)));
  }
  // The production name comes through a proxy and has no port of ours.
  const auto own_port = is_public(host) ? std::uint16_t{443} : port_;
  return VaultVisit{.vault = *vault,
                    .caller = std::move(*caller),
                    .base_url = "https://" + request_authority(request, own_port)};
}

std::optional<http::Response> VaultGate::refuse(const VaultVisit& visit, const http::Query& query,
                                                const VaultOperation& operation,
                                                std::string_view secret) {
  const auto* version = http::find_parameter(query, "api-version");
  if (version == nullptr || version->empty()) {
    return bad_parameter("api-version must be specified");
  }
  if (auto forbidden = forbid(visit, operation, secret)) return forbidden;
  if (!throttle_) return std::nullopt;
  const auto wait = throttle_->refuse(visit.vault.name, operation.kind);
  if (!wait) return std::nullopt;
  return throttled(wait->count());
}

std::optional<http::Response> VaultGate::forbid(const VaultVisit& visit,
                                                const VaultOperation& operation,
                                                std::string_view secret) const {
  const auto& caller = visit.caller.object_id;
  if (visit.vault.model == PermissionModel::access_policies) {
    if (permits(visit.vault.policies, caller, operation.permission)) return std::nullopt;
    log::info("access_policy_missing", {{"principal", caller},
                                        {"permission", to_string(operation.permission)},
                                        {"vault", visit.vault.name}});
    return forbidden_by_policy(visit, operation.permission);
  }
  const auto resource =
      secret.empty() ? tenancy_.vault(visit.vault.name) : tenancy_.secret(visit.vault.name, secret);
  if (roles_.allowed(caller, wire::Requirement{{operation.action}}, resource)) return std::nullopt;
  log::info("role_missing",
            {{"principal", caller}, {"action", operation.action}, {"resource", resource}});
  return forbidden_by_role(visit, operation.action, resource);
}

http::Response VaultGate::challenge(const http::Request& request, std::string_view message) const {
  // SDKs insist that the vault's host ends with "." and the resource's host, port included. The
  // parent domain does; a bare name or address has none, and only the C++ SDK then agrees.
  auto host = request_host(request);
  wire::BearerChallenge says{
      .authorization = fmt::format("https://localhost:{}/{}", port_, tenancy_.tenant_id),
      .resource = {}};
  if (is_public(host)) {
    says.authorization = fmt::format("{}/{}", kPublicLogin, tenancy_.tenant_id);
    says.resource = kPublicResource;
  } else {
    if (host.ends_with(".localhost")) {
      host.erase(0, host.find('.') + 1);
    } else if (host != "[::1]" && !http::is_loopback_host(host)) {
      host = "localhost";
    }
    says.resource = fmt::format("https://{}:{}", host, port_);
  }
  auto response = vault_error(401, "Unauthorized", message);
  response.headers.set("WWW-Authenticate", wire::render_vault_challenge(says));
  return response;
}

}  // namespace latchkey::cloud
