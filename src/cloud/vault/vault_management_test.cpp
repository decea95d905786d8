#include "cloud/vault/vault_management.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cloud/functions/key_management.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/functions_fixture.hpp"
#include "cloud/testing/test_tokens.hpp"

/// What Azure Resource Manager says of vaults and of function keys.
namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::json_member;
using testing::kTestPrincipal;

class ManagementTest : public testing::FunctionsFixture {
 protected:
  void owner() { store_.assign(kTestPrincipal, "Contributor", group()); }
  std::string group() { return store_.tenancy.resource_group_scope(); }
  http::Response send(const http::Handler& handler, Method method, std::string path,
                      std::string body = {}) {
    const auto token = testing::test_token("https://management.azure.com", store_.clock);
    return ask(handler, method, path + "?api-version=2023-07-01",
               {{"Authorization", "Bearer " + token}}, std::move(body));
  }
  http::Response vault(Method method, std::string below, std::string body = {}) {
    EXPECT_TRUE(VaultManagement::serves(group() + "/providers/Microsoft.KeyVault/vaults" + below));
    return send(vaults_.handler(), method,
                group() + "/providers/Microsoft.KeyVault/vaults" + std::move(below),
                std::move(body));
  }
  http::Response site(Method method, std::string below, std::string body = {}) {
    EXPECT_TRUE(KeyManagement::serves(group() + "/providers/Microsoft.Web/sites/any" + below));
    return send(function_keys_.handler(), method,
                group() + "/providers/Microsoft.Web/sites/any" + std::move(below), std::move(body));
  }

  testing::CloudStore store_;
  ArmGate gate_{store_.tenancy, *store_.roles, store_.authenticator};
  VaultManagement vaults_{store_.tenancy, *store_.vaults, gate_, 90};
  KeyManagement function_keys_{*keys_, *host_, gate_};
};

constexpr const char* kGet = R"({"properties":{"accessPolicies":[{"tenantId":"t","objectId":"o",)"
                             R"("permissions":{"secrets":["get","list"],"keys":["get"]}}]}})";
constexpr const char* kOthers =
    R"({"properties":{"accessPolicies":[{"tenantId":"t","objectId":"o",)"
    R"("permissions":{"secrets":["list","set"]}}]}})";

TEST_F(ManagementTest, AVaultsPoliciesAreAddedReplacedAndRemoved) {
  owner();
  const std::string at = "properties.accessPolicies.0.permissions.secrets";
  const auto secrets = [&](const char* change, const char* body) {
    const auto answer = vault(Method::put, std::string("/policies/accessPolicies/") + change, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json_member(answer.body, at);
  };
  EXPECT_EQ(secrets("add", kGet), R"(["get","list"])");
  EXPECT_EQ(secrets("add", kOthers), R"(["get","list","set"])");
  EXPECT_EQ(secrets("remove", kGet), R"(["set"])");
  EXPECT_EQ(secrets("replace", kGet), R"(["get","list"])");
  const auto shown = vault(Method::get, "/policies");
  EXPECT_EQ(json_member(shown.body, at), R"(["get","list"])");
  EXPECT_EQ(json_member(shown.body, "properties.enableRbacAuthorization"), "false");
  EXPECT_EQ(vault(Method::put, "/policies/accessPolicies/swap", kGet).status, 400);
  EXPECT_EQ(vault(Method::put, "/policies/accessPolicies/add", "{}").status, 400);
  EXPECT_EQ(vault(Method::put, "/unknown/accessPolicies/add", kGet).status, 404);
}

TEST_F(ManagementTest, AVaultIsMadeAndItsModelChanged) {
  owner();
  const auto made = vault(Method::put, "/made", kGet);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json_member(made.body, "id"), store_.tenancy.vault("made"));
  EXPECT_EQ(store_.vaults->find("made")->model, PermissionModel::access_policies);
  const auto changed =
      vault(Method::patch, "/made", R"({"properties":{"enableRbacAuthorization":true}})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(store_.vaults->find("made")->model, PermissionModel::roles);
  EXPECT_EQ(store_.vaults->find("made")->policies.size(), 1U);
  EXPECT_EQ(vault(Method::patch, "/other", kGet).status, 404);
  EXPECT_EQ(vault(Method::put, "/a_b", kGet).status, 400);
  EXPECT_EQ(vault(Method::put, "/made", "{}").status, 400);
  EXPECT_EQ(vault(Method::get, "/unknown").status, 404);
  EXPECT_EQ(json_member(vault(Method::get, "").body, "value.1.name"), "made");
}

TEST_F(ManagementTest, EachCallNeedsItsAction) {
  store_.assign(kTestPrincipal, "Reader", group());
  EXPECT_EQ(vault(Method::get, "/policies").status, 200);
  EXPECT_EQ(vault(Method::put, "/policies/accessPolicies/add", kGet).status, 403);
  EXPECT_EQ(vault(Method::put, "/made", kGet).status, 403);
  EXPECT_EQ(vault(Method::patch, "/policies", kGet).status, 403);
  for (const auto* path : {"/host/default/listkeys", "/functions/Other/listkeys"}) {
    const auto refused = site(Method::post, path);
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_EQ(refused.body.find(key("Other")), std::string::npos);
  }
  EXPECT_EQ(site(Method::put, "/functions/Other/keys/n", "{}").status, 403);
  EXPECT_EQ(site(Method::delete_, "/host/default/functionKeys/default").status, 403);
  EXPECT_EQ(ask(vaults_.handler(), Method::get, store_.tenancy.vault("policies")).status, 401);
}

TEST_F(ManagementTest, FunctionKeysAreListedSetAndDeleted) {
  owner();
  const auto host = site(Method::post, "/host/default/listkeys").body;
  EXPECT_EQ(json_member(host, "masterKey"), key(KeyOwner::master(), "_master"));
  EXPECT_EQ(json_member(host, "functionKeys.default"), key(KeyOwner::host(), "default"));
  EXPECT_EQ(json_member(host, "systemKeys"), "{}");
  EXPECT_EQ(json_member(site(Method::post, "/functions/other/listKeys").body, "default"),
            key("Other"));

  const auto mine = R"({"properties":{"name":"n","value":"chosen"}})";
  const auto made = site(Method::put, "/functions/Other/keys/n", mine);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json_member(made.body, "properties.value"), "chosen");
  EXPECT_EQ(site(Method::put, "/functions/Other/keys/n", R"({"value":"flat"})").status, 200);
  EXPECT_EQ(call("/api/Other", {{"x-functions-key", "flat"}}), 200);
  const auto generated = site(Method::put, "/host/default/systemKeys/n", "{}");
  EXPECT_EQ(key(KeyOwner::system(), "n"), json_member(generated.body, "properties.value"));
  EXPECT_EQ(site(Method::put, "/host/default/masterKey/_master", mine).status, 200);
  EXPECT_EQ(key(KeyOwner::master(), "_master"), "chosen");

  EXPECT_EQ(site(Method::delete_, "/functions/Other/keys/n").status, 204);
  EXPECT_EQ(site(Method::delete_, "/functions/Other/keys/n").status, 404);
  EXPECT_EQ(call("/api/Other", {{"x-functions-key", "flat"}}), 401);
  EXPECT_EQ(site(Method::delete_, "/host/default/masterKey/_master").status, 400);
  EXPECT_EQ(site(Method::put, "/functions/Nothing/keys/n", mine).status, 404);
  EXPECT_EQ(site(Method::put, "/host/default/otherKeys/n", mine).status, 404);
}

TEST_F(ManagementTest, RoleAssignmentsOnAVaultAreNotItsBusiness) {
  const auto below = "/providers/Microsoft.Authorization/roleAssignments";
  EXPECT_FALSE(VaultManagement::serves(store_.tenancy.vault("latchkey") + below));
  EXPECT_FALSE(KeyManagement::serves(group() + "/providers/Microsoft.Web/sites/any" + below));
}

}  // namespace
}  // namespace latchkey::cloud
