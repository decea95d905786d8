#include "cloud/identity/login_service.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cloud/identity/login_hosts.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::string_view kDefaultScope = "/.default";

/// application/x-www-form-urlencoded; nullopt when it cannot be decoded.
std::optional<http::Query> parse_form(std::string_view body) {
  http::Query form;
  if (body.empty()) return form;
  for (const auto pair : split(body, '&')) {
    const auto equals = pair.find('=');
    auto key = form_decode(pair.substr(0, equals));
    auto value = form_decode(equals == pair.npos ? "" : pair.substr(equals + 1));
    if (!key || !value) return std::nullopt;
    form.push_back({std::move(*key), std::move(*value)});
  }
  return form;
}

std::string value_of(const http::Query& form, std::string_view key) {
  const auto* found = http::find_parameter(form, key);
  return found == nullptr ? "" : *found;
}

/// What the token is to be for: `resource`, or the one scope that ends in "/.default". Scopes that
/// some clients add for users' sign-ins do not count. Empty when that is not one resource.
std::string resource_asked_for(const http::Query& form) {
  if (auto resource = value_of(form, "resource"); !resource.empty()) return resource;
  const auto scope = value_of(form, "scope");
  std::string found;
  for (const auto each : split(scope, ' ')) {
    if (each.empty() || each == "openid" || each == "profile" || each == "offline_access") continue;
    if (!found.empty() || !each.ends_with(kDefaultScope)) return {};
    found = each.substr(0, each.size() - kDefaultScope.size());
  }
  return found;
}

http::Response document(json::object content) {
  return http::json_response(200, json::serialize(content));
}

/// From the form, or from Basic (RFC 6749 section 2.3.1: both parts are form-encoded first).
ClientCredentials credentials_of(const http::Request& request, const http::Query& form) {
  constexpr std::string_view kScheme = "Basic ";
  ClientCredentials read{.client_id = value_of(form, "client_id"),
                         .client_secret = Secret(value_of(form, "client_secret")),
                         .assertion_type = value_of(form, "client_assertion_type"),
                         .assertion = value_of(form, "client_assertion")};
  const auto field = request.headers.find("Authorization").value_or("");
  if (!istarts_with(field, kScheme)) return read;
  const auto decoded = from_base64(trim(field.substr(kScheme.size())));
  const auto text = decoded ? as_text(*decoded) : std::string_view();
  const auto colon = text.find(':');
  if (colon == text.npos) return {};
  read.client_id = form_decode(text.substr(0, colon)).value_or("");
  read.client_secret = Secret(form_decode(text.substr(colon + 1)).value_or(""));
  return read;
}

}  // namespace

LoginService::LoginService(const Tenancy& tenancy, const Identities& identities,
                           const Authenticator& authenticator, TokenIssuer& issuer,
                           const Clock& clock, Random& random)
    : tenancy_(tenancy),
      proof_(tenancy, identities, authenticator, clock),
      issuer_(issuer),
      clock_(clock),
      random_(random) {
  const auto ready = [](http::Response response) -> Task<http::Response> { co_return response; };
  for (const auto* path : {"/{tenant}/oauth2/v2.0/token", "/{tenant}/oauth2/token"}) {
    router_.add(http::Method::post, path,
                [this, ready](const http::Request& request, const http::Match& match) {
                  return ready(token(request, match.parameters[0]));
                });
  }
  router_.add(http::Method::get, "/{tenant}/discovery/instance",
              [this, ready](const http::Request& request, const http::Match&) {
                return ready(instance_discovery(request));
              });
  for (const auto* path : {"/{tenant}/v2.0/.well-known/openid-configuration",
                           "/{tenant}/.well-known/openid-configuration"}) {
    router_.add(http::Method::get, path,
                [this, ready](const http::Request& request, const http::Match& match) {
                  return ready(openid_configuration(request, match.parameters[0]));
                });
  }
  for (const auto* path : {"/{tenant}/discovery/v2.0/keys", "/{tenant}/discovery/keys"}) {
    router_.add(http::Method::get, path,
                [this, ready](const http::Request&, const http::Match& match) {
                  const auto& tenant = match.parameters[0];
                  return ready(is_our_tenant(tenant, tenancy_) ? keys() : unknown_tenant(tenant));
                });
  }
}

void LoginService::set_port(std::uint16_t port) {
  port_ = port;
  proof_.set_port(port);
}

http::Response LoginService::token(const http::Request& request, std::string_view tenant) {
  if (!is_our_tenant(tenant, tenancy_)) return unknown_tenant(tenant);
  const auto form = parse_form(request.body);
  if (!form || value_of(*form, "grant_type").empty()) {
    return refuse(400, "invalid_request", 900144,
                  "The request body must contain the following parameter: 'grant_type'.");
  }
  if (value_of(*form, "grant_type") != "client_credentials") {
    return refuse(400, "unsupported_grant_type", 70003,
                  "The app requested an unsupported grant type: use client_credentials.");
  }
  const auto credentials = credentials_of(request, *form);
  if (credentials.client_id.empty()) {
    return refuse(400, "invalid_request", 900144,
                  "The request body must contain the following parameter: 'client_id'.");
  }
  const auto identity = proof_.check(credentials);
  if (!identity) return refuse(identity.error());
  const auto resource = resource_asked_for(*form);
  if (!is_resource(resource)) {
    return refuse(400, "invalid_scope", 70011,
                  "The provided value for the input parameter 'scope' is not valid: ask for one "
                  "resource, as in https://vault.azure.net/.default.");
  }
  const auto answer = issuer_.issue(**identity, resource, TokenIssuer::kServicePrincipalLifetime);
  auto response = http::json_response(200, wire::render_oauth_token(answer, clock_.now()));
  response.headers.set("Cache-Control", "no-store, no-cache");
  response.headers.set("Pragma", "no-cache");
  return response;
}

http::Response LoginService::instance_discovery(const http::Request& request) {
  const auto here = login_authority(request, port_);
  const bool is_public = is_public_login_host(here);
  json::array aliases{json::string(is_public ? kPublicLoginHost : here)};
  if (is_public) {
    for (const auto* other : {"login.windows.net", "login.microsoft.com", "sts.windows.net"}) {
      aliases.emplace_back(other);
    }
  }
  const std::string_view network = is_public ? kPublicLoginHost : std::string_view(here);
  const std::string_view cache = is_public ? std::string_view("login.windows.net") : network;
  return document({{"tenant_discovery_endpoint",
                    fmt::format("https://{}/{}/v2.0/.well-known/openid-configuration", here,
                                tenancy_.tenant_id)},
                   {"api-version", "1.1"},
                   {"metadata", json::array{json::object{{"preferred_network", network},
                                                         {"preferred_cache", cache},
                                                         {"aliases", aliases}}}}});
}

http::Response LoginService::openid_configuration(const http::Request& request,
                                                  std::string_view tenant) {
  if (!is_our_tenant(tenant, tenancy_)) return unknown_tenant(tenant);
  const auto base = fmt::format("https://{}/{}", login_authority(request, port_), tenant);
  return document({{"issuer", issuer_.issuer()},
                   {"authorization_endpoint", base + "/oauth2/v2.0/authorize"},
                   {"token_endpoint", base + "/oauth2/v2.0/token"},
                   {"jwks_uri", base + "/discovery/v2.0/keys"},
                   {"response_types_supported", json::array{"token"}},
                   {"subject_types_supported", json::array{"pairwise"}},
                   {"id_token_signing_alg_values_supported", json::array{"RS256"}},
                   {"token_endpoint_auth_methods_supported",
                    json::array{"client_secret_post", "client_secret_basic", "private_key_jwt"}},
                   {"tenant_region_scope", nullptr},
                   {"cloud_instance_name", "microsoftonline.com"}});
}

http::Response LoginService::keys() const {
  return http::json_response(200, issuer_.keys().render());
}

http::Response LoginService::unknown_tenant(std::string_view tenant) {
  return refuse(400, "invalid_request", 90002,
                fmt::format("Tenant '{}' not found. Check to make sure you have the correct tenant "
                            "ID; here it is {}.",
                            tenant, tenancy_.tenant_id));
}

http::Response LoginService::refuse(int status, std::string_view error, int code,
                                    std::string_view description) {
  return http::json_response(
      status, wire::render_oauth_error(error, description, code, random_.uuid(), clock_.now()));
}

http::Response LoginService::refuse(const LoginRefusal& refusal) {
  return refuse(refusal.status, refusal.error, refusal.code, refusal.description);
}

}  // namespace latchkey::cloud
