#include "cloud/identity/managed_identity_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

/// An identity is named by one of these parameters; the spellings differ between the two services
/// and between SDKs.
constexpr std::array<std::string_view, 2> kClientId{"client_id", "clientid"};
constexpr std::array<std::string_view, 2> kObjectId{"principal_id", "object_id"};
constexpr std::array<std::string_view, 2> kResourceId{"mi_res_id", "msi_res_id"};

const std::string* find_any(const http::Query& query, std::span<const std::string_view> names) {
  for (const auto name : names) {
    const auto* found = http::find_parameter(query, name);
    if (found != nullptr && !found->empty()) return found;
  }
  return nullptr;
}

std::string resource_id_of(const Tenancy& tenancy, const Identity& identity) {
  return fmt::format("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
                     tenancy.resource_group_scope(), identity.name);
}

http::Response app_service_error(int status, std::string_view message) {
  return http::json_response(status, wire::render_app_service_error(status, message));
}

http::Response metadata_error(std::string_view error, std::string_view description) {
  return http::json_response(400, wire::render_imds_error(error, description));
}

std::string bad_resource(const std::string* resource) {
  if (resource == nullptr || resource->empty()) {
    return "The parameter resource is missing: name what the token is for, for example "
           "https://vault.azure.net";
  }
  return fmt::format(
      "AADSTS500011: The resource principal named {} was not found. A resource is a URL such as "
      "https://vault.azure.net, without /.default.",
      *resource);
}

bool names_a_resource(const std::string* resource) {
  return resource != nullptr && is_resource(*resource);
}

}  // namespace

ManagedIdentityService::ManagedIdentityService(const Tenancy& tenancy, const Identities& identities,
                                               TokenIssuer& issuer, const Clock& clock)
    : tenancy_(tenancy), identities_(identities), issuer_(issuer), clock_(clock) {
  using Form = http::Response (ManagedIdentityService::*)(const http::Request&, const http::Query&);
  const auto answer = [](ManagedIdentityService* self, Form form, const http::Request& request,
                         const http::Match& match) -> Task<http::Response> {
    co_return (self->*form)(request, match.query);
  };
  const auto add = [&](std::string_view path, Form form) {
    router_.add(http::Method::get, path,
                [this, form, answer](const http::Request& request, const http::Match& match) {
                  return answer(this, form, request, match);
                });
  };
  add("/msi/token", &ManagedIdentityService::app_service);
  add("/metadata/identity/oauth2/token", &ManagedIdentityService::metadata);
}

http::Response ManagedIdentityService::app_service(const http::Request& request,
                                                   const http::Query& query) {
  auto header = request.headers.find("X-IDENTITY-HEADER");
  if (!header) header = request.headers.find("secret");  // version 2017-09-01
  if (!header) {
    return app_service_error(
        400, "The header X-IDENTITY-HEADER is missing: send the value of IDENTITY_HEADER");
  }
  const auto* app = identities_.by_header(*header);
  if (app == nullptr) {
    return app_service_error(401, "No identity has this X-IDENTITY-HEADER.");
  }
  if (http::find_parameter(query, "api-version") == nullptr) {
    return app_service_error(400, "The parameter api-version is missing: send 2019-08-01");
  }
  const auto* identity = identity_of(*app, query);
  if (identity == nullptr) {
    return app_service_error(400,
                             "No User Assigned or Delegated Managed Identity found for specified "
                             "ClientId/ResourceId/PrincipalId.");
  }
  const auto* resource = http::find_parameter(query, "resource");
  if (!names_a_resource(resource)) return app_service_error(400, bad_resource(resource));
  return token(*identity, *resource);
}

http::Response ManagedIdentityService::metadata(const http::Request& request,
                                                const http::Query& query) {
  const auto required = request.headers.find("Metadata");
  if (!required || !iequals(*required, "true")) {
    return metadata_error("invalid_request", "Required metadata header not specified");
  }
  // As the real service: who forwards for others must not hand out its own identity.
  if (request.headers.contains("X-Forwarded-For")) {
    return metadata_error("invalid_request", "A request with X-Forwarded-For is not answered");
  }
  if (http::find_parameter(query, "api-version") == nullptr) {
    return metadata_error("invalid_request",
                          "Required query variable 'api-version' is missing: send 2018-02-01");
  }
  const auto* resource = http::find_parameter(query, "resource");
  if (!names_a_resource(resource)) {
    return metadata_error("invalid_resource", bad_resource(resource));
  }
  const auto header = request.headers.find("X-IDENTITY-HEADER");
  const auto* app = header ? identities_.by_header(*header) : nullptr;
  const Identity* identity = nullptr;
  if (app != nullptr) identity = identity_of(*app, query);
  if (!header) identity = named_in(query);
  if (identity == nullptr) return metadata_error("invalid_request", "Identity not found");
  return token(*identity, *resource);
}

bool ManagedIdentityService::fits(const Identity& identity, const http::Query& query) const {
  const auto* client = find_any(query, kClientId);
  const auto* object = find_any(query, kObjectId);
  const auto* resource = find_any(query, kResourceId);
  return (client == nullptr || iequals(*client, identity.client_id)) &&
         (object == nullptr || iequals(*object, identity.object_id)) &&
         (resource == nullptr || iequals(*resource, resource_id_of(tenancy_, identity)));
}

const Identity* ManagedIdentityService::identity_of(const Identity& app,
                                                    const http::Query& query) const {
  if (fits(app, query)) return &app;
  const auto* named = named_in(query);
  if (named == nullptr) return nullptr;
  const auto& attached = app.attached;
  return std::ranges::find(attached, named->object_id) == attached.end() ? nullptr : named;
}

const Identity* ManagedIdentityService::named_in(const http::Query& query) const {
  const Identity* found = identities_.default_identity();
  if (const auto* client = find_any(query, kClientId)) {
    found = identities_.by_client_id(*client);
  } else if (const auto* object = find_any(query, kObjectId)) {
    found = identities_.by_object_id(*object);
  } else if (const auto* resource = find_any(query, kResourceId)) {
    // `fits` compares the rest of the id.
    found = identities_.by_name(std::string_view(*resource).substr(resource->rfind('/') + 1));
  }
  if (found == nullptr || found->kind == IdentityKind::service_principal) return nullptr;
  return fits(*found, query) ? found : nullptr;
}

http::Response ManagedIdentityService::token(const Identity& identity,
                                             const std::string& resource) {
  const auto answer = issuer_.issue(identity, resource, TokenIssuer::kManagedIdentityLifetime);
  auto response = http::json_response(
      200, wire::render_managed_identity_token(answer, resource, identity.client_id, clock_.now()));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace latchkey::cloud
