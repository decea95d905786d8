#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/management_client.hpp"
#include "app/names.hpp"
#include "app/role_explain.hpp"
#include "base/text.hpp"
#include "cloud/cloud.hpp"
#include "cloud/management/arm_gate.hpp"
#include "wire/roles_json.hpp"

/// `latchkey role ...`: role definitions and assignments of the local cloud, through its Azure
/// Resource Manager endpoint, as the operator.
namespace latchkey::app {
namespace {

namespace json = boost::json;

constexpr const char* kAssignments = "/providers/Microsoft.Authorization/roleAssignments";
constexpr const char* kDefinitions = "/providers/Microsoft.Authorization/roleDefinitions";

Error wrong(ErrorKind kind, std::string code, std::string message) {
  return {.kind = kind,
          .code = std::move(code),
          .message = std::move(message),
          .retry_after = {},
          .request_id = {},
          .http_status = 0};
}

struct Assignment {
  std::string name, principal_id, role_id, scope;
};

Task<Result<json::array>> rows_at(ManagementClient& management, std::string path) {
  auto body = co_await management.get(std::move(path));
  if (!body) co_return fail(body.error());
  auto* rows = body->if_contains("value");
  if (rows == nullptr || !rows->is_array()) co_return json::array{};
  co_return std::move(rows->as_array());
}

/// What the cloud knows, to put names to ids.
struct Known {
  std::vector<IdentityFacts> identities;
  std::vector<wire::RoleDefinition> roles;

  std::string name_of(const std::string& object_id) const {
    const auto found = std::ranges::find(identities, object_id, &IdentityFacts::object_id);
    return found == identities.end() ? object_id : found->name;
  }
  std::string role_name_of(const std::string& id) const {
    const auto found = std::ranges::find(roles, id, &wire::RoleDefinition::id);
    return found == roles.end() ? id : found->name;
  }
};

Task<Result<Known>> read_known(ManagementClient& management) {
  Known known;
  auto identities = co_await rows_at(management, management.identity_path());
  if (!identities) co_return fail(identities.error());
  for (const auto& row : *identities) known.identities.push_back(identity_facts(row.as_object()));
  auto roles = co_await rows_at(management, management.subscription() + kDefinitions);
  if (!roles) co_return fail(roles.error());
  for (const auto& row : *roles) {
    auto role = wire::parse_role_definition(json::serialize(row));
    if (!role) continue;
    role->custom =
        member_of(row.as_object(), "type") == "Microsoft.Authorization/roleDefinitions" &&
        std::ranges::none_of(wire::built_in_roles(),
                             [&](const auto& each) { return each.id == role->id; });
    known.roles.push_back(std::move(*role));
  }
  co_return known;
}

/// By name, client id or object id; another GUID is a principal of an issuer outside.
Result<IdentityFacts> find_assignee(const Known& known, const std::string& wanted) {
  std::string names;
  for (const auto& each : known.identities) {
    if (iequals(each.name, wanted) || iequals(each.client_id, wanted) ||
        iequals(each.object_id, wanted)) {
      return each;
    }
    names += (names.empty() ? "" : ", ") + each.name;
  }
  if (cloud::is_guid(wanted)) return IdentityFacts{wanted, "", "", wanted};
  return fail(ErrorKind::not_found, "UnknownIdentity",
              fmt::format("there is no identity \"{}\" here; there are: {}", wanted, names));
}

Result<wire::RoleDefinition> find_role(const Known& known, const std::string& wanted) {
  std::string names;
  for (const auto& each : known.roles) {
    if (iequals(each.name, wanted) || iequals(each.id, wanted)) return each;
    names += fmt::format("\n  {}", each.name);
  }
  return fail(ErrorKind::invalid_argument, "UnknownRole",
              fmt::format("there is no role \"{}\"; there are:{}", wanted, names));
}

struct Scope {
  std::string id;
  std::string options;  ///< as the user writes it
};

Scope scope_of(const RunningCloud& running, const RoleOptions& options) {
  const cloud::Tenancy tenancy{running.tenant_id, running.subscription_id, running.resource_group};
  const std::string account(options.account.empty() ? kAccountName : options.account);
  const auto of_account = options.account.empty() ? "" : fmt::format("--account {}", account);
  const std::string vault(options.vault.empty() ? cloud::Cloud::kVault : options.vault);
  if (!options.scope.empty()) return {options.scope, "--scope " + options.scope};
  if (options.subscription) return {tenancy.subscription_scope(), "--subscription"};
  if (options.resource_group) return {tenancy.resource_group_scope(), "--resource-group"};
  if (!options.secret.empty()) {
    return {tenancy.secret(vault, options.secret),
            fmt::format("--vault {} --secret {}", vault, options.secret)};
  }
  if (!options.queue.empty()) {
    return {tenancy.queue(account, options.queue),
            fmt::format("--queue {} {}", options.queue, of_account)};
  }
  if (!options.vault.empty()) return {tenancy.vault(vault), "--vault " + vault};
  return {tenancy.storage_account(account), of_account};
}

Task<Result<std::vector<Assignment>>> read_assignments(ManagementClient& management) {
  auto rows = co_await rows_at(management, management.subscription() + kAssignments);
  if (!rows) co_return fail(rows.error());
  std::vector<Assignment> found;
  for (const auto& row : *rows) {
    const auto& object = row.as_object();
    const auto definition = member_of(object, "roleDefinitionId");
    found.push_back({member_of(object, "name"), member_of(object, "principalId"),
                     definition.substr(definition.rfind('/') + 1), member_of(object, "scope")});
  }
  co_return found;
}

Task<int> list(ManagementClient& management, const RoleOptions& options, const Known& known) {
  auto rows = co_await read_assignments(management);
  if (!rows) co_return report(rows.error());
  json::array shown;
  for (const auto& row : *rows) {
    const auto who = known.name_of(row.principal_id);
    const auto role = known.role_name_of(row.role_id);
    if (!options.assignee.empty() && !iequals(options.assignee, who)) continue;
    if (options.json) {
      shown.push_back(json::object{{"name", row.name},
                                   {"assignee", who},
                                   {"principalId", row.principal_id},
                                   {"role", role},
                                   {"scope", row.scope}});
    } else {
      fmt::print("{:<10} {:<36} {}\n", who, role, row.scope);
    }
  }
  if (options.json) fmt::print("{}\n", json::serialize(shown));
  co_return 0;
}

Task<int> change(ManagementClient& management, const RoleOptions& options, const Known& known) {
  const auto who = find_assignee(known, options.assignee);
  if (!who) co_return report(who.error());
  const auto role = find_role(known, options.role);
  if (!role) co_return report(role.error());
  const auto scope = scope_of(management.running(), options);
  if (options.action == "assign") {
    const json::object properties{
        {"principalId", who->object_id},
        {"roleDefinitionId", management.subscription() + kDefinitions + "/" + role->id}};
    json::object body{{"properties", properties}};
    auto path = fmt::format("{}{}/{}", scope.id, kAssignments, management.world().random.uuid());
    auto done = co_await management.put(std::move(path), std::move(body));
    if (!done) co_return report(done.error());
    fmt::print("assigned\n");
    co_return 0;
  }
  auto rows = co_await read_assignments(management);
  if (!rows) co_return report(rows.error());
  for (const auto& row : *rows) {
    if (row.principal_id != who->object_id || row.role_id != role->id ||
        !iequals(row.scope, scope.id)) {
      continue;
    }
    auto path = fmt::format("{}{}/{}", row.scope, kAssignments, row.name);
    auto done = co_await management.remove(std::move(path));
    if (!done) co_return report(done.error());
    fmt::print("removed\n");
    co_return 0;
  }
  co_return report(wrong(ErrorKind::not_found, "NoSuchAssignment",
                         fmt::format("{} has no such role at {} (see: latchkey role list)",
                                     options.assignee, scope.id)));
}

int print_definitions(const RoleOptions& options, const Known& known, std::string_view scope) {
  json::array shown;
  for (const auto& role : known.roles) {
    if (options.json) {
      shown.push_back(wire::role_definition_json(role, scope));
    } else {
      fmt::print("{:<42} {:<9} {}\n", role.name, role.custom ? "custom" : "built-in", role.id);
    }
  }
  if (options.json) fmt::print("{}\n", json::serialize(shown));
  return 0;
}

/// A role of that name is replaced; without assignable scopes it fits the whole subscription.
Task<int> create(ManagementClient& management, const RoleOptions& options, const Known& known) {
  auto text = read_file(options.file);
  if (!text) co_return report(text.error());
  auto role = wire::parse_role_definition(*text);
  if (!role) co_return report(role.error());
  const auto there = find_role(known, role->name);
  if (there) role->id = there->id;
  if (!cloud::is_guid(role->id)) role->id = management.world().random.uuid();
  if (role->assignable_scopes.empty()) {
    role->assignable_scopes.push_back(management.subscription());
  }
  auto path = management.subscription() + kDefinitions + "/" + role->id;
  auto body = wire::role_definition_json(*role, management.subscription());
  auto done = co_await management.put(std::move(path), std::move(body));
  if (!done) co_return report(done.error());
  fmt::print("{} {}\n", there ? "changed" : "created", role->id);
  co_return 0;
}

Task<int> remove_definition(ManagementClient& management, const RoleOptions& options,
                            const Known& known) {
  const auto role = find_role(known, options.role);
  if (!role) co_return report(role.error());
  if (!role->custom) {
    co_return report(
        wrong(ErrorKind::invalid_argument, "BuiltInRole", "a built-in role cannot be deleted"));
  }
  auto done = co_await management.remove(management.subscription() + kDefinitions + "/" + role->id);
  if (!done) co_return report(done.error());
  fmt::print("deleted\n");
  co_return 0;
}

Task<int> run_action(const RunningCloud& running, const RoleOptions& options, World world) {
  auto management = ManagementClient::open(running, world);
  if (!management) co_return report(management.error());
  auto known = co_await read_known(**management);
  if (!known) co_return report(known.error());
  if (options.action == "list") co_return co_await list(**management, options, *known);
  if (options.action == "definitions") {
    co_return print_definitions(options, *known, (*management)->subscription());
  }
  if (options.action == "create") co_return co_await create(**management, options, *known);
  if (options.action == "delete") {
    co_return co_await remove_definition(**management, options, *known);
  }
  if (options.action != "explain") co_return co_await change(**management, options, *known);
  auto who = find_assignee(*known, options.assignee);
  if (!who) co_return report(who.error());
  auto scope = scope_of(running, options);
  Question question{std::move(*who), std::move(scope.id), std::move(scope.options)};
  co_return co_await explain(**management, options, std::move(question));
}

}  // namespace

int run_role(const CommonOptions& common, const RoleOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(*running, options, inside); });
}

}  // namespace latchkey::app
