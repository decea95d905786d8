#include "azure/credential.hpp"

#include <gtest/gtest.h>

#include "azure/credential_chain.hpp"
#include "azure/environment_credential.hpp"
#include "azure/managed_identity_credential.hpp"
#include "azure/testing/slow_http_client.hpp"
#include "azure/testing/stepper.hpp"
#include "base/testing/seeded_random.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

constexpr const char* kVault = "https://vault.azure.net";
constexpr const char* kTokenBody =
    R"({"access_token":"abc","expires_in":"3600","resource":"r","token_type":"Bearer"})";

CredentialSettings client_secret_settings() {
  CredentialSettings settings;
  settings.tenant_id = "11111111-2222-3333-4444-555555555555";
  settings.client_id = "the-client";
  settings.client_secret = Secret("s3cret&+ =%");
  return settings;
}

CredentialSettings app_service_settings() {
  CredentialSettings settings;
  settings.identity_endpoint = "http://127.0.0.1:4141/msi/token";
  settings.identity_header = Secret("header-value");
  return settings;
}

http::Response answer(int status, std::string body = {}) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

struct CredentialTest : ::testing::Test {
  template <class Credential>
  Result<AccessToken> ask(Credential& credential) {
    return testing::run_through(context, clock, credential.get_token(kVault));
  }
  /// Every call gets `response`.
  void always(http::Response response) {
    http.answer_with([response](const http::ClientRequest&) { return response; });
  }
  void nobody_answers() {
    http.answer_with([](const http::ClientRequest& request) {
      return Result<http::Response>(
          fail(ErrorKind::timeout, "ConnectTimeout", request.url.authority() + ": no answer"));
    });
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  http::testing::FakeHttpClient http;
};

TEST_F(CredentialTest, ClientSecretPostsTheForm) {
  always(answer(200, kTokenBody));
  EnvironmentCredential credential(client_secret_settings(), http, clock, random);
  const auto token = ask(credential);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->value.reveal(), "abc");
  ASSERT_EQ(http.calls.size(), 1U);
  const http::ClientRequest& call = http.calls[0];
  EXPECT_EQ(call.method, http::Method::post);
  EXPECT_EQ(call.url.to_string(),
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/"
            "oauth2/v2.0/token");
  EXPECT_EQ(call.headers.find("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(call.body,
            "grant_type=client_credentials&client_id=the-client&client_secret="
            "s3cret%26%2B%20%3D%25&scope=https%3A%2F%2Fvault.azure.net%2F.default");
}

TEST_F(CredentialTest, ClientSecretAsksTheAuthorityOfTheSettings) {
  for (const char* host : {"https://localhost:8443", "https://localhost:8443/"}) {
    http.calls.clear();
    always(answer(200, kTokenBody));
    CredentialSettings settings = client_secret_settings();
    settings.authority_host = host;
    EnvironmentCredential credential(settings, http, clock, random);
    ASSERT_TRUE(ask(credential));
    EXPECT_EQ(http.calls[0].url.to_string(),
              "https://localhost:8443/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
  }
}

TEST_F(CredentialTest, ClientSecretSaysWhatIsMissingOrWrongAndAsksNobody) {
  struct Row {
    void (*spoil)(CredentialSettings&);
    const char* said;
  };
  const std::vector<Row> rows = {
      {[](CredentialSettings& s) { s.tenant_id.clear(); }, "AZURE_TENANT_ID is not set"},
      {[](CredentialSettings& s) { s.client_secret = Secret(); }, "AZURE_CLIENT_SECRET is not"},
      {[](CredentialSettings& s) { s = {}; },
       "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not set"},
      {[](CredentialSettings& s) { s.tenant_id = "a/../b"; }, "AZURE_TENANT_ID must be"},
      {[](CredentialSettings& s) { s.authority_host = "http://login.example"; }, "must be https"},
      {[](CredentialSettings& s) { s.authority_host = "login.example"; }, "is not a URL"}};
  for (const Row& row : rows) {
    CredentialSettings settings = client_secret_settings();
    row.spoil(settings);
    EnvironmentCredential credential(settings, http, clock, random);
    const auto token = ask(credential);
    ASSERT_FALSE(token) << row.said;
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable) << row.said;
    EXPECT_NE(token.error().message.find(row.said), std::string::npos) << token.error().message;
    EXPECT_TRUE(http.calls.empty()) << row.said;
  }
}

TEST_F(CredentialTest, ARefusedClientSecretIsDeniedAndNotShown) {
  always(answer(401,
                R"({"error":"invalid_client","error_description":)"
                R"("AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]})"));
  EnvironmentCredential credential(client_secret_settings(), http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_NE(token.error().message.find("AADSTS7000215"), std::string::npos);
  EXPECT_EQ(token.error().message.find("s3cret"), std::string::npos);
  EXPECT_EQ(http.calls.size(), 1U);
}

TEST_F(CredentialTest, AnOverloadedTokenEndpointIsAskedAgain) {
  http.queue(answer(503));
  http.queue(answer(200, kTokenBody));
  EnvironmentCredential credential(client_secret_settings(), http, clock, random);
  EXPECT_TRUE(ask(credential));
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(CredentialTest, AppServiceFormOfManagedIdentity) {
  struct Row {
    std::string endpoint, client_id, url;
  };
  const std::vector<Row> rows = {{"http://127.0.0.1:4141/msi/token", "",
                                  "http://127.0.0.1:4141/msi/token?api-version=2019-08-01&"
                                  "resource=https%3A%2F%2Fvault.azure.net"},
                                 {"http://127.0.0.1:4141/msi/token", "id-1",
                                  "http://127.0.0.1:4141/msi/token?api-version=2019-08-01&"
                                  "resource=https%3A%2F%2Fvault.azure.net&client_id=id-1"},
                                 {"http://127.0.0.1:4141/msi/token?app=one", "",
                                  "http://127.0.0.1:4141/msi/token?app=one&api-version=2019-08-01&"
                                  "resource=https%3A%2F%2Fvault.azure.net"}};
  for (const Row& row : rows) {
    http.calls.clear();
    always(answer(200, kTokenBody));
    CredentialSettings settings = app_service_settings();
    settings.identity_endpoint = row.endpoint;
    settings.client_id = row.client_id;
    ManagedIdentityCredential credential(settings, http, clock, random);
    EXPECT_EQ(credential.name(), "ManagedIdentityCredential (App Service)");
    ASSERT_TRUE(ask(credential));
    ASSERT_EQ(http.calls.size(), 1U);
    EXPECT_EQ(http.calls[0].method, http::Method::get);
    EXPECT_EQ(http.calls[0].url.to_string(), row.url);
    EXPECT_EQ(http.calls[0].headers.find("X-IDENTITY-HEADER"), "header-value");
    EXPECT_FALSE(http.calls[0].headers.contains("Metadata"));
    EXPECT_FALSE(http.calls[0].connect_timeout);
  }
}

TEST_F(CredentialTest, AppServiceEndpointThatIsNoUrlIsNamed) {
  CredentialSettings settings = app_service_settings();
  settings.identity_endpoint = "ftp://nowhere";
  ManagedIdentityCredential credential(settings, http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_NE(token.error().message.find("IDENTITY_ENDPOINT"), std::string::npos);
}

TEST_F(CredentialTest, ImdsFormOfManagedIdentity) {
  struct Row {
    std::string host, client_id, url;
  };
  const std::vector<Row> rows = {
      {"", "",
       "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
       "resource=https%3A%2F%2Fvault.azure.net"},
      {"http://127.0.0.1:4142/", "id-1",
       "http://127.0.0.1:4142/metadata/identity/oauth2/token?api-version=2018-02-01&"
       "resource=https%3A%2F%2Fvault.azure.net&client_id=id-1"}};
  for (const Row& row : rows) {
    http.calls.clear();
    always(answer(200, kTokenBody));
    CredentialSettings settings;
    settings.pod_identity_host = row.host;
    settings.client_id = row.client_id;
    ManagedIdentityCredential credential(settings, http, clock, random);
    EXPECT_EQ(credential.name(), "ManagedIdentityCredential (IMDS)");
    ASSERT_TRUE(ask(credential));
    ASSERT_EQ(http.calls.size(), 1U);
    EXPECT_EQ(http.calls[0].url.to_string(), row.url);
    EXPECT_EQ(http.calls[0].headers.find("Metadata"), "true");
    EXPECT_EQ(http.calls[0].connect_timeout, 1s);
  }
}

TEST_F(CredentialTest, ImdsIsTriedOnceUntilItHasAnswered) {
  nobody_answers();
  ManagedIdentityCredential credential({}, http, clock, random);
  ASSERT_FALSE(ask(credential));
  ASSERT_FALSE(ask(credential));
  EXPECT_EQ(http.calls.size(), 2U) << "one attempt each";
  EXPECT_EQ(http.calls[1].connect_timeout, 1s);
  // Another cloud's metadata service is no sign of ours.
  http.calls.clear();
  always(answer(404));
  ASSERT_FALSE(ask(credential));
  ASSERT_FALSE(ask(credential));
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(CredentialTest, ImdsIsAskedAgainOnceItIsKnown) {
  ManagedIdentityCredential credential({}, http, clock, random);
  always(answer(200, kTokenBody));
  ASSERT_TRUE(ask(credential));
  for (const int status : {404, 410, 429, 500, 503}) {
    http.calls.clear();
    always(answer(status));
    ASSERT_FALSE(ask(credential)) << status;
    EXPECT_EQ(http.calls.size(), 5U) << status;
    EXPECT_FALSE(http.calls[0].connect_timeout) << status;
  }
}

TEST_F(CredentialTest, ImdsWithoutAnIdentityIsDeniedWithTheRemedy) {
  always(answer(400, R"({"error":"invalid_request","error_description":"Identity not found"})"));
  ManagedIdentityCredential own({}, http, clock, random);
  auto token = ask(own);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_NE(token.error().message.find("Identity not found"), std::string::npos);
  EXPECT_NE(token.error().message.find("managed identity"), std::string::npos);

  CredentialSettings settings;
  settings.client_id = "id-1";
  ManagedIdentityCredential assigned(settings, http, clock, random);
  token = ask(assigned);
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find("AZURE_CLIENT_ID"), std::string::npos);
}

TEST_F(CredentialTest, AProxysRefusalIsNoRefusalByImds) {
  always(answer(403, "connecting to 169.254.169.254:80: connect: network is unreachable"));
  ManagedIdentityCredential credential({}, http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
}

struct DefaultCredentialTest : CredentialTest {
  std::unique_ptr<TokenCredential> make(CredentialSettings settings) {
    return make_default_credential(std::move(settings), http, clock, random,
                                   context.get_executor());
  }
};

TEST_F(DefaultCredentialTest, TheEnvironmentGoesFirst) {
  CredentialSettings settings = client_secret_settings();
  settings.identity_endpoint = "http://127.0.0.1:4141/msi/token";
  settings.identity_header = Secret("header-value");
  always(answer(200, kTokenBody));
  const auto credential = make(settings);
  ASSERT_TRUE(ask(*credential));
  ASSERT_EQ(http.calls.size(), 1U);
  EXPECT_EQ(http.calls[0].url.host, "login.microsoftonline.com");
}

TEST_F(DefaultCredentialTest, ManagedIdentityFollowsAndIsKept) {
  CredentialSettings settings = client_secret_settings();
  settings.identity_endpoint = "http://127.0.0.1:4141/msi/token";
  settings.identity_header = Secret("header-value");
  http.answer_with([](const http::ClientRequest& request) {
    return request.url.host == "127.0.0.1" ? answer(200, kTokenBody) : answer(401);
  });
  const auto credential = make(settings);
  ASSERT_TRUE(ask(*credential));
  EXPECT_EQ(http.calls.size(), 2U);
  const auto other =
      testing::run_through(context, clock, credential->get_token("https://storage.azure.com"));
  ASSERT_TRUE(other);
  ASSERT_EQ(http.calls.size(), 3U) << "straight to the member that worked";
  EXPECT_EQ(http.calls[2].url.host, "127.0.0.1");
}

TEST_F(DefaultCredentialTest, WithoutAnySourceItTellsWhatWasTriedWithEach) {
  nobody_answers();
  const auto credential = make({});
  const auto token = ask(*credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(token.error().code, "NoCredential");
  for (const char* part :
       {kVault, "EnvironmentCredential: AZURE_TENANT_ID",
        "ManagedIdentityCredential (IMDS): ", "169.254.169.254", "IDENTITY_ENDPOINT"}) {
    EXPECT_NE(token.error().message.find(part), std::string::npos)
        << part << " in: " << token.error().message;
  }
}

TEST_F(DefaultCredentialTest, ARefusalByAnyMemberMakesTheSumARefusal) {
  http.answer_with([](const http::ClientRequest& request) -> Result<http::Response> {
    if (request.url.host == "login.microsoftonline.com") {
      return answer(401, R"({"error":"invalid_client","error_description":"AADSTS7000215: x"})");
    }
    return fail(ErrorKind::timeout, "ConnectTimeout", "no answer");
  });
  const auto credential = make(client_secret_settings());
  const auto token = ask(*credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_EQ(token.error().http_status, 401);
  EXPECT_NE(token.error().message.find("AADSTS7000215"), std::string::npos);
  EXPECT_EQ(token.error().message.find("s3cret"), std::string::npos);
}

TEST_F(DefaultCredentialTest, MayGoWhileItsEndpointIsSlowOrWaitedFor) {
  always(answer(503));
  testing::SlowHttpClient slow(http, clock, 100ms);
  for (const auto time : {0ms, 50ms, 150ms}) {
    auto credential = make_default_credential(app_service_settings(), slow, clock, random,
                                              context.get_executor());
    testing::Running<Result<AccessToken>> asker(context, credential->get_token(kVault));
    testing::settle(context);
    clock.advance(time);
    testing::settle(context);
    EXPECT_EQ(clock.sleepers(), 1U) << "in an attempt, or between two";
    credential.reset();
    testing::settle(context);
    EXPECT_EQ(clock.sleepers(), 0U);
    ASSERT_TRUE(asker.done());
    EXPECT_FALSE(asker.take());
  }
}

TEST_F(DefaultCredentialTest, TokensAreCachedPerResource) {
  always(answer(200, kTokenBody));
  const auto credential = make(app_service_settings());
  ASSERT_TRUE(ask(*credential));
  ASSERT_TRUE(ask(*credential));
  EXPECT_EQ(http.calls.size(), 1U);
  ASSERT_TRUE(testing::run_through(context, clock, credential->get_token("https://other")));
  EXPECT_EQ(http.calls.size(), 2U);
}

}  // namespace
}  // namespace latchkey::azure
