#include "cloud/management/identity_service.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/management/identity_json.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::string_view kGroup = "/subscriptions/{s}/resourceGroups/{g}/providers";
constexpr std::string_view kUserAssigned = "/Microsoft.ManagedIdentity/userAssignedIdentities";
constexpr std::string_view kOwn = "/Latchkey.Identity/identities";
/// Of the pattern's parameters, behind subscription and resource group.
constexpr std::size_t kName = 2;
constexpr std::size_t kPart = 3;
constexpr std::int64_t kSecretDays = 730;  // what `az ad app credential reset` gives at most

http::Response ok(const json::object& body, int status = 200) {
  return http::json_response(status, json::serialize(body));
}

http::Response nothing(int status) {
  http::Response response;
  response.status = status;
  return response;
}

http::Response no_body() {
  return arm_error(400, "InvalidRequestContent", "The body needs \"properties\": an object.");
}

http::Response not_found(std::string_view name) {
  return arm_error(404, "ResourceNotFound", fmt::format("There is no '{}' here.", name));
}

/// As Azure: to delete what is not there is no failure.
http::Response removed(const Result<>& result) {
  if (result) return nothing(200);
  return result.error().kind == ErrorKind::not_found ? nothing(204) : arm_error(result.error());
}

const Credential* find_federated(const Identity& identity, std::string_view name) {
  for (const Credential& credential : identity.credentials) {
    if (credential.kind() == "federated" && iequals(credential.name, name)) return &credential;
  }
  return nullptr;
}

}  // namespace

/// A row of the table of what is served.
struct IdentityService::Route {
  http::Method method;
  std::string path;
  std::string_view action;
  Method answer;
};

IdentityService::IdentityService(const Tenancy& tenancy, Identities& identities, SigningKeys& keys,
                                 SigningKeys::Keep keep_key, const ArmGate& gate,
                                 const Clock& clock)
    : tenancy_(tenancy),
      identities_(identities),
      keys_(keys),
      keep_key_(std::move(keep_key)),
      gate_(gate),
      clock_(clock) {
  add_routes();
  router_.on_refusal([](const http::Request&, int status) {
    return arm_error(status, status == 405 ? "MethodNotAllowed" : "InvalidResourceType",
                     "The local cloud does not manage that; see docs/local-cloud.md.");
  });
}

void IdentityService::add_routes() {
  using Self = IdentityService;
  using http::Method::delete_;
  using http::Method::get;
  using http::Method::post;
  using http::Method::put;
  const std::string azures(kUserAssigned);
  const std::string one = azures + "/{name}";
  const std::string federated = one + "/federatedIdentityCredentials";
  const std::string own(kOwn);
  const std::string mine = own + "/{name}";
  const Route routes[] = {
      {put, one, "/write", &Self::put_user_assigned},
      {get, one, "/read", &Self::get_user_assigned},
      {get, azures, "/read", &Self::list_user_assigned},
      {delete_, one, "/delete", &Self::remove},
      {put, federated + "/{c}", "/federatedIdentityCredentials/write", &Self::put_federated},
      {get, federated + "/{c}", "/federatedIdentityCredentials/read", &Self::get_federated},
      {get, federated, "/federatedIdentityCredentials/read", &Self::list_federated},
      {delete_, federated + "/{c}", "/federatedIdentityCredentials/delete",
       &Self::remove_federated},
      {put, mine, "/write", &Self::put},
      {get, mine, "/read", &Self::get},
      {get, own, "/read", &Self::list},
      {delete_, mine, "/delete", &Self::remove},
      {post, mine + "/listHeader", "/listHeader/action", &Self::list_header},
      {post, mine + "/credentials", "/credentials/write", &Self::add_credential},
      {delete_, mine + "/credentials/{c}", "/credentials/delete", &Self::remove_credential},
      {put, mine + "/attached/{i}", "/attached/write", &Self::attach},
      {delete_, mine + "/attached/{i}", "/attached/delete", &Self::detach},
      {post, "/Latchkey.Identity/rotateSigningKey", "/rotateSigningKey/action", &Self::rotate},
  };
  struct Guarded {
    static Answer run(Self* self, std::string action, Method answer, const http::Request& request,
                      const http::Match& match) {
      const ArmCall call{.action = std::move(action),
                         .scope = self->tenancy_.resource_group_scope()};
      if (auto refusal = self->gate_.refuse(request, call)) co_return std::move(*refusal);
      co_return co_await (self->*answer)(request, match);
    }
  };
  for (const Route& route : routes) {
    const auto& type = route.path.starts_with(azures) ? azures : own;
    const auto action = type.substr(1) + std::string(route.action);
    router_.add(route.method, std::string(kGroup) + route.path,
                [this, action, answer = route.answer](const http::Request& request,
                                                      const http::Match& match) {
                  return Guarded::run(this, action, answer, request, match);
                });
  }
}

bool IdentityService::serves(std::string_view path) {
  const auto provider = path.rfind("/providers/");
  if (provider == path.npos) return false;
  const auto rest = path.substr(provider + std::string_view("/providers").size());
  return istarts_with(rest, "/Microsoft.ManagedIdentity/") ||
         istarts_with(rest, "/Latchkey.Identity/");
}

const Identity* IdentityService::user_assigned(std::string_view name) const {
  const auto* found = identities_.by_name(name);
  return found != nullptr && found->kind == IdentityKind::user_assigned ? found : nullptr;
}

IdentityService::Answer IdentityService::create(std::string name, IdentityKind kind,
                                                bool in_azures_form) {
  const bool there = identities_.by_name(name) != nullptr;
  auto made = co_await identities_.create(std::move(name), kind);
  if (!made) co_return arm_error(made.error());
  if (!there) {
    log::info("identity_made", {{"name", made->name}, {"kind", to_string(kind)}});
  }
  co_return ok(in_azures_form ? user_assigned_json(*made, tenancy_)
                              : identity_json(*made, identities_, tenancy_),
               there ? 200 : 201);
}

IdentityService::Answer IdentityService::put_user_assigned(const http::Request&,
                                                           const http::Match& match) {
  co_return co_await create(match.parameters[kName], IdentityKind::user_assigned, true);
}

IdentityService::Answer IdentityService::get_user_assigned(const http::Request&,
                                                           const http::Match& match) {
  const auto* found = user_assigned(match.parameters[kName]);
  if (found == nullptr) co_return not_found(match.parameters[kName]);
  co_return ok(user_assigned_json(*found, tenancy_));
}

IdentityService::Answer IdentityService::list_user_assigned(const http::Request&,
                                                            const http::Match&) {
  json::array rows;
  for (const Identity& each : identities_.all()) {
    if (each.kind != IdentityKind::user_assigned) continue;
    rows.push_back(user_assigned_json(each, tenancy_));
  }
  co_return ok({{"value", std::move(rows)}});
}

IdentityService::Answer IdentityService::remove(const http::Request&, const http::Match& match) {
  const auto done = co_await identities_.remove(match.parameters[kName]);
  if (done) log::info("identity_removed", {{"name", match.parameters[kName]}});
  co_return removed(done);
}

IdentityService::Answer IdentityService::put_federated(const http::Request& request,
                                                       const http::Match& match) {
  const auto* identity = user_assigned(match.parameters[kName]);
  if (identity == nullptr) co_return not_found(match.parameters[kName]);
  const auto properties = parse_properties(request.body);
  if (!properties) co_return no_body();
  auto content = parse_federated(*properties);
  if (!content) co_return arm_error(content.error());
  Credential credential{.id = {},
                        .name = match.parameters[kPart],
                        .made_at = to_epoch_seconds(clock_.now()),
                        .content = std::move(*content)};
  const auto* there = find_federated(*identity, credential.name);
  const int status = there == nullptr ? 201 : 200;
  if (there != nullptr) credential.id = there->id;
  std::string owner = identity->name;
  auto added = co_await identities_.add_credential(std::move(owner), std::move(credential));
  if (!added) co_return arm_error(added.error());
  const auto* now = user_assigned(match.parameters[kName]);
  if (now == nullptr) co_return not_found(match.parameters[kName]);
  co_return ok(federated_json(*added, *now, tenancy_), status);
}

IdentityService::Answer IdentityService::get_federated(const http::Request&,
                                                       const http::Match& match) {
  const auto* identity = user_assigned(match.parameters[kName]);
  const auto* found =
      identity == nullptr ? nullptr : find_federated(*identity, match.parameters[kPart]);
  if (found == nullptr) co_return not_found(match.parameters[kPart]);
  co_return ok(federated_json(*found, *identity, tenancy_));
}

IdentityService::Answer IdentityService::list_federated(const http::Request&,
                                                        const http::Match& match) {
  const auto* identity = user_assigned(match.parameters[kName]);
  if (identity == nullptr) co_return not_found(match.parameters[kName]);
  json::array rows;
  for (const Credential& each : identity->credentials) {
    if (each.kind() == "federated") rows.push_back(federated_json(each, *identity, tenancy_));
  }
  co_return ok({{"value", std::move(rows)}});
}

IdentityService::Answer IdentityService::remove_federated(const http::Request&,
                                                          const http::Match& match) {
  const auto* identity = user_assigned(match.parameters[kName]);
  const auto* found =
      identity == nullptr ? nullptr : find_federated(*identity, match.parameters[kPart]);
  if (found == nullptr) co_return nothing(204);
  std::string id = found->id;
  const auto done = co_await identities_.remove_credential(match.parameters[kName], std::move(id));
  co_return removed(done);
}

IdentityService::Answer IdentityService::put(const http::Request& request,
                                             const http::Match& match) {
  const auto properties = parse_properties(request.body);
  if (!properties) co_return no_body();
  const auto kind = identity_kind_from(text_member(*properties, "kind"));
  if (!kind) {
    co_return arm_error(400, "InvalidRequestContent",
                        "properties.kind must be systemAssigned, userAssigned or "
                        "servicePrincipal.");
  }
  co_return co_await create(match.parameters[kName], *kind, false);
}

IdentityService::Answer IdentityService::get(const http::Request&, const http::Match& match) {
  const auto* found = identities_.by_name(match.parameters[kName]);
  if (found == nullptr) co_return not_found(match.parameters[kName]);
  co_return ok(identity_json(*found, identities_, tenancy_));
}

IdentityService::Answer IdentityService::list(const http::Request&, const http::Match&) {
  json::array rows;
  for (const Identity& each : identities_.all()) {
    rows.push_back(identity_json(each, identities_, tenancy_));
  }
  co_return ok({{"value", std::move(rows)}});
}

IdentityService::Answer IdentityService::list_header(const http::Request&,
                                                     const http::Match& match) {
  const auto* found = identities_.by_name(match.parameters[kName]);
  if (found == nullptr) co_return not_found(match.parameters[kName]);
  if (found->kind == IdentityKind::service_principal) {
    co_return arm_error(400, "NotAManagedIdentity",
                        fmt::format("'{}' is a service principal: it signs in with a secret, a "
                                    "certificate or a federated token.",
                                    found->name));
  }
  auto response = ok({{"identityHeader", found->identity_header.reveal()}});
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

IdentityService::Answer IdentityService::add_credential(const http::Request& request,
                                                        const http::Match& match) {
  const auto properties = parse_properties(request.body);
  if (!properties) co_return no_body();
  std::string name = match.parameters[kName];
  const std::int64_t now = to_epoch_seconds(clock_.now());
  if (text_member(*properties, "kind") == "secret") {
    Credential wanted{.id = {},
                      .name = text_member(*properties, "name"),
                      .made_at = now,
                      .ends_at = now + kSecretDays * 86'400,
                      .content = {}};
    if (const auto* seconds = properties->if_contains("lifeSeconds")) {
      if (!seconds->is_int64() || seconds->as_int64() < 1 ||
          seconds->as_int64() > kSecretDays * 86'400) {
        co_return arm_error(400, "InvalidRequestContent",
                            "lifeSeconds must be a number from 1 to 63072000.");
      }
      wanted.ends_at = now + seconds->as_int64();
    }
    const auto made = co_await identities_.add_secret(std::move(name), std::move(wanted));
    if (!made) co_return arm_error(made.error());
    auto body = credential_json(made->credential);
    body["secretText"] = made->text.reveal();
    auto response = ok(body, 201);
    response.headers.set("Cache-Control", "no-store");
    co_return response;
  }
  auto credential = parse_credential(*properties);
  if (!credential) co_return arm_error(credential.error());
  credential->made_at = now;
  const auto added = co_await identities_.add_credential(std::move(name), std::move(*credential));
  if (!added) co_return arm_error(added.error());
  co_return ok(credential_json(*added), 201);
}

IdentityService::Answer IdentityService::remove_credential(const http::Request&,
                                                           const http::Match& match) {
  const auto done =
      co_await identities_.remove_credential(match.parameters[kName], match.parameters[kPart]);
  co_return removed(done);
}

IdentityService::Answer IdentityService::attach(const http::Request&, const http::Match& match) {
  const auto done = co_await identities_.attach(match.parameters[kName], match.parameters[kPart]);
  co_return done ? nothing(200) : arm_error(done.error());
}

IdentityService::Answer IdentityService::detach(const http::Request&, const http::Match& match) {
  const auto done = co_await identities_.detach(match.parameters[kName], match.parameters[kPart]);
  co_return removed(done);
}

IdentityService::Answer IdentityService::rotate(const http::Request&, const http::Match&) {
  const auto rotated = co_await keys_.rotate(keep_key_);
  if (!rotated) co_return arm_error(rotated.error());
  co_return ok({{"keyId", *rotated}});
}

}  // namespace latchkey::cloud
