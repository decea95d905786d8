#include "wire/roles.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace latchkey::wire {
namespace {

using namespace queue_actions;
namespace vault = vault_actions;
namespace authorization = authorization_actions;

std::vector<std::string> texts(std::initializer_list<std::string_view> views) {
  return {views.begin(), views.end()};
}

/// The management actions that most data roles of Key Vault share.
std::vector<std::string> vault_reader_actions() {
  return {
      "Microsoft.Authorization/*/read",
      "Microsoft.Insights/alertRules/*",
      "Microsoft.Resources/deployments/*",
      "Microsoft.Resources/subscriptions/resourceGroups/read",
      "Microsoft.Support/*",
      "Microsoft.KeyVault/checkNameAvailability/read",
      "Microsoft.KeyVault/deletedVaults/read",
      "Microsoft.KeyVault/locations/*/read",
      "Microsoft.KeyVault/vaults/*/read",
      "Microsoft.KeyVault/operations/read",
  };
}

constexpr std::string_view kJoinSubnet =
    "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action";

void add_queue_roles(std::vector<RoleDefinition>& roles) {
  roles.push_back({.id = "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
                   .name = "Storage Queue Data Contributor",
                   .data_actions = texts({kQueuesRead, kQueuesWrite, kQueuesDelete, kMessagesRead,
                                          kMessagesWrite, kMessagesDelete, kMessagesProcess}),
                   .not_data_actions = {},
                   .actions = texts({kQueuesDelete, kQueuesRead, kQueuesWrite}),
                   .not_actions = {}});
  roles.push_back({.id = "19e7f393-937e-4f77-808e-94535e297925",
                   .name = "Storage Queue Data Reader",
                   .data_actions = texts({kQueuesRead, kMessagesRead}),
                   .not_data_actions = {},
                   .actions = texts({kQueuesRead}),
                   .not_actions = {}});
  roles.push_back({.id = "8a0f0c08-91a1-4084-bc3d-661d67233fed",
                   .name = "Storage Queue Data Message Processor",
                   .data_actions = texts({kMessagesRead, kMessagesProcess}),
                   .not_data_actions = {},
                   .actions = {},
                   .not_actions = {}});
  roles.push_back({.id = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
                   .name = "Storage Queue Data Message Sender",
                   .data_actions = texts({kMessagesAdd}),
                   .not_data_actions = {},
                   .actions = {},
                   .not_actions = {}});
  roles.push_back({.id = "7ee386e9-84f0-448e-80a6-f185f6533131",
                   .name = "Storage Queue Delegator",
                   .data_actions = texts({kGenerateUserDelegationKey}),
                   .not_data_actions = {},
                   .actions = texts({kGenerateUserDelegationKey}),
                   .not_actions = {}});
}

void add_vault_roles(std::vector<RoleDefinition>& roles) {
  roles.push_back({.id = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
                   .name = "Key Vault Administrator",
                   .data_actions = texts({"Microsoft.KeyVault/vaults/*"}),
                   .not_data_actions = {},
                   .actions = vault_reader_actions(),
                   .not_actions = {}});
  roles.push_back({.id = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
                   .name = "Key Vault Secrets Officer",
                   .data_actions = texts({"Microsoft.KeyVault/vaults/secrets/*"}),
                   .not_data_actions = {},
                   .actions = vault_reader_actions(),
                   .not_actions = {}});
  roles.push_back({.id = "4633458b-17de-408a-b874-0445c86b69e6",
                   .name = "Key Vault Secrets User",
                   .data_actions = texts({vault::kGetSecret, vault::kReadMetadata}),
                   .not_data_actions = {},
                   .actions = {},
                   .not_actions = {}});
  roles.push_back(
      {.id = "21090545-7ca7-4776-b22c-e363652d74d2",
       .name = "Key Vault Reader",
       .data_actions = texts({"Microsoft.KeyVault/vaults/*/read", vault::kReadMetadata}),
       .not_data_actions = {},
       .actions = vault_reader_actions(),
       .not_actions = {}});
}

/// Roles that manage resources and hand out access, but may not touch data themselves.
void add_management_roles(std::vector<RoleDefinition>& roles) {
  roles.push_back({.id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
                   .name = "Owner",
                   .data_actions = {},
                   .not_data_actions = {},
                   .actions = texts({"*"}),
                   .not_actions = {}});
  roles.push_back(
      {.id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
       .name = "Contributor",
       .data_actions = {},
       .not_data_actions = {},
       .actions = texts({"*"}),
       .not_actions = texts({"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
                             "Microsoft.Authorization/elevateAccess/Action"})});
  roles.push_back({.id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                   .name = "Reader",
                   .data_actions = {},
                   .not_data_actions = {},
                   .actions = texts({"*/read"}),
                   .not_actions = {}});
  roles.push_back({.id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
                   .name = "User Access Administrator",
                   .data_actions = {},
                   .not_data_actions = {},
                   .actions = texts({"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}),
                   .not_actions = {}});
  roles.push_back(
      {.id = "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
       .name = "Role Based Access Control Administrator",
       .data_actions = {},
       .not_data_actions = {},
       .actions = texts({authorization::kAssignmentsWrite, authorization::kAssignmentsDelete,
                         "*/read", "Microsoft.Support/*"}),
       .not_actions = {}});
  roles.push_back(
      {.id = "f25e0fa2-a7c8-4377-a976-54943a77a395",
       .name = "Key Vault Contributor",
       .data_actions = {},
       .not_data_actions = {},
       .actions =
           texts({"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
                  "Microsoft.KeyVault/*", "Microsoft.Resources/deployments/*",
                  "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*"}),
       .not_actions =
           texts({"Microsoft.KeyVault/locations/deletedVaults/purge/action",
                  "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*"})});
  roles.push_back(
      {.id = "17d1049b-9a84-46fb-8f53-869881c3d3ab",
       .name = "Storage Account Contributor",
       .data_actions = {},
       .not_data_actions = {},
       .actions = texts({"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
                         "Microsoft.Insights/diagnosticSettings/*", kJoinSubnet,
                         "Microsoft.ResourceHealth/availabilityStatuses/read",
                         "Microsoft.Resources/deployments/*",
                         "Microsoft.Resources/subscriptions/resourceGroups/read",
                         "Microsoft.Storage/storageAccounts/*", "Microsoft.Support/*"}),
       .not_actions = {}});
}

/// '*' stands for any text, also across '/'. Linear: on a mismatch only the last '*' is retried.
bool matches(std::string_view pattern, std::string_view action) {
  std::size_t p = 0;
  std::size_t a = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (a < action.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = a;
    } else if (p < pattern.size() && iequals(pattern.substr(p, 1), action.substr(a, 1))) {
      ++p;
      ++a;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      a = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool granted(const std::vector<std::string>& granting, const std::vector<std::string>& excluding,
             std::string_view action) {
  return matching_pattern(granting, action) != nullptr &&
         matching_pattern(excluding, action) == nullptr;
}

std::string_view without_end_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

std::span<const RoleDefinition> built_in_roles() {
  static const std::vector<RoleDefinition> kRoles = [] {
    std::vector<RoleDefinition> roles;
    add_queue_roles(roles);
    add_vault_roles(roles);
    add_management_roles(roles);
    return roles;
  }();
  return kRoles;
}

const RoleDefinition* find_role(std::string_view id_or_name) {
  for (const RoleDefinition& role : built_in_roles()) {
    if (iequals(role.id, id_or_name) || iequals(role.name, id_or_name)) return &role;
  }
  return nullptr;
}

bool allows(const RoleDefinition& role, std::string_view data_action) {
  return granted(role.data_actions, role.not_data_actions, data_action);
}

bool allows_management(const RoleDefinition& role, std::string_view action) {
  return granted(role.actions, role.not_actions, action);
}

const std::string* matching_pattern(const std::vector<std::string>& patterns,
                                    std::string_view action) {
  const auto found =
      std::ranges::find_if(patterns, [&](const auto& each) { return matches(each, action); });
  return found == patterns.end() ? nullptr : &*found;
}

bool scope_contains(std::string_view scope, std::string_view resource_id) {
  if (!scope.starts_with('/') || !resource_id.starts_with('/')) return false;
  scope = without_end_slash(scope);
  resource_id = without_end_slash(resource_id);
  return istarts_with(resource_id, scope) &&
         (resource_id.size() == scope.size() || resource_id[scope.size()] == '/');
}

}  // namespace latchkey::wire
