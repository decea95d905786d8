#include "cloud/identity/login_service.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kTenantNames{"adfs", "common", "organizations"};
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

}  // namespace

struct LoginService::Credentials {
  std::string client_id;
  Secret client_secret;

  /// From the form, or from Basic (RFC 6749 section 2.3.1: both parts are form-encoded first).
  static Credentials of(const http::Request& request, const http::Query& form) {
    constexpr std::string_view kScheme = "Basic ";
    const auto field = request.headers.find("Authorization").value_or("");
    if (!istarts_with(field, kScheme)) {
      return {value_of(form, "client_id"), Secret(value_of(form, "client_secret"))};
    }
    const auto decoded = from_base64(trim(field.substr(kScheme.size())));
    const auto text = decoded ? as_text(*decoded) : std::string_view();
    const auto colon = text.find(':');
    if (colon == text.npos) return {};
    return {form_decode(text.substr(0, colon)).value_or(""),
            Secret(form_decode(text.substr(colon + 1)).value_or(""))};
  }
};

LoginService::LoginService(const Tenancy& tenancy, const Identities& identities,
                           TokenIssuer& issuer, const Clock& clock, Random& random)
    : tenancy_(tenancy), identities_(identities), issuer_(issuer), clock_(clock), random_(random) {
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
    router_.add(
        http::Method::get, path, [this, ready](const http::Request&, const http::Match& match) {
          return ready(knows_tenant(match.parameters[0]) ? keys()
                                                         : unknown_tenant(match.parameters[0]));
        });
  }
}

http::Response LoginService::token(const http::Request& request, std::string_view tenant) {
  if (!knows_tenant(tenant)) return unknown_tenant(tenant);
  const auto form = parse_form(request.body);
  if (!form || value_of(*form, "grant_type").empty()) {
    return refuse(400, "invalid_request", 900144,
                  "The request body must contain the following parameter: 'grant_type'.");
  }
  if (value_of(*form, "grant_type") != "client_credentials") {
    return refuse(400, "unsupported_grant_type", 70003,
                  "The app requested an unsupported grant type: use client_credentials.");
  }
  const auto credentials = Credentials::of(request, *form);
  if (credentials.client_id.empty()) {
    return refuse(400, "invalid_request", 900144,
                  "The request body must contain the following parameter: 'client_id'.");
  }
  const auto* identity = identities_.by_client_id(credentials.client_id);
  if (identity == nullptr) {
    return refuse(400, "unauthorized_client", 700016,
                  fmt::format("Application with identifier '{}' was not found in the directory "
                              "'{}'. Check AZURE_CLIENT_ID and AZURE_TENANT_ID.",
                              credentials.client_id, tenancy_.tenant_id));
  }
  if (credentials.client_secret.empty()) {
    return refuse(401, "invalid_client", 7000216,
                  "'client_secret' is required for the 'client_credentials' grant type; "
                  "certificates and federated tokens are not known here.");
  }
  if (!(identity->client_secret == credentials.client_secret)) {
    return refuse(401, "invalid_client", 7000215,
                  fmt::format("Invalid client secret provided. Ensure the secret being sent in the "
                              "request is the client secret value, not the client secret ID, for "
                              "a secret added to app '{}'.",
                              identity->client_id));
  }
  const auto resource = resource_asked_for(*form);
  if (!is_resource(resource)) {
    return refuse(400, "invalid_scope", 70011,
                  "The provided value for the input parameter 'scope' is not valid: ask for one "
                  "resource, as in https://vault.azure.net/.default.");
  }
  const auto answer = issuer_.issue(*identity, resource, TokenIssuer::kServicePrincipalLifetime);
  auto response = http::json_response(200, wire::render_oauth_token(answer, clock_.now()));
  response.headers.set("Cache-Control", "no-store, no-cache");
  response.headers.set("Pragma", "no-cache");
  return response;
}

http::Response LoginService::instance_discovery(const http::Request& request) {
  const auto here = authority(request);
  const json::array aliases{json::string(here)};
  return document({{"tenant_discovery_endpoint",
                    fmt::format("https://{}/{}/v2.0/.well-known/openid-configuration", here,
                                tenancy_.tenant_id)},
                   {"api-version", "1.1"},
                   {"metadata", json::array{json::object{{"preferred_network", here},
                                                         {"preferred_cache", here},
                                                         {"aliases", aliases}}}}});
}

http::Response LoginService::openid_configuration(const http::Request& request,
                                                  std::string_view tenant) {
  if (!knows_tenant(tenant)) return unknown_tenant(tenant);
  const auto base = fmt::format("https://{}/{}", authority(request), tenant);
  return document({{"issuer", issuer_.issuer()},
                   {"authorization_endpoint", base + "/oauth2/v2.0/authorize"},
                   {"token_endpoint", base + "/oauth2/v2.0/token"},
                   {"jwks_uri", base + "/discovery/v2.0/keys"},
                   {"response_types_supported", json::array{"token"}},
                   {"subject_types_supported", json::array{"pairwise"}},
                   {"id_token_signing_alg_values_supported", json::array{"RS256"}},
                   {"token_endpoint_auth_methods_supported",
                    json::array{"client_secret_post", "client_secret_basic"}},
                   {"tenant_region_scope", nullptr},
                   {"cloud_instance_name", "localhost"}});
}

http::Response LoginService::keys() const {
  return http::json_response(200, wire::render_jwks(issuer_.public_key(), issuer_.key_id()));
}

bool LoginService::knows_tenant(std::string_view tenant) const {
  if (iequals(tenant, tenancy_.tenant_id)) return true;
  for (const auto name : kTenantNames) {
    if (iequals(tenant, name)) return true;
  }
  return false;
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

std::string LoginService::authority(const http::Request& request) const {
  return fmt::format("{}:{}", request_host(request), port_);
}

}  // namespace latchkey::cloud
