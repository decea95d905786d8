#include "cloud/vault/vaults.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cloud/testing/cloud_store.hpp"

namespace latchkey::cloud {
namespace {

std::vector<AccessPolicy> policies_of(std::string_view text) {
  auto read = parse_access_policies(boost::json::parse(text).as_array());
  EXPECT_TRUE(read) << text;
  return read.value_or(std::vector<AccessPolicy>());
}

std::string secrets_of(const std::vector<AccessPolicy>& policies) {
  std::string text;
  for (const auto& policy : policies) {
    const auto rendered = render_access_policies({policy});
    text += policy.object_id + " " +
            boost::json::serialize(rendered.at(0).at("permissions").at("secrets")) + " ";
  }
  return text;
}

TEST(AccessPolicies, AreReadAsTheManagementApiHasThem) {
  const auto read = policies_of(
      R"([{"tenantId":"t","objectId":"a","permissions":{"keys":["get"],"secrets":["Get","LIST"]}},
          {"objectId":"b","permissions":{"secrets":["all"]}},
          {"objectId":"c","permissions":{"certificates":["get"]}}])");
  EXPECT_EQ(secrets_of(read),
            R"(a ["get","list"] b ["get","list","set","delete","recover","backup","restore",)"
            R"("purge"] c [] )");
  EXPECT_EQ(read[0].tenant_id, "t");
  for (const auto* wrong : {R"([1])", R"([{"permissions":{}}])", R"([{"objectId":"a"}])",
                            R"([{"objectId":"a","permissions":{"secrets":"get"}}])",
                            R"([{"objectId":"a","permissions":{"secrets":["read"]}}])"}) {
    EXPECT_FALSE(parse_access_policies(boost::json::parse(wrong).as_array())) << wrong;
  }
}

TEST(AccessPolicies, AreAddedReplacedAndRemoved) {
  const auto get_a = policies_of(R"([{"objectId":"a","permissions":{"secrets":["get"]}}])");
  const auto list_A = policies_of(R"([{"objectId":"A","permissions":{"secrets":["list"]}}])");
  auto policies = get_a;
  change_policies(policies, PolicyChange::add, list_A);
  EXPECT_EQ(secrets_of(policies), R"(a ["get","list"] )");
  change_policies(policies, PolicyChange::remove, get_a);
  EXPECT_EQ(secrets_of(policies), R"(a ["list"] )");
  change_policies(policies, PolicyChange::replace, get_a);
  EXPECT_EQ(secrets_of(policies), R"(a ["get"] )");
  change_policies(policies, PolicyChange::remove, get_a);
  EXPECT_EQ(secrets_of(policies), "");
  change_policies(policies, PolicyChange::remove, get_a);
  EXPECT_EQ(secrets_of(policies), "");
}

TEST(Vaults, StayWithTheirModelUntilAnotherIsAskedFor) {
  testing::CloudStore store;
  store.make_vault("third");
  const auto load = [&](std::vector<VaultOptions> wanted) {
    auto database = store.second_connection();
    return std::move(Vaults::load(database, wanted).value());
  };
  EXPECT_EQ(load({})->list().size(), 3U);
  EXPECT_EQ(load({{.name = "POLICIES"}})->find("policies")->model,
            PermissionModel::access_policies);
  const auto changed = load({{.name = "Policies", .model = PermissionModel::roles}});
  EXPECT_EQ(changed->find("policies")->model, PermissionModel::roles);
  EXPECT_EQ(changed->find("policies")->name, "policies");
  EXPECT_EQ(load({})->find("policies")->model, PermissionModel::roles);
  EXPECT_EQ(load({})->find("fourth"), nullptr);
}

TEST(Vaults, HaveNamesAsAzureWantsThem) {
  for (const auto* good : {"abc", "a-1", "A23456789012345678901234"}) {
    EXPECT_TRUE(is_vault_name(good)) << good;
  }
  for (const auto* bad :
       {"", "ab", "1abc", "-abc", "abc-", "a--b", "a_bc", "a.bc", "a234567890123456789012345"}) {
    EXPECT_FALSE(is_vault_name(bad)) << bad;
  }
  testing::CloudStore store;
  auto database = store.second_connection();
  EXPECT_EQ(Vaults::load(database, {{.name = "a_b"}}).error().code, "InvalidVaultName");
}

}  // namespace
}  // namespace latchkey::cloud
