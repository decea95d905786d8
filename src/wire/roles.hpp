#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Azure's built-in data roles, the data actions that the operations need, and the rules by which
/// they match. Source: "Azure built-in roles" (Storage, Security), queue and vault references.
namespace latchkey::wire {

struct RoleDefinition {
  std::string_view id;                         ///< GUID
  std::string_view name;                       ///< "Storage Queue Data Message Sender"
  std::vector<std::string_view> data_actions;  ///< may hold '*', which matches across '/'
  std::vector<std::string_view> not_data_actions;
};

/// All built-in roles that this product knows: queue and vault data roles, and the management roles
/// (Owner, Contributor, ...) that grant no data action.
std::span<const RoleDefinition> built_in_roles();
/// By GUID or name, without case; nullptr when unknown.
const RoleDefinition* find_role(std::string_view id_or_name);
bool allows(const RoleDefinition& role, std::string_view data_action);

/// What an operation needs: any one of the alternatives, each a set that must be held wholly.
using Requirement = std::vector<std::vector<std::string_view>>;

namespace queue_actions {
inline constexpr std::string_view kPrefix = "Microsoft.Storage/storageAccounts/queueServices/";
inline constexpr std::string_view kQueuesRead =
    "Microsoft.Storage/storageAccounts/queueServices/queues/read";
inline constexpr std::string_view kQueuesWrite =
    "Microsoft.Storage/storageAccounts/queueServices/queues/write";
inline constexpr std::string_view kQueuesDelete =
    "Microsoft.Storage/storageAccounts/queueServices/queues/delete";
inline constexpr std::string_view kMessagesRead =
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read";
inline constexpr std::string_view kMessagesWrite =
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/write";
inline constexpr std::string_view kMessagesDelete =
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/delete";
inline constexpr std::string_view kMessagesAdd =
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action";
inline constexpr std::string_view kMessagesProcess =
    "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action";
inline constexpr std::string_view kServicePropertiesRead =
    "Microsoft.Storage/storageAccounts/queueServices/read";
}  // namespace queue_actions

namespace vault_actions {
inline constexpr std::string_view kGetSecret = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
inline constexpr std::string_view kSetSecret = "Microsoft.KeyVault/vaults/secrets/setSecret/action";
inline constexpr std::string_view kReadMetadata =
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action";
}  // namespace vault_actions

/// "/subscriptions/../queues/q" lies within scope "/subscriptions/..": equal, or below it at a '/'.
/// Compared without case, as Azure Resource Manager does.
bool scope_contains(std::string_view scope, std::string_view resource_id);

}  // namespace latchkey::wire
