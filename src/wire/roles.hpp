#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Role definitions: Azure's built-in roles, the data actions that the operations need, and the
/// rules by which they match. Source: "Azure built-in roles" (General, Storage, Security),
/// "Understand Azure role definitions", queue and vault references.
///
/// One deviation: Azure lists queues/read, queues/write and queues/delete of the queue roles as
/// management actions although the queue endpoint checks them; here they are data actions too, so
/// that the data plane has one list to look at.
namespace latchkey::wire {

struct RoleDefinition {
  std::string id;                         ///< GUID
  std::string name;                       ///< "Storage Queue Data Message Sender"
  std::vector<std::string> data_actions;  ///< may hold '*', which matches across '/'
  std::vector<std::string> not_data_actions;
  std::vector<std::string> actions;  ///< management actions: what Azure Resource Manager checks
  std::vector<std::string> not_actions;
  bool custom = false;
  std::string description{};                     ///< of a custom role, as the next
  std::vector<std::string> assignable_scopes{};  ///< resource ids; a built-in one fits anywhere
};

/// All built-in roles that this product knows: queue and vault data roles, and the management roles
/// (Owner, Contributor, ...) that grant no data action.
std::span<const RoleDefinition> built_in_roles();
/// By GUID or name, without case; nullptr when unknown.
const RoleDefinition* find_role(std::string_view id_or_name);
/// True when one of the role's data actions matches and none of its exclusions does; without case.
bool allows(const RoleDefinition& role, std::string_view data_action);
/// The same for management actions, e.g. authorization_actions::kAssignmentsWrite.
bool allows_management(const RoleDefinition& role, std::string_view action);

/// Which of the patterns matches the action; nullptr when none does.
const std::string* matching_pattern(const std::vector<std::string>& patterns,
                                    std::string_view action);

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
inline constexpr std::string_view kServicePropertiesWrite =
    "Microsoft.Storage/storageAccounts/queueServices/write";
inline constexpr std::string_view kGetAcl =
    "Microsoft.Storage/storageAccounts/queueServices/queues/getAcl/action";
inline constexpr std::string_view kSetAcl =
    "Microsoft.Storage/storageAccounts/queueServices/queues/setAcl/action";
inline constexpr std::string_view kGenerateUserDelegationKey =
    "Microsoft.Storage/storageAccounts/queueServices/generateUserDelegationKey/action";
}  // namespace queue_actions

namespace vault_actions {
inline constexpr std::string_view kGetSecret = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
inline constexpr std::string_view kSetSecret = "Microsoft.KeyVault/vaults/secrets/setSecret/action";
inline constexpr std::string_view kReadMetadata =
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action";
inline constexpr std::string_view kUpdateSecret = "Microsoft.KeyVault/vaults/secrets/update/action";
inline constexpr std::string_view kDeleteSecret = "Microsoft.KeyVault/vaults/secrets/delete";
inline constexpr std::string_view kRecoverSecret =
    "Microsoft.KeyVault/vaults/secrets/recover/action";
inline constexpr std::string_view kPurgeSecret = "Microsoft.KeyVault/vaults/secrets/purge/action";
inline constexpr std::string_view kBackupSecret = "Microsoft.KeyVault/vaults/secrets/backup/action";
inline constexpr std::string_view kRestoreSecret =
    "Microsoft.KeyVault/vaults/secrets/restore/action";
}  // namespace vault_actions

namespace authorization_actions {
inline constexpr std::string_view kAssignmentsRead = "Microsoft.Authorization/roleAssignments/read";
inline constexpr std::string_view kAssignmentsWrite =
    "Microsoft.Authorization/roleAssignments/write";
inline constexpr std::string_view kAssignmentsDelete =
    "Microsoft.Authorization/roleAssignments/delete";
inline constexpr std::string_view kDefinitionsRead = "Microsoft.Authorization/roleDefinitions/read";
inline constexpr std::string_view kDefinitionsWrite =
    "Microsoft.Authorization/roleDefinitions/write";
inline constexpr std::string_view kDefinitionsDelete =
    "Microsoft.Authorization/roleDefinitions/delete";
}  // namespace authorization_actions

/// "/subscriptions/../queues/q" lies within scope "/subscriptions/..": equal, or below it at a '/'.
/// Compared without case, as Azure Resource Manager does. A slash at the end of either does not
/// matter; "/" contains every resource, "" none.
bool scope_contains(std::string_view scope, std::string_view resource_id);

}  // namespace latchkey::wire
