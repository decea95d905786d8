#include "wire/roles.hpp"

#include <gtest/gtest.h>

#include <set>

namespace latchkey::wire {
namespace {

using namespace queue_actions;

const RoleDefinition& role(std::string_view name) {
  const RoleDefinition* found = find_role(name);
  EXPECT_NE(found, nullptr) << name;
  static const RoleDefinition kNone{};
  return found == nullptr ? kNone : *found;
}

TEST(Roles, EveryBuiltInRoleHasItsPublishedId) {
  const std::vector<std::pair<std::string_view, std::string_view>> expected = {
      {"Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88"},
      {"Storage Queue Data Reader", "19e7f393-937e-4f77-808e-94535e297925"},
      {"Storage Queue Data Message Processor", "8a0f0c08-91a1-4084-bc3d-661d67233fed"},
      {"Storage Queue Data Message Sender", "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"},
      {"Storage Queue Delegator", "7ee386e9-84f0-448e-80a6-f185f6533131"},
      {"Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483"},
      {"Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"},
      {"Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6"},
      {"Key Vault Reader", "21090545-7ca7-4776-b22c-e363652d74d2"},
      {"Key Vault Contributor", "f25e0fa2-a7c8-4377-a976-54943a77a395"},
      {"Storage Account Contributor", "17d1049b-9a84-46fb-8f53-869881c3d3ab"},
      {"Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"},
      {"Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"},
      {"Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"},
      {"User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"},
      {"Role Based Access Control Administrator", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"},
  };
  EXPECT_EQ(built_in_roles().size(), expected.size());
  std::set<std::string_view> ids;
  for (const auto& [name, id] : expected) {
    EXPECT_EQ(role(name).id, id);
    EXPECT_EQ(find_role(id), find_role(name));
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), expected.size());
}

TEST(Roles, AreFoundWithoutCaseAndUnknownOnesAreNot) {
  EXPECT_EQ(find_role("storage queue data reader"), find_role("Storage Queue Data Reader"));
  EXPECT_EQ(find_role("974C5E8B-45B9-4653-BA55-5F855DD0FB88"),
            find_role("Storage Queue Data Contributor"));
  EXPECT_EQ(find_role("Storage Queue Data"), nullptr);
  EXPECT_EQ(find_role(""), nullptr);
}

struct DataRow {
  std::string_view role;
  std::vector<std::string_view> held;
};

TEST(Roles, QueueRolesHoldExactlyTheirDataActions) {
  const std::vector<std::string_view> all = {kQueuesRead,
                                             kQueuesWrite,
                                             kQueuesDelete,
                                             kMessagesRead,
                                             kMessagesWrite,
                                             kMessagesDelete,
                                             kMessagesAdd,
                                             kMessagesProcess,
                                             kGetAcl,
                                             kSetAcl,
                                             kServicePropertiesRead,
                                             kServicePropertiesWrite,
                                             kGenerateUserDelegationKey};
  const std::vector<DataRow> rows = {
      {"Storage Queue Data Contributor",
       {kQueuesRead, kQueuesWrite, kQueuesDelete, kMessagesRead, kMessagesWrite, kMessagesDelete,
        kMessagesProcess}},
      {"Storage Queue Data Reader", {kQueuesRead, kMessagesRead}},
      {"Storage Queue Data Message Processor", {kMessagesRead, kMessagesProcess}},
      {"Storage Queue Data Message Sender", {kMessagesAdd}},
      {"Storage Queue Delegator", {kGenerateUserDelegationKey}},
      {"Key Vault Administrator", {}},
      {"Storage Account Contributor", {}},
      {"Owner", {}},
      {"Contributor", {}},
      {"Reader", {}},
      {"User Access Administrator", {}},
      {"Role Based Access Control Administrator", {}},
  };
  for (const DataRow& row : rows) {
    for (std::string_view action : all) {
      const bool held = std::find(row.held.begin(), row.held.end(), action) != row.held.end();
      EXPECT_EQ(allows(role(row.role), action), held) << row.role << ": " << action;
    }
  }
}

TEST(Roles, VaultRolesHoldExactlyTheirDataActions) {
  using namespace vault_actions;
  const std::vector<std::string_view> all = {kGetSecret,    kSetSecret,    kReadMetadata,
                                             kUpdateSecret, kDeleteSecret, kRecoverSecret,
                                             kPurgeSecret,  kBackupSecret, kRestoreSecret};
  const std::vector<DataRow> rows = {
      {"Key Vault Administrator", all},
      {"Key Vault Secrets Officer", all},
      {"Key Vault Secrets User", {kGetSecret, kReadMetadata}},
      {"Key Vault Reader", {kReadMetadata}},
      {"Key Vault Contributor", {}},
      {"Owner", {}},
      {"Storage Queue Data Contributor", {}},
  };
  for (const DataRow& row : rows) {
    for (std::string_view action : all) {
      const bool held = std::find(row.held.begin(), row.held.end(), action) != row.held.end();
      EXPECT_EQ(allows(role(row.role), action), held) << row.role << ": " << action;
    }
  }
  EXPECT_TRUE(
      allows(role("Key Vault Administrator"), "Microsoft.KeyVault/vaults/keys/sign/action"));
  EXPECT_FALSE(
      allows(role("Key Vault Secrets Officer"), "Microsoft.KeyVault/vaults/keys/sign/action"));
  EXPECT_TRUE(allows(role("Key Vault Reader"), "Microsoft.KeyVault/vaults/keys/read"));
}

TEST(Roles, ManagementActionsSayWhoMayAssignRoles) {
  using namespace authorization_actions;
  struct Row {
    std::string_view role;
    bool read, write, remove;
  };
  const std::vector<Row> rows = {
      {"Owner", true, true, true},
      {"Contributor", true, false, false},
      {"Reader", true, false, false},
      {"User Access Administrator", true, true, true},
      {"Role Based Access Control Administrator", true, true, true},
      {"Key Vault Contributor", true, false, false},
      {"Storage Account Contributor", true, false, false},
      {"Storage Queue Data Contributor", false, false, false},
      {"Key Vault Secrets User", false, false, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(allows_management(role(row.role), kAssignmentsRead), row.read) << row.role;
    EXPECT_EQ(allows_management(role(row.role), kAssignmentsWrite), row.write) << row.role;
    EXPECT_EQ(allows_management(role(row.role), kAssignmentsDelete), row.remove) << row.role;
  }
  EXPECT_TRUE(allows_management(role("Storage Account Contributor"),
                                "Microsoft.Storage/storageAccounts/listKeys/action"));
  EXPECT_FALSE(
      allows_management(role("Key Vault Contributor"), "Microsoft.KeyVault/managedHsms/write"));
}

TEST(Roles, WildcardsMatchAcrossSegmentsAndWithoutCase) {
  struct Row {
    std::string_view pattern, action;
    bool matches;
  };
  const std::vector<Row> rows = {
      {"*", "A/b/c", true},
      {"*", "", true},
      {"A/*", "a/b/c/read", true},
      {"A/*/read", "a/b/c/READ", true},
      {"A/*/read", "a/read", false},
      {"A/*/read", "a/b/write", false},
      {"*/read", "a/b/read", true},
      {"*/read", "a/b/read/action", false},
      {"A/b", "a/B", true},
      {"A/b", "a/bc", false},
      {"A/b", "a", false},
      {"*a*b*", "xxaxxbxx", true},
      {"*a*b*", "xxbxxaxx", false},
      {"a**b", "ab", true},
      {"", "", true},
      {"", "a", false},
  };
  for (const Row& row : rows) {
    const RoleDefinition made{.id = {},
                              .name = {},
                              .data_actions = {std::string(row.pattern)},
                              .not_data_actions = {},
                              .actions = {},
                              .not_actions = {}};
    EXPECT_EQ(allows(made, row.action), row.matches) << row.pattern << " on " << row.action;
  }
}

TEST(Roles, ExclusionsWinOverGrants) {
  const RoleDefinition made{.id = {},
                            .name = {},
                            .data_actions = {"A/*"},
                            .not_data_actions = {"A/secret/*"},
                            .actions = {},
                            .not_actions = {}};
  EXPECT_TRUE(allows(made, "A/open/read"));
  EXPECT_FALSE(allows(made, "a/SECRET/read"));
}

TEST(Roles, ScopeContainsItselfAndWhatIsBelowASlash) {
  struct Row {
    std::string_view scope, resource;
    bool contains;
  };
  const std::vector<Row> rows = {
      {"/subscriptions/s", "/subscriptions/s", true},
      {"/subscriptions/s", "/subscriptions/s/resourceGroups/g", true},
      {"/SUBSCRIPTIONS/S", "/subscriptions/s/resourceGroups/g", true},
      {"/subscriptions/s/", "/subscriptions/s", true},
      {"/subscriptions/s", "/subscriptions/s/", true},
      {"/subscriptions/s", "/subscriptions/s2", false},
      {"/subscriptions/s/resourceGroups/g", "/subscriptions/s", false},
      {"/", "/subscriptions/s", true},
      {"", "/subscriptions/s", false},
      {"subscriptions/s", "/subscriptions/s", false},
      {"/subscriptions/s", "subscriptions/s", false},
      {"/subscriptions/s", "", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(scope_contains(row.scope, row.resource), row.contains)
        << row.scope << " over " << row.resource;
  }
}

}  // namespace
}  // namespace latchkey::wire
