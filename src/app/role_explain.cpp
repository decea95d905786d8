#include "app/role_explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/command_world.hpp"
#include "cloud/queues/queue_operation.hpp"
#include "wire/roles.hpp"

namespace latchkey::app {
namespace {

namespace json = boost::json;
namespace vault = wire::vault_actions;
using cloud::QueueOperation;

constexpr std::pair<std::string_view, QueueOperation> kQueueOperations[] = {
    {"put-message", QueueOperation::put_message},
    {"get-messages", QueueOperation::get_messages},
    {"peek-messages", QueueOperation::peek_messages},
    {"update-message", QueueOperation::update_message},
    {"delete-message", QueueOperation::delete_message},
    {"clear-messages", QueueOperation::clear_messages},
    {"create-queue", QueueOperation::create_queue},
    {"delete-queue", QueueOperation::delete_queue},
    {"list-queues", QueueOperation::list_queues}};
constexpr std::pair<std::string_view, std::string_view> kVaultOperations[] = {
    {"get-secret", vault::kGetSecret},        {"set-secret", vault::kSetSecret},
    {"list-secrets", vault::kReadMetadata},   {"update-secret", vault::kUpdateSecret},
    {"delete-secret", vault::kDeleteSecret},  {"recover-secret", vault::kRecoverSecret},
    {"purge-secret", vault::kPurgeSecret},    {"backup-secret", vault::kBackupSecret},
    {"restore-secret", vault::kRestoreSecret}};

using Alternatives = std::vector<std::vector<std::string>>;

std::string known_operations() {
  std::string names;
  for (const auto& [name, ignored] : kQueueOperations) names += fmt::format(" {}", name);
  for (const auto& [name, ignored] : kVaultOperations) names += fmt::format(" {}", name);
  return names;
}

const json::object* find_decision(const json::array& decisions, std::string_view action) {
  for (const auto& each : decisions) {
    if (each.is_object() && member_of(each.as_object(), "actionId") == action) {
      return &each.as_object();
    }
  }
  return nullptr;
}

bool is_allowed(const json::array& decisions, const std::vector<std::string>& actions) {
  return std::ranges::all_of(actions, [&](const auto& action) {
    const auto* decision = find_decision(decisions, action);
    return decision != nullptr && member_of(*decision, "accessDecision") == "Allowed";
  });
}

/// One line for each action: through what it is granted, or that nothing grants it.
void print_decision(const json::object& decision) {
  fmt::print("  {}\n", member_of(decision, "actionId"));
  const auto* assignment = decision.if_contains("roleAssignment");
  if (assignment == nullptr || !assignment->is_object()) {
    fmt::print("    no role at this scope or above grants it\n");
    return;
  }
  fmt::print("    role        {}\n    pattern     {}\n    scope       {}\n    assignment  {}\n",
             member_of(decision, "roleName"), member_of(decision, "actionPattern"),
             member_of(assignment->get_object(), "scope"),
             member_of(assignment->get_object(), "id"));
  const auto* wait = decision.if_contains("effectiveInSeconds");
  if (wait != nullptr && wait->is_int64() && wait->as_int64() > 0) {
    fmt::print("    holds in    {} s\n", wait->as_int64());
  }
}

/// The built-in role with the fewest data actions that grants an alternative wholly.
const wire::RoleDefinition* least_role(const Alternatives& alternatives) {
  const wire::RoleDefinition* best = nullptr;
  const auto weight = [](const wire::RoleDefinition& role) {
    const bool wide = std::ranges::any_of(
        role.data_actions, [](const auto& each) { return each.find('*') != each.npos; });
    return role.data_actions.size() + (wide ? 100U : 0U);
  };
  for (const auto& role : wire::built_in_roles()) {
    const bool grants = std::ranges::any_of(alternatives, [&](const auto& actions) {
      return std::ranges::all_of(actions,
                                 [&](const auto& action) { return wire::allows(role, action); });
    });
    if (grants && (best == nullptr || weight(role) < weight(*best))) best = &role;
  }
  return best;
}

}  // namespace

Alternatives needed_actions(std::string_view operation) {
  Alternatives found;
  for (const auto& [name, queue_operation] : kQueueOperations) {
    if (name != operation) continue;
    for (const auto& actions : cloud::needs_of(queue_operation).roles) {
      found.emplace_back(actions.begin(), actions.end());
    }
  }
  for (const auto& [name, action] : kVaultOperations) {
    if (name == operation) found.push_back({std::string(action)});
  }
  if (operation.find('/') != operation.npos) found.push_back({std::string(operation)});
  return found;
}

Task<int> explain(ManagementClient& management, const RoleOptions& options, Question question) {
  const auto alternatives = needed_actions(options.operation);
  if (alternatives.empty()) {
    co_return report({.kind = ErrorKind::invalid_argument,
                      .code = "UnknownOperation",
                      .message = fmt::format("there is no operation \"{}\"; use a data action "
                                             "(Microsoft.../action) or one of:{}",
                                             options.operation, known_operations()),
                      .retry_after = {},
                      .request_id = {},
                      .http_status = 0});
  }
  json::array actions;
  for (const auto& alternative : alternatives) {
    for (const auto& action : alternative) {
      actions.push_back(json::object{{"Id", action}, {"IsDataAction", true}});
    }
  }
  json::object attributes{{"ObjectId", question.who.object_id}};
  json::object subject{{"Attributes", std::move(attributes)}};
  json::object body{{"Subject", std::move(subject)}, {"Actions", std::move(actions)}};
  auto path = question.scope + "/providers/Microsoft.Authorization/checkAccess";
  auto answer = co_await management.post(std::move(path), std::move(body));
  if (!answer) co_return report(answer.error());
  const auto* value = answer->if_contains("value");
  const auto decisions = value != nullptr && value->is_array() ? value->get_array() : json::array{};
  const bool allowed = std::ranges::any_of(
      alternatives, [&](const auto& each) { return is_allowed(decisions, each); });
  if (options.json) {
    fmt::print("{}\n", json::serialize(json::object{{"allowed", allowed}, {"value", decisions}}));
    co_return allowed ? 0 : 1;
  }
  fmt::print("{}: {} may {}{} on\n  {}\n", allowed ? "yes" : "no", question.who.name,
             allowed ? "" : "not ", options.operation, question.scope);
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    fmt::print("{}", i == 0 ? "needed:\n" : "or instead:\n");
    for (const auto& action : alternatives[i]) {
      const auto* decision = find_decision(decisions, action);
      if (decision != nullptr) print_decision(*decision);
    }
  }
  const auto* role = least_role(alternatives);
  if (!allowed && role != nullptr) {
    fmt::print("to allow it:\n  latchkey role assign --assignee {} --role \"{}\" {}\n",
               question.who.name, role->name, question.scope_options);
  }
  co_return allowed ? 0 : 1;
}

}  // namespace latchkey::app
