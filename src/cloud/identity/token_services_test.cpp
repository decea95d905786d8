#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "base/encoding.hpp"
#include "base/testing/await.hpp"
#include "base/time_text.hpp"
#include "cloud/identity/login_service.hpp"
#include "cloud/identity/managed_identity_service.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::HeaderFields;
using testing::json_member;
using testing::kTestTenant;

class TokenServicesTest : public ::testing::Test {
 protected:
  TokenServicesTest() { login_.set_port(8443); }

  http::Response managed(std::string target, const HeaderFields& fields = {}) {
    return ask(managed_.handler(), Method::get, std::move(target), fields);
  }
  http::Response login(Method method, std::string target, std::string body = {},
                       const HeaderFields& fields = {}) {
    return ask(login_.handler(), method, std::move(target), fields, std::move(body));
  }
  HeaderFields header_of_api() const {
    return {{"X-IDENTITY-HEADER", std::string(api_.identity_header.reveal())}};
  }
  std::string form(std::string_view scope = "https%3A%2F%2Fvault.azure.net%2F.default") const {
    return fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
                       robot_.client_id, secret_.reveal(), scope);
  }
  void ensure_app_role(std::string object_id, std::string role) {
    IoContext context;
    auto& all = *store_.identities;
    EXPECT_TRUE(latchkey::testing::await(
        context, all.ensure_app_role(std::move(object_id), std::move(role))));
  }
  /// Who the token in an answer is, for that audience.
  std::string principal_in(const http::Response& response, std::string_view audience) {
    const std::array audiences{audience};
    const auto token = json_member(response.body, "access_token");
    const auto caller = store_.authenticator.authenticate(token, audiences);
    return caller ? caller->object_id : caller.error().code;
  }

  testing::CloudStore store_;
  Identity api_ = store_.ensure_identity("api");
  Identity other_ = store_.ensure_identity("other");
  Identity robot_ = store_.create_identity("robot", IdentityKind::service_principal);
  Identity other_robot_ = store_.create_identity("droid", IdentityKind::service_principal);
  Secret secret_ = store_.add_secret("robot");
  Secret other_secret_ = store_.add_secret("droid");
  TokenIssuer issuer_{store_.keys, store_.tenancy, store_.clock, store_.random};
  ManagedIdentityService managed_{store_.tenancy, *store_.identities, issuer_, store_.clock};
  LoginService login_{store_.tenancy, *store_.identities, store_.authenticator,
                      issuer_,        store_.clock,       store_.random};
};

constexpr auto kAppService =
    "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net";
constexpr auto kMetadata =
    "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net";

TEST_F(TokenServicesTest, AppServiceFormGivesATokenThatAllSdksRead) {
  const auto response = managed(kAppService, header_of_api());
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(principal_in(response, "https://vault.azure.net"), api_.object_id);
  EXPECT_EQ(json_member(response.body, "token_type"), "Bearer");
  EXPECT_EQ(json_member(response.body, "resource"), "https://vault.azure.net");
  EXPECT_EQ(json_member(response.body, "client_id"), api_.client_id);
  const auto end = to_epoch_seconds(store_.clock.now()) + 24 * 3600;
  EXPECT_EQ(json_member(response.body, "expires_on"), std::to_string(end));
  EXPECT_EQ(header_of(response, "Cache-Control"), "no-store");
}

TEST_F(TokenServicesTest, ATokenForTheApiCarriesTheAppRolesThatWereGiven) {
  const auto roles_in = [](const http::Response& response) {
    const auto token = json_member(response.body, "access_token");
    const auto key = testing::test_key().public_key();
    const auto claims = wire::verify_token(token, [&](std::string_view) { return &key; });
    return claims ? claims->roles : std::vector<std::string>{claims.error().code};
  };
  const std::string for_api = "/msi/token?api-version=2019-08-01&resource=api://latchkey";
  const std::string scope = "api%3A%2F%2Flatchkey%2F.default";
  const auto log_in = [&](std::string_view s) {
    return login(Method::post, "/" + std::string(kTestTenant) + "/oauth2/v2.0/token", form(s));
  };
  EXPECT_EQ(roles_in(managed(for_api, header_of_api())), std::vector<std::string>{});

  ensure_app_role(api_.object_id, "Codes.Issue");
  ensure_app_role(robot_.object_id, "Codes.Issue");
  ensure_app_role(robot_.object_id, "Codes.Verify");
  ensure_app_role(api_.object_id, "Codes.Verify");
  ensure_app_role(api_.object_id, "Codes.Issue");
  ensure_app_role(other_.object_id, "Codes.Admin");
  const std::vector<std::string> given{"Codes.Issue", "Codes.Verify"};
  EXPECT_EQ(roles_in(managed(for_api, header_of_api())), given);
  EXPECT_EQ(roles_in(log_in(scope)), given);
  EXPECT_EQ(roles_in(managed(kAppService, header_of_api())), std::vector<std::string>{});
}

TEST_F(TokenServicesTest, AppServiceFormRefuses) {
  struct Row {
    const char* name;
    std::string target;
    HeaderFields fields;
    int status;
  };
  const auto good = std::string(kAppService);
  const Row rows[] = {
      {"no header", good, {}, 400},
      {"unknown header", good, {{"X-IDENTITY-HEADER", "guess"}}, 401},
      {"empty header", good, {{"X-IDENTITY-HEADER", ""}}, 401},
      {"no api-version", "/msi/token?resource=https://vault.azure.net", header_of_api(), 400},
      {"no resource", "/msi/token?api-version=2019-08-01", header_of_api(), 400},
      {"a scope for a resource",
       "/msi/token?api-version=2019-08-01&resource=https://vault.azure.net/.default",
       header_of_api(), 400},
      {"no URL", "/msi/token?api-version=2019-08-01&resource=vault", header_of_api(), 400},
      {"other client id", good + "&client_id=" + other_.client_id, header_of_api(), 400},
      {"other object id", good + "&object_id=" + other_.object_id, header_of_api(), 400},
      {"other principal id", good + "&principal_id=" + other_.object_id, header_of_api(), 400},
      {"other resource id", good + "&mi_res_id=/subscriptions/x/api", header_of_api(), 400},
  };
  for (const auto& row : rows) {
    const auto response = managed(row.target, row.fields);
    EXPECT_EQ(response.status, row.status) << row.name;
    EXPECT_EQ(json_member(response.body, "statusCode"), std::to_string(row.status)) << row.name;
    EXPECT_NE(json_member(response.body, "message"), "(none)") << row.name;
    EXPECT_EQ(json_member(response.body, "access_token"), "(none)") << row.name;
  }
  EXPECT_EQ(managed(good + "&client_id=" + api_.client_id, header_of_api()).status, 200);
  EXPECT_EQ(managed(good + "&object_id=" + api_.object_id, header_of_api()).status, 200);
}

TEST_F(TokenServicesTest, AppServiceFormOf2017) {
  const std::string target = "/msi/token?api-version=2017-09-01&resource=https://vault.azure.net";
  const auto header = header_of_api().front().second;
  const auto response = managed(target, {{"secret", header}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(principal_in(response, "https://vault.azure.net"), api_.object_id);
  EXPECT_EQ(managed(target, {{"secret", "guess"}}).status, 401);
}

TEST_F(TokenServicesTest, MetadataFormNeedsItsHeaderAndAnIdentity) {
  struct Row {
    const char* name;
    std::string target;
    HeaderFields fields;
    const char* error;
  };
  const auto good = std::string(kMetadata);
  const HeaderFields metadata{{"Metadata", "true"}};
  const Row rows[] = {
      {"probe", "/metadata/identity/oauth2/token", {}, "invalid_request"},
      {"no Metadata", good, {}, "invalid_request"},
      {"Metadata false", good, {{"Metadata", "false"}}, "invalid_request"},
      {"forwarded",
       good,
       {{"Metadata", "true"}, {"X-Forwarded-For", "1.2.3.4"}},
       "invalid_request"},
      {"no api-version", "/metadata/identity/oauth2/token?resource=https://a.b", metadata,
       "invalid_request"},
      {"no resource", "/metadata/identity/oauth2/token?api-version=2018-02-01", metadata,
       "invalid_resource"},
      {"bad resource", "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x",
       metadata, "invalid_resource"},
      {"two identities and no default", good, metadata, "invalid_request"},
      {"unknown client", good + "&client_id=" + api_.object_id, metadata, "invalid_request"},
      {"ids of two", good + "&client_id=" + api_.client_id + "&object_id=" + other_.object_id,
       metadata, "invalid_request"},
      {"unknown header",
       good,
       {{"Metadata", "true"}, {"X-IDENTITY-HEADER", "guess"}},
       "invalid_request"},
      {"resource id of another group",
       good + "&msi_res_id=/subscriptions/x/providers/y/userAssignedIdentities/api", metadata,
       "invalid_request"},
  };
  for (const auto& row : rows) {
    const auto response = managed(row.target, row.fields);
    EXPECT_EQ(response.status, 400) << row.name;
    EXPECT_EQ(json_member(response.body, "error"), row.error) << row.name;
    EXPECT_NE(json_member(response.body, "error_description"), "(none)") << row.name;
  }
}

TEST_F(TokenServicesTest, MetadataFormFindsTheIdentity) {
  const HeaderFields metadata{{"Metadata", "true"}};
  const auto who = [&](const std::string& target, const HeaderFields& fields) {
    return principal_in(managed(target, fields), "https://vault.azure.net");
  };
  const auto good = std::string(kMetadata);
  EXPECT_EQ(who(good + "&client_id=" + other_.client_id, metadata), other_.object_id);
  EXPECT_EQ(who(good + "&object_id=" + api_.object_id, metadata), api_.object_id);
  EXPECT_EQ(who(good + "&msi_res_id=" + store_.tenancy.resource_group_scope() +
                    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other",
                metadata),
            other_.object_id);
  auto named = header_of_api();
  named.emplace_back("Metadata", "True");
  EXPECT_EQ(who(good, named), api_.object_id);
  const auto standard = store_.ensure_identity("default");
  EXPECT_EQ(who(good, metadata), standard.object_id);
  // MSAL for JavaScript puts a slash at the end of the path.
  EXPECT_EQ(who("/metadata/identity/oauth2/token/?api-version=2018-02-01&resource="
                "https://vault.azure.net",
                metadata),
            standard.object_id);
}

TEST_F(TokenServicesTest, TheAudienceIsTheResourceAsItWasAsked) {
  for (const auto* resource : {"https://vault.azure.net", "https://storage.azure.com/",
                               "https://vault.localhost:8443", "api://my-app"}) {
    const auto response = managed(
        fmt::format("/msi/token?api-version=2019-08-01&resource={}", percent_encode(resource)),
        header_of_api());
    EXPECT_EQ(principal_in(response, resource), api_.object_id) << resource;
    EXPECT_EQ(json_member(response.body, "resource"), resource);
  }
}

TEST_F(TokenServicesTest, AServicePrincipalGetsATokenOnEveryPath) {
  for (const auto& tenant :
       {std::string(kTestTenant), std::string("adfs"), std::string("common")}) {
    for (const auto* path : {"/oauth2/v2.0/token", "/oauth2/token", "/oauth2/v2.0/token/"}) {
      const auto response = login(Method::post, "/" + tenant + path, form());
      ASSERT_EQ(response.status, 200) << response.body;
      EXPECT_EQ(principal_in(response, "https://vault.azure.net"), robot_.object_id);
      EXPECT_EQ(json_member(response.body, "expires_in"), "3600");
      EXPECT_EQ(json_member(response.body, "token_type"), "Bearer");
    }
  }
}

TEST_F(TokenServicesTest, ScopesAndResourcesNameTheAudience) {
  struct Row {
    const char* asked;
    const char* audience;
  };
  const Row rows[] = {
      {"scope=https://vault.azure.net/.default", "https://vault.azure.net"},
      {"scope=https://storage.azure.com//.default", "https://storage.azure.com/"},
      {"scope=https://vault.azure.net/.default+openid+profile+offline_access",
       "https://vault.azure.net"},
      {"resource=https://vault.azure.net", "https://vault.azure.net"},
  };
  for (const auto& row : rows) {
    const auto response =
        login(Method::post, "/common/oauth2/v2.0/token",
              fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&{}",
                          robot_.client_id, secret_.reveal(), row.asked));
    EXPECT_EQ(principal_in(response, row.audience), robot_.object_id) << row.asked;
  }
}

TEST_F(TokenServicesTest, BasicCredentialsAreTakenAsWell) {
  const auto basic = to_base64(fmt::format("{}:{}", robot_.client_id, secret_.reveal()));
  const auto response =
      login(Method::post, "/common/oauth2/v2.0/token",
            "grant_type=client_credentials&scope=https://vault.azure.net/.default",
            {{"Authorization", "Basic " + basic}});
  EXPECT_EQ(principal_in(response, "https://vault.azure.net"), robot_.object_id);
}

TEST_F(TokenServicesTest, OAuthRefusals) {
  struct Row {
    const char* name;
    std::string tenant;
    std::string body;
    int status;
    const char* error;
    int code;
  };
  const auto start = "grant_type=client_credentials&client_id=" + robot_.client_id;
  const std::string scope = "&scope=https://vault.azure.net/.default";
  const std::string ours(kTestTenant);
  const Row rows[] = {
      {"tenant", "99999999-0000-4000-8000-000000000000", form(), 400, "invalid_request", 90002},
      {"empty body", ours, "", 400, "invalid_request", 900144},
      {"broken body", ours, "grant_type=%G1", 400, "invalid_request", 900144},
      {"grant", ours, "grant_type=password", 400, "unsupported_grant_type", 70003},
      {"no client", ours, "grant_type=client_credentials" + scope, 400, "invalid_request", 900144},
      {"unknown client", ours, "grant_type=client_credentials&client_id=nobody" + scope, 400,
       "unauthorized_client", 700016},
      {"no secret", ours, start + scope, 401, "invalid_client", 7000216},
      {"wrong secret", ours, start + "&client_secret=guess" + scope, 401, "invalid_client",
       7000215},
      {"secret of another", ours,
       start + "&client_secret=" + std::string(other_secret_.reveal()) + scope, 401,
       "invalid_client", 7000215},
      {"no scope", ours, form(""), 400, "invalid_scope", 70011},
      {"scope without .default", ours, form("https://vault.azure.net"), 400, "invalid_scope",
       70011},
      {"two scopes", ours, form("https://a.b/.default+https://c.d/.default"), 400, "invalid_scope",
       70011},
      {"scope of nothing", ours, form("/.default"), 400, "invalid_scope", 70011},
  };
  for (const auto& row : rows) {
    const auto response = login(Method::post, "/" + row.tenant + "/oauth2/v2.0/token", row.body);
    EXPECT_EQ(response.status, row.status) << row.name;
    EXPECT_EQ(json_member(response.body, "error"), row.error) << row.name;
    EXPECT_EQ(json_member(response.body, "error_codes.0"), std::to_string(row.code)) << row.name;
    const auto description = json_member(response.body, "error_description");
    EXPECT_TRUE(description.starts_with(fmt::format("AADSTS{}: ", row.code))) << description;
    EXPECT_EQ(response.body.find(secret_.reveal()), std::string::npos) << row.name;
  }
}

TEST_F(TokenServicesTest, DiscoveryLeadsToTheTokenEndpointAndTheKey) {
  const auto instance = login(Method::get, "/common/discovery/instance?api-version=1.1", {},
                              {{"Host", "login.localhost"}});
  EXPECT_EQ(json_member(instance.body, "tenant_discovery_endpoint"),
            fmt::format("https://login.localhost:8443/{}/v2.0/.well-known/openid-configuration",
                        kTestTenant));
  EXPECT_EQ(json_member(instance.body, "metadata.0.aliases.0"), "login.localhost:8443");
  for (const auto* path :
       {"/v2.0/.well-known/openid-configuration", "/.well-known/openid-configuration"}) {
    const auto document = login(Method::get, std::string("/adfs") + path);
    ASSERT_EQ(document.status, 200) << path;
    EXPECT_EQ(json_member(document.body, "issuer"), testing::kTestIssuer);
    EXPECT_EQ(json_member(document.body, "token_endpoint"),
              "https://localhost:8443/adfs/oauth2/v2.0/token");
    EXPECT_EQ(json_member(document.body, "jwks_uri"),
              "https://localhost:8443/adfs/discovery/v2.0/keys");
  }
  for (const auto* path : {"/common/discovery/keys", "/common/discovery/v2.0/keys"}) {
    const auto keys = login(Method::get, path);
    EXPECT_EQ(json_member(keys.body, "keys.0.kid"), testing::test_key_id());
    EXPECT_EQ(json_member(keys.body, "keys.0.kty"), "RSA");
    EXPECT_EQ(json_member(keys.body, "keys.0.d"), "(none)");
  }
  EXPECT_EQ(login(Method::get, "/nobody/discovery/v2.0/keys").status, 400);
  EXPECT_EQ(login(Method::get, "/nobody/v2.0/.well-known/openid-configuration").status, 400);
}

TEST(Resources, AreUrlsThatAreNoScopes) {
  for (const auto* good : {"https://vault.azure.net", "https://storage.azure.com/", "api://x",
                           "HTTPS://localhost:8443"}) {
    EXPECT_TRUE(is_resource(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("vault"), std::string("https://"), std::string("https:///x"),
        std::string("ftp://x"), std::string("https://a b"), std::string("https://a\n"),
        std::string("https://vault.azure.net/.default"), "https://" + std::string(600, 'a')}) {
    EXPECT_FALSE(is_resource(bad)) << bad;
  }
}

}  // namespace
}  // namespace latchkey::cloud
