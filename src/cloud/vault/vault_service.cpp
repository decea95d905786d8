#include "cloud/vault/vault_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "cloud/vault/paging.hpp"
#include "http/url.hpp"
#include "wire/challenge.hpp"

namespace latchkey::cloud {
namespace {

namespace actions = wire::vault_actions;

constexpr std::string_view kPublicAudience = "https://vault.azure.net";
constexpr std::string_view kVaultDomain = ".vault.localhost";

http::Response error_response(int status, std::string_view code, std::string_view message,
                              std::string_view inner = {}) {
  return http::json_response(status, wire::render_vault_error(code, message, inner));
}

http::Response bad_parameter(std::string_view message) {
  return error_response(400, "BadParameter", message);
}

http::Response error_response(const Error& error) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return error_response(404, error.code, error.message);
    case ErrorKind::invalid_argument:
      return bad_parameter(error.message);
    case ErrorKind::throttled: {
      auto response = error_response(429, "Throttled",
                                     "Request was not processed because too "
                                     "many requests were received.");
      response.headers.set("Retry-After", "1");
      return response;
    }
    default:
      log::error("vault_store_failed", {{"problem", error.message}});
      return error_response(500, "InternalServerError", "The vault's store failed; see the log.");
  }
}

std::optional<http::Response> bad_name(std::string_view name) {
  if (is_secret_name(name)) return std::nullopt;
  return bad_parameter(
      fmt::format("The request URI contains an invalid name: {}. A secret's name has 1 to 127 "
                  "letters, digits and dashes.",
                  name));
}

std::optional<http::Response> past_a_limit(const wire::SetSecretRequest& content) {
  if (content.value.reveal().size() > VaultService::kValueBytesMax) {
    return bad_parameter(
        fmt::format("The secret's value is larger than {} bytes.", VaultService::kValueBytesMax));
  }
  if (content.tags.size() > VaultService::kTagsMax) {
    return bad_parameter(fmt::format("The secret has more than {} tags.", VaultService::kTagsMax));
  }
  const bool long_tag = std::ranges::any_of(content.tags, [](const auto& tag) {
    return tag.first.size() > VaultService::kTagBytesMax ||
           tag.second.size() > VaultService::kTagBytesMax;
  });
  if (!long_tag) return std::nullopt;
  return bad_parameter(
      fmt::format("A tag's name or value is larger than {} bytes.", VaultService::kTagBytesMax));
}

/// What the real vault says; the codes in front are its own, where they are known.
std::string refusal_text(const Error& error, std::string_view audience, std::string_view issuer) {
  if (error.code == "WrongAudience") {
    return fmt::format("AKV10022: Invalid audience. Expected {}.", audience);
  }
  if (error.code == "WrongIssuer") {
    return fmt::format("AKV10032: Invalid issuer. Expected one of {}.", issuer);
  }
  if (error.code == "UnknownKey") {
    return "AKV10046: Unable to resolve the key used for signature validation.";
  }
  return "Error validating token: " + error.message;
}

std::string forbidden_text(const Principal& caller, std::string_view action,
                           std::string_view resource, std::string_view vault) {
  return fmt::format(
      "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
      "assignments or role definitions were changed recently, please observe propagation "
      "time.\r\nCaller: appid={};oid={};iss={}\r\nAction: '{}'\r\nResource: '{}'\r\n"
      "Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null\r\n"
      "Vault: {};location=local\r\n",
      caller.client_id, caller.object_id, caller.issuer, action, resource, vault);
}

}  // namespace

VaultService::VaultService(std::string name, const Tenancy& tenancy, Vault& vault,
                           Authenticator& authenticator, const RoleAssignments& roles,
                           Random& random)
    : name_(std::move(name)),
      tenancy_(tenancy),
      vault_(vault),
      authenticator_(authenticator),
      roles_(roles),
      random_(random) {
  using Read = http::Response (VaultService::*)(const http::Request&, const http::Match&);
  const auto ready = [](http::Response response) -> Task<http::Response> { co_return response; };
  const auto add = [&](std::string_view path, Read read) {
    router_.add(http::Method::get, path,
                [this, read, ready](const http::Request& request, const http::Match& match) {
                  return ready((this->*read)(request, match));
                });
  };
  add("/secrets", &VaultService::list_secrets);
  add("/secrets/{name}", &VaultService::get_secret);
  add("/secrets/{name}/{version}", &VaultService::get_secret);
  add("/secrets/{name}/versions", &VaultService::list_versions);
  router_.add(http::Method::put, "/secrets/{name}",
              [this](const http::Request& request, const http::Match& match) {
                return set_secret(request, match);
              });
  router_.on_refusal([](const http::Request&, int status) {
    if (status == 400) return bad_parameter("The request URI cannot be decoded.");
    const auto* code = status == 404 ? "NotFound" : "MethodNotAllowed";
    return error_response(status, code, "The local vault does not have this operation.");
  });
}

void VaultService::set_port(std::uint16_t port) {
  port_ = port;
  audiences_ = {std::string(kPublicAudience)};
  for (const auto* host : {"vault.localhost", "localhost", "127.0.0.1", "[::1]"}) {
    audiences_.push_back(fmt::format("https://{}:{}", host, port));
  }
}

http::Handler VaultService::handler() {
  return [this](const http::Request& request) { return answer(request); };
}

Task<http::Response> VaultService::answer(const http::Request& request) {
  auto response = co_await router_.route(request);
  response.headers.set("x-ms-request-id", random_.uuid());
  if (const auto id = request.headers.find("x-ms-client-request-id")) {
    response.headers.set("x-ms-client-request-id", *id);
  }
  response.headers.set("x-ms-keyvault-region", "local");
  response.headers.set("x-ms-keyvault-service-version", "1.9.0.0");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_return response;
}

std::optional<http::Response> VaultService::refuse(const http::Request& request,
                                                   const http::Match& match,
                                                   std::string_view action,
                                                   const std::string& resource) {
  const auto host = request_host(request);
  if (host.ends_with(kVaultDomain) && host != to_lower(name_) + std::string(kVaultDomain)) {
    return error_response(404, "VaultNotFound",
                          fmt::format("There is no vault at {}; the local vault is {}{}.", host,
                                      name_, kVaultDomain));
  }
  const auto token = bearer_token(request);
  if (!token) {
    return challenge(request, "AKV10000: Request is missing a Bearer or PoP token.");
  }
  const std::vector<std::string_view> audiences(audiences_.begin(), audiences_.end());
  const auto caller = authenticator_.authenticate(*token, audiences);
  if (!caller) {
    const auto issuer = fmt::format("https://sts.windows.net/{}/", tenancy_.tenant_id);
    return challenge(request, refusal_text(caller.error(), kPublicAudience, issuer));
  }
  const auto* version = http::find_parameter(match.query, "api-version");
  if (version == nullptr || version->empty()) {
    return bad_parameter("api-version must be specified");
  }
  if (!roles_.allowed(caller->object_id, wire::Requirement{{action}}, resource)) {
    log::info("role_missing",
              {{"principal", caller->object_id}, {"action", action}, {"resource", resource}});
    return error_response(403, "Forbidden", forbidden_text(*caller, action, resource, name_),
                          "ForbiddenByRbac");
  }
  return std::nullopt;
}

http::Response VaultService::challenge(const http::Request& request,
                                       std::string_view message) const {
  // SDKs insist that the vault's host ends with "." and the resource's host, port included. The
  // parent domain does; a bare name or address has none, and only the C++ SDK then agrees.
  auto host = request_host(request);
  if (host.ends_with(".localhost")) {
    host.erase(0, host.find('.') + 1);
  } else if (host != "[::1]" && !http::is_loopback_host(host)) {
    host = "localhost";
  }
  auto response = error_response(401, "Unauthorized", message);
  response.headers.set(
      "WWW-Authenticate",
      wire::render_vault_challenge(
          {.authorization = fmt::format("https://localhost:{}/{}", port_, tenancy_.tenant_id),
           .resource = fmt::format("https://{}:{}", host, port_)}));
  return response;
}

Task<http::Response> VaultService::set_secret(const http::Request& request,
                                              const http::Match& match) {
  const std::string& name = match.parameters[0];
  auto refusal = refuse(request, match, actions::kSetSecret, tenancy_.secret(name_, name));
  if (!refusal) refusal = bad_name(name);
  if (refusal) co_return std::move(*refusal);
  auto content = wire::parse_set_secret(request.body);
  if (!content) co_return error_response(content.error());
  if (auto past = past_a_limit(*content)) co_return std::move(*past);
  auto made = co_await vault_.set(name, std::move(*content));
  if (!made) co_return error_response(made.error());
  co_return http::json_response(200, wire::render_secret_bundle(bundle(request, *made)));
}

http::Response VaultService::get_secret(const http::Request& request, const http::Match& match) {
  const std::string& name = match.parameters[0];
  // The C++ SDK asks for the newest version by a percent-encoded slash.
  std::string_view version;
  if (match.parameters.size() > 1 && match.parameters[1] != "/") version = match.parameters[1];
  auto refusal = refuse(request, match, actions::kGetSecret, tenancy_.secret(name_, name));
  if (!refusal) refusal = bad_name(name);
  if (refusal) return std::move(*refusal);
  auto secret = vault_.get(name, version);
  if (!secret) return error_response(secret.error());
  if (!secret->attributes.enabled) {
    return error_response(403, "Forbidden", "Operation get is not allowed on a disabled secret.",
                          "SecretDisabled");
  }
  return http::json_response(200, wire::render_secret_bundle(bundle(request, *secret)));
}

http::Response VaultService::list_secrets(const http::Request& request, const http::Match& match) {
  if (auto refusal = refuse(request, match, actions::kReadMetadata, tenancy_.vault(name_))) {
    return std::move(*refusal);
  }
  const auto paging = read_paging(match.query);
  if (!paging) return error_response(paging.error());
  auto found = vault_.list(paging->after, paging->count + 1);
  if (!found) return error_response(found.error());
  // One more than asked for was read: when it is there, another page follows.
  const bool more = std::ssize(*found) > paging->count;
  if (more) found->pop_back();
  std::vector<wire::SecretBundle> items;
  for (const auto& secret : *found) {
    auto item = bundle(request, secret);
    item.has_value = false;
    item.id = fmt::format("{}/secrets/{}", base_url(request), secret.name);
    items.push_back(std::move(item));
  }
  const auto next =
      more ? next_link(base_url(request), "/secrets", match.query, *paging, found->back().name)
           : "";
  return render_page(items, next);
}

http::Response VaultService::list_versions(const http::Request& request, const http::Match& match) {
  const std::string& name = match.parameters[0];
  auto refusal = refuse(request, match, actions::kReadMetadata, tenancy_.secret(name_, name));
  if (!refusal) refusal = bad_name(name);
  if (refusal) return std::move(*refusal);
  const auto paging = read_paging(match.query);
  if (!paging) return error_response(paging.error());
  const auto after = parse_integer<std::int64_t>(paging->after).value_or(0);
  auto found = vault_.versions(name, after, paging->count + 1);
  if (!found) return error_response(found.error());
  const bool more = std::ssize(*found) > paging->count;
  if (more) found->pop_back();
  std::vector<wire::SecretBundle> items;
  for (const auto& secret : *found) {
    items.push_back(bundle(request, secret));
    items.back().has_value = false;
  }
  const auto next = more ? next_link(base_url(request), fmt::format("/secrets/{}/versions", name),
                                     match.query, *paging, std::to_string(found->back().number))
                         : "";
  return render_page(items, next);
}

wire::SecretBundle VaultService::bundle(const http::Request& request,
                                        const SecretVersion& secret) const {
  return {.value = secret.value,
          .has_value = true,
          .id = fmt::format("{}/secrets/{}/{}", base_url(request), secret.name, secret.version),
          .content_type = secret.content_type,
          .tags = secret.tags,
          .attributes = secret.attributes};
}

std::string VaultService::base_url(const http::Request& request) const {
  return "https://" + request_authority(request, port_);
}

}  // namespace latchkey::cloud
