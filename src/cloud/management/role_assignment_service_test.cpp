#include "cloud/management/role_assignment_service.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::json_member;
using testing::kTestPrincipal;
using testing::test_token;

constexpr std::string_view kManagement = "https://management.azure.com";
constexpr std::string_view kName = "00000000-1111-4222-8333-444444444444";
constexpr std::string_view kOtherName = "00000000-1111-4222-8333-555555555555";
constexpr std::string_view kSecretsUser = "4633458b-17de-408a-b874-0445c86b69e6";
constexpr std::string_view kBob = "bbbbbbbb-0000-4000-8000-000000000002";

class RoleAssignmentServiceTest : public ::testing::Test {
 protected:
  RoleAssignmentServiceTest() { gate_.set_port(8443); }

  http::Response send(Method method, std::string target, std::string body = {},
                      std::string_view audience = kManagement) {
    return ask(service_.handler(), method, std::move(target),
               {{"Authorization", "Bearer " + test_token(audience, store_.clock)}},
               std::move(body));
  }
  std::string path(std::string_view scope, std::string_view name = kName) const {
    return fmt::format(
        "{}/providers/Microsoft.Authorization/roleAssignments{}{}?api-version=2022-04-01", scope,
        name.empty() ? "" : "/", name);
  }
  std::string body(std::string_view principal = kBob, std::string_view role = kSecretsUser) const {
    return fmt::format(
        R"({{"properties":{{"roleDefinitionId":"{}/providers/Microsoft.Authorization/)"
        R"(roleDefinitions/{}","principalId":"{}","principalType":"ServicePrincipal"}}}})",
        store_.tenancy.subscription_scope(), role, principal);
  }
  bool bob_may_read() const {
    return store_.roles->allowed(kBob, {{wire::vault_actions::kGetSecret}}, vault_ + "/secrets/s");
  }
  void own(std::string scope) { store_.assign(kTestPrincipal, "Owner", std::move(scope)); }

  testing::CloudStore store_;
  std::string vault_ = store_.tenancy.vault("latchkey");
  ArmGate gate_{store_.tenancy, *store_.roles, store_.authenticator};
  RoleAssignmentService service_{store_.tenancy, *store_.roles, gate_};
};

TEST_F(RoleAssignmentServiceTest, AnOwnerGivesAndTakesARole) {
  own(store_.tenancy.resource_group_scope());
  const auto made = send(Method::put, path(vault_), body());
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(bob_may_read());
  EXPECT_EQ(json_member(made.body, "id"),
            fmt::format("{}/providers/Microsoft.Authorization/roleAssignments/{}", vault_, kName));
  EXPECT_EQ(json_member(made.body, "name"), kName);
  EXPECT_EQ(json_member(made.body, "properties.principalId"), kBob);
  EXPECT_EQ(json_member(made.body, "properties.scope"), vault_);
  EXPECT_TRUE(json_member(made.body, "properties.roleDefinitionId").ends_with(kSecretsUser));

  EXPECT_EQ(send(Method::put, path(vault_), body()).status, 200);
  EXPECT_EQ(send(Method::get, path(vault_)).body, made.body);
  EXPECT_EQ(send(Method::delete_, path(vault_)).body, made.body);
  EXPECT_FALSE(bob_may_read());
  EXPECT_EQ(send(Method::delete_, path(vault_)).status, 204);
  EXPECT_EQ(send(Method::get, path(vault_)).status, 404);
}

TEST_F(RoleAssignmentServiceTest, RefusalsRowByRow) {
  own(vault_);
  ASSERT_EQ(send(Method::put, path(vault_), body()).status, 201);
  const auto group = store_.tenancy.resource_group_scope();
  const auto no_version = path(vault_).substr(0, path(vault_).find('?'));
  struct Row {
    const char* name;
    http::Response response;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {"no token", ask(service_.handler(), Method::get, path(vault_)), 401, "AuthenticationFailed"},
      {"vault's audience", send(Method::get, path(vault_), {}, "https://vault.azure.net"), 401,
       "AuthenticationFailed"},
      {"no api-version", send(Method::get, no_version), 400, "MissingApiVersionParameter"},
      {"scope above", send(Method::put, path(group, kOtherName), body()), 403,
       "AuthorizationFailed"},
      {"name", send(Method::put, path(vault_, "reader"), body()), 400, "InvalidRoleAssignmentId"},
      {"body", send(Method::put, path(vault_, kOtherName), "{"), 400, "InvalidRequestContent"},
      {"no principal", send(Method::put, path(vault_, kOtherName), body("")), 400,
       "InvalidRequestContent"},
      {"role", send(Method::put, path(vault_, kOtherName), body(kBob, kName)), 400,
       "RoleDefinitionDoesNotExist"},
      {"same under another name", send(Method::put, path(vault_, kOtherName), body()), 409,
       "RoleAssignmentExists"},
      {"another under the same name", send(Method::put, path(vault_), body(kTestPrincipal)), 409,
       "RoleAssignmentUpdateNotPermitted"},
      {"method", send(Method::post, path(vault_), body()), 405, "MethodNotAllowed"},
      {"filter", send(Method::get, path(vault_, "") + "&$filter=x%20eq%20'y'"), 400,
       "UnsupportedFilter"},
      {"elsewhere", send(Method::get, vault_ + "?api-version=1"), 404, "InvalidResourceType"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.response.status, row.status) << row.name;
    EXPECT_EQ(json_member(row.response.body, "error.code"), row.code) << row.name;
    EXPECT_NE(json_member(row.response.body, "error.message"), "(none)") << row.name;
  }
  EXPECT_NE(header_of(rows[0].response, "WWW-Authenticate").find("https://localhost:8443/"),
            std::string::npos);
}

TEST_F(RoleAssignmentServiceTest, EveryMethodNeedsItsAction) {
  store_.assign(kTestPrincipal, "Reader", store_.tenancy.subscription_scope());
  EXPECT_EQ(send(Method::get, path(vault_, "")).status, 200);
  EXPECT_EQ(send(Method::put, path(vault_), body()).status, 403);
  EXPECT_EQ(send(Method::delete_, path(vault_)).status, 403);
  const auto message = json_member(send(Method::put, path(vault_), body()).body, "error.message");
  for (const auto& part :
       {fmt::format("The client '{}' with object id '{}'", testing::kTestClient, kTestPrincipal),
        std::string("'Microsoft.Authorization/roleAssignments/write'"),
        fmt::format("over scope '{}'", vault_)}) {
    EXPECT_NE(message.find(part), std::string::npos) << part;
  }
}

TEST_F(RoleAssignmentServiceTest, DataRolesManageNothing) {
  store_.assign(kTestPrincipal, "Key Vault Secrets Officer", vault_);
  EXPECT_EQ(send(Method::put, path(vault_), body()).status, 403);
}

TEST_F(RoleAssignmentServiceTest, ListsAtAboveAndBelow) {
  own("/");
  const auto& tenancy = store_.tenancy;
  store_.assign(kBob, "Reader", tenancy.resource_group_scope());
  store_.assign(kBob, "Key Vault Secrets User", vault_ + "/secrets/s");
  store_.assign(kBob, "Storage Queue Data Reader", tenancy.queue("devstoreaccount1", "q"));
  const auto count = [&](const std::string& filter) {
    const auto list = send(Method::get, path(vault_, "") + filter);
    EXPECT_EQ(list.status, 200) << list.body;
    std::size_t found = 0;
    while (json_member(list.body, fmt::format("value.{}.name", found)) != "(none)") ++found;
    return found;
  };
  EXPECT_EQ(count(""), 3U);
  EXPECT_EQ(count("&$filter=atScope()"), 2U);
  EXPECT_EQ(count(fmt::format("&$filter=principalId%20eq%20'{}'", kBob)), 2U);
  EXPECT_EQ(count(fmt::format("&$filter=atScope()%20and%20assignedTo('{}')", kBob)), 1U);
  EXPECT_EQ(count("&$filter=principalId%20eq%20'nobody'"), 0U);
}

TEST_F(RoleAssignmentServiceTest, KnowsItsPaths) {
  EXPECT_TRUE(RoleAssignmentService::serves(path("/subscriptions/s").substr(0, 67)));
  EXPECT_TRUE(RoleAssignmentService::serves(
      "/subscriptions/s/providers/microsoft.authorization/ROLEASSIGNMENTS/x"));
  EXPECT_TRUE(RoleAssignmentService::serves("/providers/Microsoft.Authorization/roleAssignments"));
  EXPECT_FALSE(RoleAssignmentService::serves("/tenant/oauth2/v2.0/token"));
  EXPECT_FALSE(RoleAssignmentService::serves("/"));
  EXPECT_FALSE(RoleAssignmentService::serves(""));
}

}  // namespace
}  // namespace latchkey::cloud
