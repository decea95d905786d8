#include <gtest/gtest.h>

#include <chrono>

#include "base/testing/await.hpp"
#include "cloud/management/role_definition_service.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"

namespace latchkey::cloud {
namespace {

using namespace std::chrono_literals;
using http::Method;
using testing::json_member;
using testing::kTestPrincipal;

constexpr std::string_view kId = "00000000-1111-4222-8333-444444444444";
constexpr std::string_view kBob = "bbbbbbbb-0000-4000-8000-000000000002";
const wire::Requirement kGet{{wire::vault_actions::kGetSecret}};
const wire::Requirement kSet{{wire::vault_actions::kSetSecret}};

class CustomRolesTest : public ::testing::Test {
 protected:
  CustomRolesTest() { store_.assign(kTestPrincipal, "Owner", store_.tenancy.subscription_scope()); }

  http::Response send(Method method, std::string path, std::string body = {}) {
    const auto token = testing::test_token("https://management.azure.com", store_.clock);
    return testing::ask(service_.handler(), method, path + "?api-version=2022-04-01",
                        {{"Authorization", "Bearer " + token}}, std::move(body));
  }
  std::string path(std::string_view id = kId) const {
    return store_.tenancy.subscription_scope() +
           "/providers/Microsoft.Authorization/roleDefinitions/" + std::string(id);
  }
  std::string body(std::string_view name = "Secret Clerk", std::string_view scope = {}) const {
    const auto where = scope.empty() ? store_.tenancy.resource_group_scope() : std::string(scope);
    return R"({"properties":{"roleName":")" + std::string(name) +
           R"(","permissions":[{"dataActions":["Microsoft.KeyVault/vaults/*"],)"
           R"("notDataActions":["*/setSecret/action"]}],"assignableScopes":[")" +
           where + R"("]}})";
  }
  bool may(const wire::Requirement& what) const {
    return store_.roles->allowed(kBob, what, vault_ + "/secrets/s");
  }

  testing::CloudStore store_;
  const std::string vault_ = store_.tenancy.vault("latchkey");
  ArmGate gate_{store_.tenancy, *store_.roles, store_.authenticator};
  RoleDefinitionService service_{store_.tenancy, *store_.roles, gate_};
};

TEST_F(CustomRolesTest, GrantWhatTheySayAlsoAfterTheyChange) {
  const auto made = send(Method::put, path(), body());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json_member(made.body, "properties.type"), "CustomRole");
  store_.assign(kBob, "secret clerk", vault_);
  EXPECT_TRUE(may(kGet));
  EXPECT_FALSE(may(kSet)) << "notDataActions takes it out";

  auto reader = body();
  reader.replace(reader.find("vaults/*"), 8, "vaults/secrets/readMetadata/action");
  ASSERT_EQ(send(Method::put, path(), reader).status, 201);
  EXPECT_FALSE(may(kGet)) << "a change holds for what is assigned already";
  EXPECT_EQ(json_member(send(Method::delete_, path()).body, "error.code"),
            "RoleDefinitionHasAssignments");
}

TEST_F(CustomRolesTest, StayOverRestartsAndGo) {
  ASSERT_EQ(send(Method::put, path(), body()).status, 201);
  store_.assign(kBob, std::string(kId), vault_);
  store_.restart();
  EXPECT_TRUE(may(kGet));
  EXPECT_FALSE(may(kSet));
  EXPECT_TRUE(store_.roles->definitions().find("Secret Clerk")->custom);
}

TEST_F(CustomRolesTest, RefusalsRowByRow) {
  ASSERT_EQ(send(Method::put, path(), body()).status, 201);
  constexpr auto kOwner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
  constexpr auto kOther = "00000000-1111-4222-8333-555555555555";
  struct Row {
    const char* name;
    http::Response response;
    int status;
    const char* code;
  };
  const Row rows[] = {
      {"built-in", send(Method::put, path(kOwner), body("X")), 400, "InvalidRoleDefinition"},
      {"same name", send(Method::put, path(kOther), body()), 409,
       "RoleDefinitionWithSameNameExists"},
      {"whole cloud", send(Method::put, path(kOther), body("X", "/")), 400,
       "InvalidRoleDefinition"},
      {"no JSON", send(Method::put, path(kOther), "x"), 400, "InvalidRoleDefinition"},
      {"grants nothing", send(Method::put, path(kOther), R"({"roleName":"X"})"), 400,
       "InvalidRoleDefinition"},
      {"no GUID", send(Method::put, path("clerk"), body("X")), 400, "InvalidRoleDefinitionId"},
      {"unknown", send(Method::get, path(kOther)), 404, "RoleDefinitionDoesNotExist"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.response.status, row.status) << row.name;
    EXPECT_EQ(json_member(row.response.body, "error.code"), row.code) << row.name;
  }
  IoContext context;
  auto outside = latchkey::testing::await(
      context, store_.roles->assign({.name = "a",
                                     .principal_id = std::string(kBob),
                                     .role_id = std::string(kId),
                                     .scope = store_.tenancy.subscription_scope()}));
  EXPECT_EQ(outside.error().code, "RoleDefinitionNotAssignableAtScope");
}

TEST_F(CustomRolesTest, CheckAccessNamesTheAssignmentRoleAndPattern) {
  const auto ask = [&](std::string_view action) {
    return send(Method::post, vault_ + "/secrets/s/providers/Microsoft.Authorization/checkAccess",
                R"({"Subject":{"Attributes":{"ObjectId":")" + std::string(kBob) +
                    R"("}},"Actions":[{"Id":")" + std::string(action) +
                    R"(","IsDataAction":true}]})")
        .body;
  };
  EXPECT_EQ(json_member(ask(wire::vault_actions::kGetSecret), "value.0.accessDecision"),
            "NotAllowed");
  const auto name = store_.assign(kBob, "Key Vault Secrets Officer", vault_);
  const auto answer = ask(wire::vault_actions::kGetSecret);
  EXPECT_EQ(json_member(answer, "value.0.accessDecision"), "Allowed");
  EXPECT_EQ(json_member(answer, "value.0.roleAssignment.id"), name);
  EXPECT_EQ(json_member(answer, "value.0.roleAssignment.scope"), vault_);
  EXPECT_EQ(json_member(answer, "value.0.roleName"), "Key Vault Secrets Officer");
  EXPECT_EQ(json_member(answer, "value.0.actionPattern"), "Microsoft.KeyVault/vaults/secrets/*");
}

TEST_F(CustomRolesTest, WithADelayAChangeHoldsOnlyThen) {
  store_.roles->delay_changes(store_.clock, 30s);
  const auto name = store_.assign(kBob, "Key Vault Secrets User", vault_);
  EXPECT_FALSE(may(kGet));
  EXPECT_EQ(
      store_.roles->explain(kBob, wire::vault_actions::kGetSecret, true, vault_)[0].effective_in,
      30s);
  store_.clock.advance(29s);
  EXPECT_FALSE(may(kGet));
  store_.clock.advance(1s);
  EXPECT_TRUE(may(kGet));
  IoContext context;
  ASSERT_TRUE(latchkey::testing::await(context, store_.roles->remove(name, vault_)));
  EXPECT_TRUE(may(kGet)) << "as in Azure, what is taken away works on for a while";
  store_.clock.advance(30s);
  EXPECT_FALSE(may(kGet));
}

}  // namespace
}  // namespace latchkey::cloud
