#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/management_client.hpp"
#include "app/names.hpp"
#include "cloud/cloud.hpp"
#include "wire/roles.hpp"

/// `latchkey role list|assign|remove`: role assignments of the local cloud, through its Azure
/// Resource Manager endpoint, as the operator.
namespace latchkey::app {
namespace {

namespace json = boost::json;

constexpr const char* kAssignments = "/providers/Microsoft.Authorization/roleAssignments";

struct Assignment {
  std::string name, principal_id, role_id, scope;
};

/// Azure Resource Manager's answers about role assignments.
std::vector<Assignment> parse_assignments(const json::object& document) {
  std::vector<Assignment> found;
  const auto* rows = document.if_contains("value");
  if (rows == nullptr || !rows->is_array()) return found;
  for (const auto& row : rows->get_array()) {
    if (!row.is_object()) continue;
    const auto* properties = row.get_object().if_contains("properties");
    if (properties == nullptr || !properties->is_object()) continue;
    const auto& inner = properties->get_object();
    const std::string definition = member_of(inner, "roleDefinitionId");
    found.push_back({member_of(row.get_object(), "name"), member_of(inner, "principalId"),
                     definition.substr(definition.rfind('/') + 1), member_of(inner, "scope")});
  }
  return found;
}

Task<Result<std::vector<Assignment>>> all_assignments(ManagementClient& management) {
  auto body = co_await management.get(management.subscription() + kAssignments);
  if (!body) co_return fail(body.error());
  co_return parse_assignments(*body);
}

Task<Result<>> assign(ManagementClient& management, Assignment assignment) {
  const json::object properties = {
      {"principalId", assignment.principal_id},
      {"roleDefinitionId", fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                                       management.subscription(), assignment.role_id)}};
  json::object body = {{"properties", properties}};
  auto path = fmt::format("{}{}/{}", assignment.scope, kAssignments, assignment.name);
  auto done = co_await management.put(std::move(path), std::move(body));
  if (!done) co_return fail(done.error());
  co_return Result<>{};
}

Task<Result<>> remove(ManagementClient& management, Assignment assignment) {
  auto path = fmt::format("{}{}/{}", assignment.scope, kAssignments, assignment.name);
  auto done = co_await management.remove(std::move(path));
  if (!done) co_return fail(done.error());
  co_return Result<>{};
}

std::string name_of_principal(const RunningCloud& running, const std::string& object_id) {
  for (const auto& [name, identity] : running.identities) {
    if (identity.object_id == object_id) return name;
  }
  return object_id;
}

std::string scope_of(const RunningCloud& running, const RoleOptions& options) {
  cloud::Tenancy tenancy{running.tenant_id, running.subscription_id, running.resource_group};
  if (!options.scope.empty()) return options.scope;
  if (!options.queue.empty()) return tenancy.queue(kAccountName, options.queue);
  if (options.vault) return tenancy.vault(cloud::Cloud::kVault);
  return tenancy.storage_account(kAccountName);
}

/// What --assignee, --role and the scope options name. Error: not_found, with what there is.
Task<Result<Assignment>> wanted_assignment(ManagementClient& management,
                                           const RoleOptions& options) {
  auto identity = co_await find_identity(management, options.assignee);
  if (!identity) co_return fail(identity.error());
  const auto* role = wire::find_role(options.role);
  if (role == nullptr) {
    std::string names;
    for (const auto& known : wire::built_in_roles()) names += fmt::format("\n  {}", known.name);
    co_return fail(ErrorKind::invalid_argument, "UnknownRole",
                   fmt::format("there is no role \"{}\"; there are:{}", options.role, names));
  }
  co_return Assignment{management.world().random.uuid(), identity->object_id, std::string(role->id),
                       scope_of(management.running(), options)};
}

Task<int> list(ManagementClient& management) {
  auto rows = co_await all_assignments(management);
  if (!rows) co_return report(rows.error());
  for (const auto& row : *rows) {
    const auto* role = wire::find_role(row.role_id);
    fmt::print("{:<10} {:<36} {}\n", name_of_principal(management.running(), row.principal_id),
               role == nullptr ? std::string_view(row.role_id) : role->name, row.scope);
  }
  co_return 0;
}

Task<int> change(ManagementClient& management, const RoleOptions& options) {
  auto wanted = co_await wanted_assignment(management, options);
  if (!wanted) co_return report(wanted.error());
  if (options.action == "assign") {
    auto done = co_await assign(management, *wanted);
    if (!done) co_return report(done.error());
    fmt::print("assigned\n");
    co_return 0;
  }
  auto rows = co_await all_assignments(management);
  if (!rows) co_return report(rows.error());
  for (const auto& row : *rows) {
    if (row.principal_id == wanted->principal_id && row.role_id == wanted->role_id &&
        row.scope == wanted->scope) {
      auto done = co_await remove(management, row);
      if (!done) co_return report(done.error());
      fmt::print("removed\n");
      co_return 0;
    }
  }
  co_return report({.kind = ErrorKind::not_found,
                    .code = "NoSuchAssignment",
                    .message = fmt::format("{} has no such role at {} (see: latchkey role list)",
                                           options.assignee, wanted->scope),
                    .retry_after = {},
                    .request_id = {},
                    .http_status = 0});
}

Task<int> run_action(const RunningCloud& running, const RoleOptions& options, World world) {
  auto management = ManagementClient::open(running, world);
  if (!management) co_return report(management.error());
  int exit_code = 0;
  if (options.action == "list") {
    exit_code = co_await list(**management);
  } else {
    exit_code = co_await change(**management, options);
  }
  co_return exit_code;
}

}  // namespace

int run_role(const CommonOptions& common, const RoleOptions& options) {
  auto running = read_running_cloud(common.data);
  if (!running) return report(running.error());
  CommandWorld world;
  return world.run([&](World inside) { return run_action(*running, options, inside); });
}

}  // namespace latchkey::app
