#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/azure_access.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "cloud/cloud.hpp"
#include "wire/roles.hpp"

/// `latchkey role list|assign|remove`: role assignments of the local cloud, through its Azure
/// Resource Manager endpoint, as the operator.
namespace latchkey::app {
namespace {

namespace json = boost::json;

constexpr const char* kManagement = "https://management.azure.com";
constexpr const char* kAssignments = "/providers/Microsoft.Authorization/roleAssignments";

struct Assignment {
  std::string name, principal_id, role_id, scope;
};

std::string text_member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string{};
}

/// Azure Resource Manager's answers about role assignments.
std::vector<Assignment> parse_assignments(std::string_view body) {
  std::vector<Assignment> found;
  json::error_code error;
  const auto document = json::parse(body, error);
  if (error || !document.is_object()) return found;
  const auto* rows = document.get_object().if_contains("value");
  if (rows == nullptr || !rows->is_array()) return found;
  for (const auto& row : rows->get_array()) {
    if (!row.is_object()) continue;
    const auto* properties = row.get_object().if_contains("properties");
    if (properties == nullptr || !properties->is_object()) continue;
    const auto& inner = properties->get_object();
    const std::string definition = text_member(inner, "roleDefinitionId");
    found.push_back({text_member(row.get_object(), "name"), text_member(inner, "principalId"),
                     definition.substr(definition.rfind('/') + 1), text_member(inner, "scope")});
  }
  return found;
}

class Management {
 public:
  static Result<std::unique_ptr<Management>> open(RunningCloud running, World world);
  Task<Result<std::vector<Assignment>>> list();
  Task<Result<>> assign(Assignment assignment);
  Task<Result<>> remove(Assignment assignment);
  const RunningCloud& running() const { return running_; }
  std::string subscription() const { return "/subscriptions/" + running_.subscription_id; }
  std::string new_name() { return world_.random.uuid(); }

 private:
  Management(RunningCloud running, World world) : running_(std::move(running)), world_(world) {}
  Task<Result<std::string>> call(http::Method method, std::string path, std::string body);
  RunningCloud running_;
  World world_;
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<azure::TokenCredential> credential_;
};

Result<std::unique_ptr<Management>> Management::open(RunningCloud running, World world) {
  auto environment = environment_for(running, kOperatorIdentity);
  if (!environment) return fail(environment.error());
  auto authority = read_file(running.authority_file());
  if (!authority) return fail(authority.error());
  auto trust = http::TlsClientContext::system_trust(*authority);
  if (!trust) return fail(trust.error());
  std::unique_ptr<Management> made(new Management(std::move(running), world));
  made->http_ =
      std::make_unique<http::PooledClient>(world.executor, std::move(*trust), world.clock);
  made->credential_ = azure::make_default_credential(read_credential_settings(*environment),
                                                     *made->http_, world.clock, world.executor);
  return made;
}

Task<Result<std::string>> Management::call(http::Method method, std::string path,
                                           std::string body) {
  auto token = co_await credential_->get_token(kManagement);
  if (!token) co_return fail(token.error());
  auto base = http::parse_url(running_.endpoints.at("login"));
  if (!base) co_return fail(base.error());
  http::ClientRequest request;
  request.method = method;
  request.url = base->with_path(std::move(path));
  request.url.add_parameter("api-version", "2022-04-01");
  request.headers.set("Authorization", fmt::format("Bearer {}", token->value.reveal()));
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  auto answer = co_await http_->send(std::move(request));
  if (!answer) co_return fail(answer.error());
  if (answer->status >= 400) {
    co_return fail(
        ErrorKind::denied, "ManagementError",
        fmt::format("the management endpoint answered {}: {}", answer->status, answer->body));
  }
  co_return std::move(answer->body);
}

Task<Result<std::vector<Assignment>>> Management::list() {
  auto body = co_await call(http::Method::get, subscription() + kAssignments, {});
  if (!body) co_return fail(body.error());
  co_return parse_assignments(*body);
}

Task<Result<>> Management::assign(Assignment assignment) {
  const json::object properties = {
      {"principalId", assignment.principal_id},
      {"roleDefinitionId", fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                                       subscription(), assignment.role_id)}};
  const json::object body = {{"properties", properties}};
  auto done = co_await call(http::Method::put,
                            fmt::format("{}{}/{}", assignment.scope, kAssignments, assignment.name),
                            json::serialize(body));
  if (!done) co_return fail(done.error());
  co_return Result<>{};
}

Task<Result<>> Management::remove(Assignment assignment) {
  auto done =
      co_await call(http::Method::delete_,
                    fmt::format("{}{}/{}", assignment.scope, kAssignments, assignment.name), {});
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
Result<Assignment> wanted_assignment(Management& management, const RoleOptions& options) {
  const auto& running = management.running();
  const auto identity = running.identities.find(options.assignee);
  if (identity == running.identities.end()) {
    return fail(environment_for(running, options.assignee).error());
  }
  const auto* role = wire::find_role(options.role);
  if (role == nullptr) {
    std::string names;
    for (const auto& known : wire::built_in_roles()) names += fmt::format("\n  {}", known.name);
    return fail(ErrorKind::invalid_argument, "UnknownRole",
                fmt::format("there is no role \"{}\"; there are:{}", options.role, names));
  }
  return Assignment{management.new_name(), identity->second.object_id, std::string(role->id),
                    scope_of(running, options)};
}

Task<int> list(Management& management) {
  auto rows = co_await management.list();
  if (!rows) co_return report(rows.error());
  for (const auto& row : *rows) {
    const auto* role = wire::find_role(row.role_id);
    fmt::print("{:<10} {:<36} {}\n", name_of_principal(management.running(), row.principal_id),
               role == nullptr ? std::string_view(row.role_id) : role->name, row.scope);
  }
  co_return 0;
}

Task<int> change(Management& management, const RoleOptions& options) {
  auto wanted = wanted_assignment(management, options);
  if (!wanted) co_return report(wanted.error());
  if (options.action == "assign") {
    auto done = co_await management.assign(*wanted);
    if (!done) co_return report(done.error());
    fmt::print("assigned\n");
    co_return 0;
  }
  auto rows = co_await management.list();
  if (!rows) co_return report(rows.error());
  for (const auto& row : *rows) {
    if (row.principal_id == wanted->principal_id && row.role_id == wanted->role_id &&
        row.scope == wanted->scope) {
      auto done = co_await management.remove(row);
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
  auto management = Management::open(running, world);
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
