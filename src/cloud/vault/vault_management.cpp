#include "cloud/vault/vault_management.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
using http::Method;

constexpr std::string_view kProviders = "/providers/";
constexpr std::string_view kProvider = "Microsoft.KeyVault/";
constexpr std::string_view kOfSubscription = "/subscriptions/{subscription}";
constexpr std::string_view kOfGroup = "/subscriptions/{subscription}/resourceGroups/{group}";
constexpr std::size_t kNameParameter = 2;  ///< behind subscription and group
constexpr std::size_t kChangeParameter = 3;

/// The part of a vault's JSON that can be written.
struct VaultChange {
  std::optional<PermissionModel> model{};
  std::optional<std::vector<AccessPolicy>> policies{};
};

/// Nullopt: not in the form that clients send.
std::optional<VaultChange> parse_change(std::string_view body) {
  VaultChange change;
  const auto object = wire::json::parse_object(body);
  const auto* properties = object ? wire::json::child(*object, "properties") : nullptr;
  if (properties == nullptr) return std::nullopt;
  if (const auto* rbac = wire::json::find(*properties, "enableRbacAuthorization")) {
    if (!rbac->is_bool()) return std::nullopt;
    change.model = rbac->get_bool() ? PermissionModel::roles : PermissionModel::access_policies;
  }
  if (const auto* policies = wire::json::find(*properties, "accessPolicies")) {
    if (!policies->is_array()) return std::nullopt;
    change.policies = parse_access_policies(policies->get_array());
    if (!change.policies) return std::nullopt;
  }
  return change;
}

std::optional<PolicyChange> parse_policy_change(std::string_view name) {
  if (iequals(name, "add")) return PolicyChange::add;
  if (iequals(name, "replace")) return PolicyChange::replace;
  if (iequals(name, "remove")) return PolicyChange::remove;
  return std::nullopt;
}

http::Response bad_body() {
  return arm_error(
      400, "BadRequest",
      "The body needs properties with accessPolicies (each with tenantId, objectId and "
      "permissions.secrets, such as [\"get\",\"list\"]) or enableRbacAuthorization.");
}

http::Response not_found(std::string_view vault) {
  return arm_error(
      404, "ResourceNotFound",
      fmt::format("The Resource 'Microsoft.KeyVault/vaults/{}' was not found.", vault));
}

/// The resource that a path is about: the vault, else what the list is of.
std::string scope_of(std::string_view path, const http::Match& match, const Tenancy& tenancy) {
  if (match.parameters.size() > kNameParameter) return tenancy.vault(match.parameters[2]);
  const auto decoded = percent_decode(path.substr(0, path.rfind(kProviders)));
  return decoded.value_or("/");
}

}  // namespace

VaultManagement::VaultManagement(const Tenancy& tenancy, Vaults& vaults, const ArmGate& gate,
                                 int recoverable_days)
    : tenancy_(tenancy), vaults_(vaults), gate_(gate), recoverable_days_(recoverable_days) {
  constexpr std::string_view kRead = "Microsoft.KeyVault/vaults/read";
  constexpr std::string_view kWrite = "Microsoft.KeyVault/vaults/write";
  using Self = VaultManagement;
  for (const auto above : {kOfSubscription, kOfGroup}) {
    add(Method::get, fmt::format("{}{}{}vaults", above, kProviders, kProvider), kRead, &Self::list);
  }
  add(Method::get, fmt::format("{}{}{}deletedVaults", kOfSubscription, kProviders, kProvider),
      "Microsoft.KeyVault/deletedVaults/read", &Self::list_deleted);
  const auto one = fmt::format("{}{}{}vaults/{{vault}}", kOfGroup, kProviders, kProvider);
  add(Method::get, one, kRead, &Self::get);
  add(Method::put, one, kWrite, &Self::write);
  add(Method::patch, one, kWrite, &Self::write);
  add(Method::put, one + "/accessPolicies/{change}",
      "Microsoft.KeyVault/vaults/accessPolicies/write", &Self::change_access);
  router_.on_refusal([](const http::Request&, int status) {
    return arm_error(status, status == 405 ? "MethodNotAllowed" : "InvalidResourceType",
                     "The local cloud manages vaults and their access policies only.");
  });
}

bool VaultManagement::serves(std::string_view path) {
  const auto at = path.rfind(kProviders);
  return at != path.npos && istarts_with(path.substr(at + kProviders.size()), kProvider);
}

void VaultManagement::add(Method method, std::string_view pattern, std::string_view action,
                          Operation operation) {
  router_.add(method, pattern,
              [this, action, operation](const http::Request& request, const http::Match& match) {
                return run(request, match, action, operation);
              });
}

Task<http::Response> VaultManagement::run(const http::Request& request, const http::Match& match,
                                          std::string_view action, Operation operation) {
  const ArmCall call{.action = std::string(action),
                     .scope = scope_of(request.path(), match, tenancy_)};
  if (auto refusal = gate_.refuse(request, call)) co_return std::move(*refusal);
  const bool ours = iequals(match.parameters[0], tenancy_.subscription_id);
  const bool in_our_group =
      match.parameters.size() < 2 || iequals(match.parameters[1], tenancy_.resource_group);
  if (!ours || !in_our_group) {
    co_return arm_error(404, "ResourceGroupNotFound",
                        fmt::format("The local cloud has one resource group, '{}'.",
                                    tenancy_.resource_group_scope()));
  }
  co_return co_await (this->*operation)(request, match);
}

Task<http::Response> VaultManagement::list(const http::Request& request, const http::Match&) {
  std::string body = "{\"value\":[";
  for (const auto& vault : vaults_.list()) {
    if (body.back() == '}') body += ',';
    body += show(200, request, vault).body;
  }
  co_return http::json_response(200, body + "]}");
}

Task<http::Response> VaultManagement::list_deleted(const http::Request&, const http::Match&) {
  co_return http::json_response(200, R"({"value":[]})");
}

Task<http::Response> VaultManagement::get(const http::Request& request, const http::Match& match) {
  const auto* vault = vaults_.find(match.parameters[kNameParameter]);
  if (vault == nullptr) co_return not_found(match.parameters[kNameParameter]);
  co_return show(200, request, *vault);
}

Task<http::Response> VaultManagement::write(const http::Request& request,
                                            const http::Match& match) {
  std::string name = match.parameters[kNameParameter];
  const bool is_new = vaults_.find(name) == nullptr;
  if (is_new && request.method == Method::patch) co_return not_found(name);
  auto change = parse_change(request.body);
  if (!change) co_return bad_body();
  // As in Azure: who does not say so gets a vault with access policies.
  if (is_new && !change->model) change->model = PermissionModel::access_policies;
  auto apply = [change = *std::move(change)](VaultProperties& vault) {
    if (change.model) vault.model = *change.model;
    if (change.policies) vault.policies = *change.policies;
  };
  const auto written = co_await vaults_.change(std::move(name), std::move(apply));
  if (!written) co_return arm_error(written.error());
  log::info("vault_written", {{"vault", written->name}});
  co_return show(is_new ? 201 : 200, request, *written);
}

Task<http::Response> VaultManagement::change_access(const http::Request& request,
                                                    const http::Match& match) {
  std::string name = match.parameters[kNameParameter];
  if (vaults_.find(name) == nullptr) co_return not_found(name);
  const auto how = parse_policy_change(match.parameters[kChangeParameter]);
  auto by = parse_change(request.body);
  if (!how || !by || !by->policies) co_return bad_body();
  auto apply = [how = *how, policies = *std::move(by->policies)](VaultProperties& vault) {
    change_policies(vault.policies, how, policies);
  };
  const auto written = co_await vaults_.change(std::move(name), std::move(apply));
  if (!written) co_return arm_error(written.error());
  log::info("access_policies_changed",
            {{"vault", written->name}, {"change", match.parameters[kChangeParameter]}});
  const json::object answer{
      {"id", tenancy_.vault(written->name) + "/accessPolicies/"},
      {"type", "Microsoft.KeyVault/vaults/accessPolicies"},
      {"location", "local"},
      {"properties", json::object{{"accessPolicies", render_access_policies(written->policies)}}}};
  co_return http::json_response(200, json::serialize(answer));
}

http::Response VaultManagement::show(int status, const http::Request& request,
                                     const VaultProperties& vault) const {
  const bool is_local = request_host(request).ends_with("localhost");
  const auto host = is_local ? fmt::format("{}.vault.localhost:{}", to_lower(vault.name), port_)
                             : to_lower(vault.name) + ".vault.azure.net";
  const json::object answer{
      {"id", tenancy_.vault(vault.name)},
      {"name", vault.name},
      {"type", "Microsoft.KeyVault/vaults"},
      {"location", "local"},
      {"tags", json::object()},
      {"properties",
       json::object{{"tenantId", tenancy_.tenant_id},
                    {"sku", json::object{{"family", "A"}, {"name", "standard"}}},
                    {"accessPolicies", render_access_policies(vault.policies)},
                    {"enableRbacAuthorization", vault.model == PermissionModel::roles},
                    {"enableSoftDelete", true},
                    {"softDeleteRetentionInDays", recoverable_days_},
                    {"vaultUri", fmt::format("https://{}/", host)},
                    {"provisioningState", "Succeeded"},
                    {"publicNetworkAccess", "Enabled"}}}};
  return http::json_response(status, json::serialize(answer));
}

}  // namespace latchkey::cloud
