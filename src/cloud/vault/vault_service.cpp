#include "cloud/vault/vault_service.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "cloud/vault/vault_answers.hpp"
#include "wire/roles.hpp"

namespace latchkey::cloud {
namespace {

namespace actions = wire::vault_actions;
using http::Method;
using Permission = SecretPermission;

constexpr std::string_view kServiceVersion = "1.9.0.0";

std::string secret_url(const VaultVisit& visit, const SecretVersion& secret) {
  return fmt::format("{}/secrets/{}", visit.base_url, secret.name);
}

wire::SecretBundle bundle(const VaultVisit& visit, const SecretVersion& secret, bool with_value) {
  wire::SecretBundle made{.value = secret.value,
                          .has_value = with_value,
                          .id = secret_url(visit, secret) + "/" + secret.version,
                          .content_type = secret.content_type,
                          .tags = secret.tags,
                          .attributes = secret.attributes};
  if (secret.deleted_at && secret.purge_at) {
    made.deletion = wire::SecretDeletion{
        .recovery_id = fmt::format("{}/deletedsecrets/{}", visit.base_url, secret.name),
        .deleted = *secret.deleted_at,
        .scheduled_purge = *secret.purge_at};
  }
  return made;
}

/// The answer of most operations: the secret as it is now, or the error.
http::Response show(const VaultVisit& visit, const Result<SecretVersion>& secret,
                    bool with_value = false) {
  if (!secret) return vault_error(secret.error());
  return http::json_response(200, wire::render_secret_bundle(bundle(visit, *secret, with_value)));
}

/// What is in `found` was asked with one more than the page holds: when that is there, another page
/// follows. `mark` says where a page that ends with a secret ended.
template <class Item, class Mark>
http::Response show_page(const VaultVisit& visit, const http::Query& query, const Paging& paging,
                         std::string_view path, Result<std::vector<SecretVersion>> found, Item item,
                         Mark mark) {
  if (!found) return vault_error(found.error());
  const bool more = std::ssize(*found) > paging.count;
  if (more) found->pop_back();
  std::vector<wire::SecretBundle> items;
  for (const auto& secret : *found) items.push_back(item(secret));
  std::string next;
  if (more) next = next_link(visit.base_url, path, query, paging, mark(found->back()));
  return render_page(items, next);
}

/// In lists of secrets ids have no version.
wire::SecretBundle list_item(const VaultVisit& visit, const SecretVersion& secret) {
  auto item = bundle(visit, secret, false);
  item.id = secret_url(visit, secret);
  return item;
}

std::string name_of(const SecretVersion& secret) {
  return secret.name;
}

std::string network_info(const http::Request& request) {
  const bool v6 = request.peer_address.find(':') != std::string::npos;
  return fmt::format("conn_type=Ipv{};addr={};act_addr_fam=InterNetwork{};", v6 ? 6 : 4,
                     request.peer_address, v6 ? "V6" : "");
}

}  // namespace

VaultService::VaultService(VaultGate gate, SecretStore& store, Random& random)
    : gate_(std::move(gate)), store_(store), random_(random) {
  add_routes();
  router_.on_refusal([this](const http::Request& request, int status) {
    if (auto visit = gate_.admit(request); !visit) return std::move(visit.error());
    if (status == 400) return bad_parameter("The request URI cannot be decoded.");
    const auto* code = status == 404 ? "NotFound" : "MethodNotAllowed";
    return vault_error(status, code, "The local vault does not have this operation.");
  });
}

void VaultService::add_routes() {
  constexpr auto kCreate = VaultThrottle::Kind::create;
  using Self = VaultService;
  add(Method::get, "/secrets", {actions::kReadMetadata, Permission::list}, &Self::list);
  add(Method::put, "/secrets/{name}", {actions::kSetSecret, Permission::set, kCreate}, &Self::set);
  add(Method::delete_, "/secrets/{name}", {actions::kDeleteSecret, Permission::delete_},
      &Self::remove);
  for (const auto* path : {"/secrets/{name}", "/secrets/{name}/{version}"}) {
    add(Method::get, path, {actions::kGetSecret, Permission::get}, &Self::get);
    add(Method::patch, path, {actions::kUpdateSecret, Permission::set}, &Self::update);
  }
  add(Method::get, "/secrets/{name}/versions", {actions::kReadMetadata, Permission::list},
      &Self::list_versions);
  add(Method::post, "/secrets/{name}/backup", {actions::kBackupSecret, Permission::backup},
      &Self::backup);
  add(Method::post, "/secrets/restore", {actions::kRestoreSecret, Permission::restore, kCreate},
      &Self::restore);
  add(Method::get, "/deletedsecrets", {actions::kReadMetadata, Permission::list},
      &Self::list_deleted);
  add(Method::get, "/deletedsecrets/{name}", {actions::kReadMetadata, Permission::get},
      &Self::get_deleted);
  add(Method::delete_, "/deletedsecrets/{name}", {actions::kPurgeSecret, Permission::purge},
      &Self::purge);
  add(Method::post, "/deletedsecrets/{name}/recover",
      {actions::kRecoverSecret, Permission::recover}, &Self::recover);
}

void VaultService::add(Method method, std::string_view path, VaultOperation needs,
                       Operation operation) {
  const bool is_named = path.find("{name}") != path.npos;
  router_.add(
      method, path,
      [this, needs, is_named, operation](const http::Request& request, const http::Match& match) {
        return run(request, match, needs, is_named, operation);
      });
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
  response.headers.set("x-ms-keyvault-service-version", kServiceVersion);
  response.headers.set("x-ms-keyvault-network-info", network_info(request));
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_return response;
}

Task<http::Response> VaultService::run(const http::Request& request, const http::Match& match,
                                       VaultOperation needs, bool is_named, Operation operation) {
  auto visit = gate_.admit(request);
  if (!visit) co_return std::move(visit.error());
  Call call{.request = request,
            .match = match,
            .visit = std::move(*visit),
            .secret = {.vault = {}, .name = is_named ? match.parameters[0] : ""},
            .version = {}};
  call.secret.vault = call.visit.vault.name;
  // The C++ SDK asks for the newest version by a percent-encoded slash.
  if (match.parameters.size() > 1 && match.parameters[1] != "/") call.version = match.parameters[1];
  if (auto refusal = gate_.refuse(call.visit, match.query, needs, call.secret.name)) {
    co_return std::move(*refusal);
  }
  if (is_named && !is_secret_name(call.secret.name)) {
    co_return bad_parameter(
        fmt::format("The request URI contains an invalid name: {}. A secret's name has 1 to 127 "
                    "letters, digits and dashes.",
                    call.secret.name));
  }
  co_return co_await (this->*operation)(call);
}

Task<http::Response> VaultService::set(const Call& call) {
  auto content = wire::parse_set_secret(call.request.body);
  if (!content) co_return vault_error(content.error());
  const auto made = co_await store_.set(call.secret, std::move(*content));
  co_return show(call.visit, made, true);
}

Task<http::Response> VaultService::get(const Call& call) {
  const auto secret = store_.get(call.secret, call.version);
  if (secret && !secret->attributes.enabled) {
    co_return vault_error(403, "Forbidden", "Operation get is not allowed on a disabled secret.",
                          "SecretDisabled");
  }
  co_return show(call.visit, secret, true);
}

Task<http::Response> VaultService::update(const Call& call) {
  auto change = wire::parse_update_secret(call.request.body);
  if (!change) co_return vault_error(change.error());
  const auto updated = co_await store_.update(call.secret, call.version, std::move(*change));
  co_return show(call.visit, updated);
}

Task<http::Response> VaultService::list(const Call& call) {
  const auto paging = read_paging(call.match.query);
  if (!paging) co_return vault_error(paging.error());
  const auto item = [&](const SecretVersion& each) { return list_item(call.visit, each); };
  co_return show_page(call.visit, call.match.query, *paging, "/secrets",
                      store_.list(call.secret.vault, paging->after, paging->count + 1), item,
                      name_of);
}

Task<http::Response> VaultService::list_versions(const Call& call) {
  const auto paging = read_paging(call.match.query);
  if (!paging) co_return vault_error(paging.error());
  const auto after = parse_integer<std::int64_t>(paging->after).value_or(0);
  const auto path = fmt::format("/secrets/{}/versions", call.secret.name);
  const auto item = [&](const SecretVersion& each) { return bundle(call.visit, each, false); };
  const auto mark = [](const SecretVersion& each) { return std::to_string(each.number); };
  co_return show_page(call.visit, call.match.query, *paging, path,
                      store_.versions(call.secret, after, paging->count + 1), item, mark);
}

Task<http::Response> VaultService::remove(const Call& call) {
  const auto removed = co_await store_.remove(call.secret);
  co_return show(call.visit, removed);
}

Task<http::Response> VaultService::list_deleted(const Call& call) {
  const auto paging = read_paging(call.match.query);
  if (!paging) co_return vault_error(paging.error());
  const auto item = [&](const SecretVersion& each) { return list_item(call.visit, each); };
  co_return show_page(call.visit, call.match.query, *paging, "/deletedsecrets",
                      store_.list_deleted(call.secret.vault, paging->after, paging->count + 1),
                      item, name_of);
}

Task<http::Response> VaultService::get_deleted(const Call& call) {
  co_return show(call.visit, store_.get_deleted(call.secret));
}

Task<http::Response> VaultService::recover(const Call& call) {
  const auto recovered = co_await store_.recover(call.secret);
  co_return show(call.visit, recovered);
}

Task<http::Response> VaultService::purge(const Call& call) {
  const auto purged = co_await store_.purge(call.secret);
  if (!purged) co_return vault_error(purged.error());
  http::Response nothing;
  nothing.status = 204;
  co_return nothing;
}

Task<http::Response> VaultService::backup(const Call& call) {
  const auto blob = store_.backup(call.secret);
  if (!blob) co_return vault_error(blob.error());
  co_return http::json_response(200, wire::render_secret_backup(*blob));
}

Task<http::Response> VaultService::restore(const Call& call) {
  auto blob = wire::parse_secret_backup(call.request.body);
  if (!blob) co_return vault_error(blob.error());
  const auto restored = co_await store_.restore(call.secret.vault, std::move(*blob));
  co_return show(call.visit, restored);
}

}  // namespace latchkey::cloud
