#include "cloud/vault/vault_gate.hpp"

#include "cloud/testing/vault_fixture.hpp"

/// Which vault, by whom, and how often.
namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::json_member;
using testing::kTestPrincipal;

class VaultGateTest : public testing::VaultFixture {
 protected:
  void permit(std::initializer_list<SecretPermission> permissions,
              std::string_view object_id = kTestPrincipal) {
    AccessPolicy policy{.tenant_id = {}, .object_id = std::string(object_id), .secrets = {}};
    for (const auto permission : permissions) policy.secrets.add(permission);
    store_.change_vault("policies", [policy](VaultProperties& v) { v.policies = {policy}; });
  }
  http::Response challenged(std::string host) {
    return ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4", {{"Host", host}});
  }
};

TEST_F(VaultGateTest, EachHostIsTheVaultThatItNames) {
  officer();
  store_.assign(kTestPrincipal, "Key Vault Secrets Officer", store_.tenancy.vault("second"));
  store_.make_vault("second");
  put("n", R"({"value":"first"})");
  host_ = "Second.vault.localhost:8443";
  EXPECT_EQ(get("/secrets/n").status, 404);
  put("n", R"({"value":"second"})");
  struct Row {
    const char* host;
    const char* value;
  };
  const Row rows[] = {{"latchkey.vault.localhost:8443", "first"},
                      {"latchkey.vault.azure.net", "first"},
                      {"localhost:8443", "first"},
                      {"127.0.0.1:8443", "first"},
                      {"second.vault.localhost:8443", "second"},
                      {"second.vault.azure.net", "second"},
                      {"SECOND.VAULT.AZURE.NET", "second"}};
  for (const auto& row : rows) {
    host_ = row.host;
    EXPECT_EQ(json_member(get("/secrets/n").body, "value"), row.value) << row.host;
  }
  for (const auto* unknown : {"third.vault.localhost:8443", "third.vault.azure.net"}) {
    host_ = unknown;
    const auto response = get("/secrets/n");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(json_member(response.body, "error.code"), "VaultNotFound");
    const auto message = json_member(response.body, "error.message");
    EXPECT_NE(message.find("'third'"), std::string::npos) << message;
    EXPECT_NE(message.find("latchkey, policies, second"), std::string::npos) << message;
  }
}

TEST_F(VaultGateTest, AProductionNameIsAnsweredAsInProduction) {
  const auto login = fmt::format("https://login.microsoftonline.com/{}", testing::kTestTenant);
  EXPECT_EQ(
      header_of(challenged("latchkey.vault.azure.net"), "WWW-Authenticate"),
      fmt::format("Bearer authorization=\"{}\", resource=\"https://vault.azure.net\"", login));
  officer();
  host_ = "latchkey.vault.azure.net";
  const auto set = put("n", R"({"value":"v"})");
  EXPECT_TRUE(
      json_member(set.body, "id").starts_with("https://latchkey.vault.azure.net/secrets/n/"))
      << set.body;
  put("m", R"({"value":"v"})");
  EXPECT_TRUE(json_member(get("/secrets?maxresults=1").body, "nextLink")
                  .starts_with("https://latchkey.vault.azure.net/secrets?"));
  EXPECT_EQ(json_member(remove("/secrets/n").body, "recoveryId"),
            "https://latchkey.vault.azure.net/deletedsecrets/n");
}

TEST_F(VaultGateTest, EveryPathAsksForATokenFirst) {
  struct Row {
    Method method;
    const char* path;
  };
  const Row rows[] = {{Method::delete_, "/secrets/n"},
                      {Method::patch, "/secrets/n/"},
                      {Method::post, "/secrets/n/backup"},
                      {Method::post, "/secrets/restore"},
                      {Method::get, "/deletedsecrets"},
                      {Method::get, "/deletedsecrets/n"},
                      {Method::delete_, "/deletedsecrets/n"},
                      {Method::post, "/deletedsecrets/n/recover"},
                      {Method::get, "/keys/n"},
                      {Method::post, "/secrets/n"},
                      {Method::get, "/secrets/%zz"}};
  for (const auto& row : rows) {
    const auto response = ask(service_->handler(), row.method, row.path, {{"Host", host_}});
    EXPECT_EQ(response.status, 401) << row.path;
    EXPECT_NE(header_of(response, "WWW-Authenticate"), "") << row.path;
  }
}

/// Every operation with the action and the permission that it needs.
struct Need {
  Method method;
  const char* path;
  const char* body;
  const char* action;
  SecretPermission permission;
  int otherwise;  ///< the status of a caller who may
};
using enum SecretPermission;
constexpr Need kNeeds[] = {
    {Method::get, "/secrets", "", "readMetadata/action", list, 200},
    {Method::get, "/secrets/n/versions", "", "readMetadata/action", list, 200},
    {Method::put, "/secrets/n", "{}", "setSecret/action", set, 400},
    {Method::get, "/secrets/n", "", "getSecret/action", SecretPermission::get, 404},
    {Method::get, "/secrets/n/01", "", "getSecret/action", SecretPermission::get, 404},
    {Method::patch, "/secrets/n/01", "{}", "update/action", set, 404},
    {Method::delete_, "/secrets/n", "", "delete", delete_, 404},
    {Method::post, "/secrets/n/backup", "", "backup/action", backup, 404},
    {Method::post, "/secrets/restore", "{}", "restore/action", restore, 400},
    {Method::get, "/deletedsecrets", "", "readMetadata/action", list, 200},
    {Method::get, "/deletedsecrets/n", "", "readMetadata/action", SecretPermission::get, 404},
    {Method::delete_, "/deletedsecrets/n", "", "purge/action", purge, 404},
    {Method::post, "/deletedsecrets/n/recover", "", "recover/action", recover, 404},
};

TEST_F(VaultGateTest, UnderRolesEachOperationNamesTheActionThatIsMissing) {
  for (const auto& need : kNeeds) {
    const auto response = send(need.method, need.path, need.body);
    EXPECT_EQ(response.status, 403) << need.path;
    EXPECT_EQ(json_member(response.body, "error.innererror.code"), "ForbiddenByRbac");
    const auto action = fmt::format("Action: 'Microsoft.KeyVault/vaults/secrets/{}'", need.action);
    EXPECT_NE(json_member(response.body, "error.message").find(action), std::string::npos)
        << need.path << response.body;
  }
  officer();
  for (const auto& need : kNeeds) {
    EXPECT_EQ(send(need.method, need.path, need.body).status, need.otherwise) << need.path;
  }
}

TEST_F(VaultGateTest, UnderAccessPoliciesEachOperationNeedsItsPermission) {
  host_ = "policies.vault.localhost:8443";
  // A role counts for nothing here.
  store_.assign(kTestPrincipal, "Key Vault Administrator", store_.tenancy.vault("policies"));
  constexpr SecretPermission kAll[] = {
      SecretPermission::get, list, set, delete_, recover, backup, restore, purge};
  for (const auto& need : kNeeds) {
    AccessPolicy others{.tenant_id = {}, .object_id = std::string(kTestPrincipal), .secrets = {}};
    for (const auto permission : kAll) {
      if (permission != need.permission) others.secrets.add(permission);
    }
    store_.change_vault("policies", [others](VaultProperties& v) { v.policies = {others}; });
    const auto refused = send(need.method, need.path, need.body);
    EXPECT_EQ(refused.status, 403) << need.path;
    EXPECT_EQ(json_member(refused.body, "error.code"), "Forbidden");
    EXPECT_EQ(json_member(refused.body, "error.innererror.code"), "AccessDenied");
    EXPECT_EQ(json_member(refused.body, "error.message"),
              fmt::format("The user, group or application 'appid={};oid={};iss={}' does not have "
                          "secrets {} permission on key vault 'policies;location=local'. For help "
                          "resolving this issue, please see "
                          "https://go.microsoft.com/fwlink/?linkid=2125287",
                          testing::kTestClient, kTestPrincipal, testing::kTestIssuer,
                          to_string(need.permission)));
    permit({need.permission});
    EXPECT_EQ(send(need.method, need.path, need.body).status, need.otherwise) << need.path;
  }
}

TEST_F(VaultGateTest, APolicyIsOfOnePrincipalAndSurvivesARestart) {
  host_ = "policies.vault.localhost:8443";
  permit({SecretPermission::list}, "bbbbbbbb-0000-4000-8000-000000000002");
  EXPECT_EQ(get("/secrets").status, 403);
  permit({SecretPermission::list});
  EXPECT_EQ(get("/secrets").status, 200);
  open();
  EXPECT_EQ(get("/secrets").status, 200);
  host_ = "latchkey.vault.localhost:8443";
  EXPECT_EQ(get("/secrets").status, 403);
}

TEST_F(VaultGateTest, WithLimitsItAnswers429AndLaterServesAgain) {
  open(VaultLimits{.reads = 2, .creates = 1});
  officer();
  EXPECT_EQ(put("n", R"({"value":"v"})").status, 200);
  store_.clock.advance(std::chrono::seconds{7});
  for (int again = 0; again < 3; ++again) {
    const auto refused = put("n", R"({"value":"v"})");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(json_member(refused.body, "error.code"), "Throttled");
    EXPECT_EQ(header_of(refused, "Retry-After"), "3");
  }
  EXPECT_EQ(get("/secrets/n").status, 200);
  EXPECT_EQ(get("/secrets").status, 200);
  EXPECT_EQ(get("/secrets/n").status, 429);
  // Who may not come in does not use up what others may do, and learns nothing of it.
  EXPECT_EQ(challenged(host_).status, 401);
  store_.clock.advance(std::chrono::seconds{3});
  EXPECT_EQ(get("/secrets/n").status, 200);
  EXPECT_EQ(put("n", R"({"value":"v"})").status, 200);
}

}  // namespace
}  // namespace latchkey::cloud
