#include "cloud/vault/vault_service.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time_text.hpp"
#include "cloud/testing/vault_fixture.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::HeaderFields;
using testing::json_member;
using testing::kTestPrincipal;
using testing::test_token;

constexpr std::string_view kPublic = "https://vault.azure.net";

using VaultServiceTest = testing::VaultFixture;

TEST_F(VaultServiceTest, SetsAndGetsASecret) {
  officer();
  const auto set = put("third-party-api-key",
                       R"({"value":"k1","contentType":"text/plain","tags":{"for":"numbers"},)"
                       R"("attributes":{"nbf":1,"exp":2}})");
  ASSERT_EQ(set.status, 200) << set.body;
  const auto id = json_member(set.body, "id");
  const std::string prefix = "https://latchkey.vault.localhost:8443/secrets/third-party-api-key/";
  ASSERT_TRUE(id.starts_with(prefix)) << id;
  EXPECT_EQ(id.size(), prefix.size() + 32);

  const auto got = get("/secrets/third-party-api-key");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, set.body);
  EXPECT_EQ(json_member(got.body, "value"), "k1");
  EXPECT_EQ(json_member(got.body, "contentType"), "text/plain");
  EXPECT_EQ(json_member(got.body, "tags.for"), "numbers");
  EXPECT_EQ(json_member(got.body, "attributes.enabled"), "true");
  EXPECT_EQ(json_member(got.body, "attributes.nbf"), "1");
  EXPECT_EQ(json_member(got.body, "attributes.exp"), "2");  // Long over: does not block reads.
  EXPECT_EQ(json_member(got.body, "attributes.created"),
            std::to_string(to_epoch_seconds(store_.clock.now())));
}

TEST_F(VaultServiceTest, EverySpellingOfNewestGivesTheNewest) {
  officer();
  const auto first = put("n", R"({"value":"one"})");
  put("n", R"({"value":"two"})");
  for (const auto* path : {"/secrets/n", "/secrets/n/", "/secrets/n/%2F", "/secrets/N"}) {
    EXPECT_EQ(json_member(get(path).body, "value"), "two") << path;
  }
  const auto id = json_member(first.body, "id");
  EXPECT_EQ(json_member(get("/secrets/n/" + id.substr(id.rfind('/') + 1)).body, "value"), "one");
  // The JavaScript SDK encodes the key of the query as well.
  const auto encoded =
      ask(service_->handler(), Method::get, "/secrets/n/?api%2Dversion=2025-07-01", bearer());
  EXPECT_EQ(encoded.status, 200);
}

TEST_F(VaultServiceTest, AsksForATokenBeforeAnythingElse) {
  // As SDKs begin: no token, no body; the secret does not exist, and the name is none.
  for (const auto* path : {"/secrets/n?api-version=7.4", "/secrets/n", "/secrets/a_b",
                           "/secrets/n/0123?api-version=7.4", "/secrets", "/secrets/n/versions"}) {
    const auto response = ask(service_->handler(), Method::get, path);
    EXPECT_EQ(response.status, 401) << path;
    EXPECT_EQ(json_member(response.body, "error.code"), "Unauthorized") << path;
    EXPECT_TRUE(json_member(response.body, "error.message").starts_with("AKV10000")) << path;
  }
  EXPECT_EQ(ask(service_->handler(), Method::put, "/secrets/n?api-version=7.4").status, 401);
  const auto basic = ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4",
                         {{"Authorization", "Basic eDp5"}});
  EXPECT_EQ(basic.status, 401);
}

TEST_F(VaultServiceTest, TheChallengeSatisfiesTheSdksCheckOfItsResource) {
  struct Row {
    const char* host;
    const char* resource;
  };
  const Row rows[] = {
      {"latchkey.vault.localhost:8443", "https://vault.localhost:8443"},
      {"LATCHKEY.vault.localhost:8443", "https://vault.localhost:8443"},
      {"vault.localhost:8443", "https://localhost:8443"},
      {"localhost:8443", "https://localhost:8443"},
      {"127.0.0.1:8443", "https://127.0.0.1:8443"},
      {"[::1]:8443", "https://[::1]:8443"},
      {"elsewhere.example:8443", "https://localhost:8443"},
  };
  for (const auto& row : rows) {
    const auto response =
        ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4", {{"Host", row.host}});
    EXPECT_EQ(header_of(response, "WWW-Authenticate"),
              fmt::format("Bearer authorization=\"https://localhost:8443/{}\", resource=\"{}\"",
                          testing::kTestTenant, row.resource))
        << row.host;
    // A token for the resource that was named is then taken.
    const auto again = ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4",
                           {{"Host", row.host},
                            {"Authorization", "Bearer " + test_token(row.resource, store_.clock)}});
    if (std::string_view(row.host).find("example") == std::string_view::npos) {
      EXPECT_EQ(again.status, 403) << row.host;
    }
  }
}

TEST_F(VaultServiceTest, RefusesTokensThatAreNotForIt) {
  struct Row {
    std::string token;
    const char* message;
  };
  auto other_issuer = testing::test_claims(kPublic, store_.clock);
  other_issuer.issuer = "https://sts.windows.net/another/";
  auto expired = testing::test_claims(kPublic, store_.clock);
  expired.expires_at = expired.issued_at;
  const auto sign = [](const wire::TokenClaims& claims) {
    return wire::sign_token(claims, testing::test_key(), testing::test_key_id());
  };
  const Row rows[] = {
      {test_token("https://storage.azure.com", store_.clock), "AKV10022"},
      {test_token("https://localhost:10001", store_.clock), "AKV10022"},
      {sign(other_issuer), "AKV10032"},
      {sign(expired), "Error validating token: Lifetime"},
      {"abc", "Error validating token"},
  };
  officer();
  put("n", R"({"value":"v"})");
  for (const auto& row : rows) {
    const auto response = ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4",
                              {{"Authorization", "Bearer " + row.token}});
    EXPECT_EQ(response.status, 401) << row.message;
    EXPECT_NE(header_of(response, "WWW-Authenticate"), "") << row.message;
    EXPECT_TRUE(json_member(response.body, "error.message").starts_with(row.message))
        << response.body;
    EXPECT_EQ(response.body.find(row.token), std::string::npos);
  }
}

TEST_F(VaultServiceTest, WithoutTheRoleNothingIsToldButWhatIsMissing) {
  for (const auto* path : {"/secrets/n", "/secrets/a_b", "/secrets/n/0123"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 403) << path;
    EXPECT_EQ(json_member(response.body, "error.code"), "Forbidden");
    EXPECT_EQ(json_member(response.body, "error.innererror.code"), "ForbiddenByRbac");
  }
  const auto message = json_member(get("/secrets/n").body, "error.message");
  for (const auto& part :
       {fmt::format("Caller: appid={};oid={};iss={}", testing::kTestClient, kTestPrincipal,
                    testing::kTestIssuer),
        std::string("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"),
        fmt::format("Resource: '{}'", store_.tenancy.secret("latchkey", "n")),
        std::string("Vault: latchkey")}) {
    EXPECT_NE(message.find(part), std::string::npos) << part;
  }
}

TEST_F(VaultServiceTest, EachOperationNeedsItsAction) {
  store_.assign(kTestPrincipal, "Key Vault Secrets User", store_.tenancy.secret("latchkey", "n"));
  EXPECT_EQ(get("/secrets/n").status, 404);
  EXPECT_EQ(get("/secrets/n/versions").status, 200);
  EXPECT_EQ(get("/secrets/m").status, 403);
  EXPECT_EQ(get("/secrets").status, 403);
  EXPECT_EQ(put("n", R"({"value":"v"})").status, 403);
  store_.assign(kTestPrincipal, "Key Vault Reader", store_.tenancy.vault("latchkey"));
  EXPECT_EQ(get("/secrets").status, 200);
  EXPECT_EQ(get("/secrets/m").status, 403);
}

TEST_F(VaultServiceTest, ARoleTakenAwayIsA403AtOnce) {
  const auto scope = store_.tenancy.vault("latchkey");
  const auto name = store_.assign(kTestPrincipal, "Key Vault Secrets Officer", scope);
  put("n", R"({"value":"v"})");
  EXPECT_EQ(get("/secrets/n").status, 200);
  IoContext context;
  run_to_end(context, [](RoleAssignments& roles, std::string n, std::string s) -> Task<> {
    auto removed = co_await roles.remove(std::move(n), std::move(s));
    EXPECT_TRUE(removed);
  }(*store_.roles, name, scope));
  EXPECT_EQ(get("/secrets/n").status, 403);
}

TEST_F(VaultServiceTest, ErrorsRowByRow) {
  officer();
  put("off", R"({"value":"v","attributes":{"enabled":false}})");
  const std::string long_name(128, 'a');
  std::string tags;
  for (int i = 0; i < 16; ++i) tags += fmt::format("{}\"t{}\":\"v\"", i == 0 ? "" : ",", i);
  struct Row {
    const char* name;
    http::Response response;
    int status;
    const char* code;
    const char* inner;
  };
  const auto none = "(none)";
  const Row rows[] = {
      {"missing", get("/secrets/n"), 404, "SecretNotFound", none},
      {"missing version", get("/secrets/off/0123"), 404, "SecretNotFound", none},
      {"disabled", get("/secrets/off"), 403, "Forbidden", "SecretDisabled"},
      {"name", get("/secrets/a_b"), 400, "BadParameter", none},
      {"long name", get("/secrets/" + long_name), 400, "BadParameter", none},
      {"no api-version", ask(service_->handler(), Method::get, "/secrets/n", bearer()), 400,
       "BadParameter", none},
      {"body", put("n", "{"), 400, "BadParameter", none},
      {"no value", put("n", "{}"), 400, "BadParameter", none},
      {"value too large", put("n", R"({"value":")" + std::string(25 * 1024 + 1, 'v') + "\"}"), 400,
       "BadParameter", none},
      {"tags", put("n", R"({"value":"v","tags":{)" + tags + "}}"), 400, "BadParameter", none},
      {"tag too long", put("n", R"({"value":"v","tags":{"t":")" + std::string(257, 'v') + "\"}}"),
       400, "BadParameter", none},
      {"page size", get("/secrets?maxresults=26"), 400, "BadParameter", none},
      {"page size zero", get("/secrets?maxresults=0"), 400, "BadParameter", none},
      {"page token", get("/secrets?$skiptoken=%20"), 400, "BadParameter", none},
      {"operation", ask(service_->handler(), Method::get, "/keys/n", bearer()), 404, "NotFound",
       none},
      {"method", ask(service_->handler(), Method::post, "/secrets/n", bearer()), 405,
       "MethodNotAllowed", none},
      {"vault",
       ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4",
           {{"Host", "other.vault.localhost:8443"}}),
       404, "VaultNotFound", none},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.response.status, row.status) << row.name;
    EXPECT_EQ(json_member(row.response.body, "error.code"), row.code) << row.name;
    EXPECT_EQ(json_member(row.response.body, "error.innererror.code"), row.inner) << row.name;
    EXPECT_NE(json_member(row.response.body, "error.message"), none) << row.name;
    EXPECT_NE(header_of(row.response, "x-ms-request-id"), "") << row.name;
  }
  EXPECT_EQ(put("n", R"({"value":")" + std::string(25 * 1024, 'v') + "\"}").status, 200);
}

TEST_F(VaultServiceTest, AnswersCarryTheVaultsHeaders) {
  auto fields = bearer();
  fields.emplace_back("x-ms-client-request-id", "mine");
  const auto response = ask(service_->handler(), Method::get, "/secrets/n?api-version=7.4", fields);
  EXPECT_EQ(header_of(response, "x-ms-client-request-id"), "mine");
  EXPECT_EQ(header_of(response, "x-ms-request-id").size(), 36U);
  EXPECT_EQ(header_of(response, "x-ms-keyvault-region"), "local");
  EXPECT_NE(header_of(response, "x-ms-keyvault-service-version"), "");
  EXPECT_EQ(header_of(response, "Cache-Control"), "no-store");
}

TEST_F(VaultServiceTest, ListsGoPageByPageWithoutValues) {
  officer();
  for (const auto* name : {"c", "a", "b", "A"}) put(name, R"({"value":"hidden"})");
  std::string names;
  std::string path = "/secrets?maxresults=2";
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = get(path);
    ASSERT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.body.find("hidden"), std::string::npos);
    for (int i = 0; i < 2; ++i) {
      const auto id = json_member(page.body, fmt::format("value.{}.id", i));
      if (id != "(none)") names += id.substr(id.rfind('/') + 1) + " ";
    }
    const auto next = json_member(page.body, "nextLink");
    if (next == "null") break;
    const std::string_view origin = "https://latchkey.vault.localhost:8443";
    ASSERT_TRUE(next.starts_with(origin)) << next;
    path = next.substr(origin.size());
  }
  EXPECT_EQ(names, "A b c ");
}

TEST_F(VaultServiceTest, VersionsAreListedInTheirOrder) {
  officer();
  std::string expected;
  for (int i = 0; i < 3; ++i) {
    expected += json_member(put("n", R"({"value":"hidden"})").body, "id") + "\n";
  }
  put("other", R"({"value":"hidden"})");
  std::string ids;
  std::string path = "/secrets/n/versions?maxresults=1";
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = get(path);
    EXPECT_EQ(page.body.find("hidden"), std::string::npos);
    ids += json_member(page.body, "value.0.id") + "\n";
    const auto next = json_member(page.body, "nextLink");
    if (next == "null") break;
    path = next.substr(next.find("/secrets"));
  }
  EXPECT_EQ(ids, expected);
}

TEST_F(VaultServiceTest, SecretsSurviveARestart) {
  officer();
  put("n", R"({"value":"one","tags":{"a":"b"}})");
  open();
  const auto got = get("/secrets/n");
  EXPECT_EQ(json_member(got.body, "value"), "one");
  EXPECT_EQ(json_member(got.body, "tags.a"), "b");
}

}  // namespace
}  // namespace latchkey::cloud
