#include "azure/credential_chain.hpp"

#include "azure/testing/credential_fixture.hpp"
#include "azure/testing/slow_http_client.hpp"
#include "base/testing/await.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using testing::answer;
using testing::app_service_settings;
using testing::client_secret_settings;
using testing::kTokenBody;
using testing::kVault;

struct DefaultCredentialTest : testing::CredentialFixture {
  std::unique_ptr<TokenCredential> make(CredentialSettings settings) {
    return make_default_credential(std::move(settings), http, clock, random, context.get_executor())
        .value();
  }
  /// Client secret and App Service, both there.
  static CredentialSettings both() {
    CredentialSettings settings = client_secret_settings();
    settings.identity_endpoint = "http://127.0.0.1:4141/msi/token";
    settings.identity_header = Secret("header-value");
    return settings;
  }
};

TEST_F(DefaultCredentialTest, TheEnvironmentGoesFirst) {
  CredentialSettings settings = both();
  always(answer(200, kTokenBody));
  const auto credential = make(settings);
  ASSERT_TRUE(ask(*credential));
  ASSERT_EQ(http.calls.size(), 1U);
  EXPECT_EQ(http.calls[0].url.host, "login.microsoftonline.com");
}

TEST_F(DefaultCredentialTest, ManagedIdentityFollowsAndIsKept) {
  http.answer_with([](const http::ClientRequest& request) -> Result<http::Response> {
    if (request.url.host == "127.0.0.1") return answer(200, kTokenBody);
    return fail(ErrorKind::unavailable, "NameNotFound", "no such host");
  });
  const auto credential = make(both());
  EXPECT_EQ(credential->name(), "DefaultAzureCredential");
  ASSERT_TRUE(ask(*credential));
  EXPECT_EQ(http.calls.back().url.host, "127.0.0.1");
  EXPECT_EQ(credential->name(), "ManagedIdentityCredential (App Service)");
  EXPECT_NE(credential->passed_over().find("EnvironmentCredential: "), std::string::npos);
  EXPECT_NE(credential->passed_over().find("no such host"), std::string::npos);
  EXPECT_EQ(credential->passed_over().find("ManagedIdentityCredential"), std::string::npos);
  http.calls.clear();
  ASSERT_TRUE(ask(*credential, "https://storage.azure.com"));
  ASSERT_EQ(http.calls.size(), 1U) << "straight to the member that worked";
  EXPECT_EQ(http.calls[0].url.host, "127.0.0.1");
}

TEST_F(DefaultCredentialTest, ARefusedSecretIsNotCoveredUpByAnotherIdentity) {
  http.answer_with([](const http::ClientRequest& request) {
    return request.url.host == "127.0.0.1"
               ? answer(200, kTokenBody)
               : answer(401, R"({"error":"invalid_client","error_description":"AADSTS7000215"})");
  });
  const auto credential = make(both());
  const auto token = ask(*credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_EQ(token.error().http_status, 401);
  EXPECT_EQ(http.calls.size(), 1U);
  for (const char* part : {"EnvironmentCredential: ", "AADSTS7000215", "not tried"}) {
    EXPECT_NE(token.error().message.find(part), std::string::npos) << token.error().message;
  }
  EXPECT_EQ(token.error().message.find("s3cret"), std::string::npos);
}

TEST_F(DefaultCredentialTest, AMachineWithoutAnIdentityLeavesItToTheDeveloper) {
  CredentialSettings settings;
  settings.tool_path = folder.string();
  tool("az", R"(echo '{"accessToken":"from-az","expires_on":4000000000}')");
  always(answer(400, R"({"error":"invalid_request","error_description":"Identity not found"})"));
  const auto credential = make(settings);
  const auto token = latchkey::testing::await(context, credential->get_token(kVault));
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->value.reveal(), "from-az");
  EXPECT_EQ(credential->name(), "AzureCliCredential");
}

TEST_F(DefaultCredentialTest, WithoutAnySourceThereIsALineForEach) {
  nobody_answers();
  const auto credential = make({});
  const auto token = ask(*credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(token.error().code, "NoCredential");
  EXPECT_EQ(
      token.error().message,
      "no credential gave a token for https://vault.azure.net. What was tried, in this order:\n"
      "  - EnvironmentCredential: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or "
      "AZURE_CLIENT_CERTIFICATE_PATH) are not set\n"
      "  - WorkloadIdentityCredential: AZURE_TENANT_ID, AZURE_CLIENT_ID and "
      "AZURE_FEDERATED_TOKEN_FILE are not set\n"
      "  - ManagedIdentityCredential (IMDS): the instance metadata service at "
      "http://169.254.169.254 gave no answer: 169.254.169.254: no answer\n"
      "  - AzureCliCredential: az is not in PATH\n"
      "  - AzureDeveloperCliCredential: azd is not in PATH\n"
      "Give the process an identity: on Azure switch on its managed identity, elsewhere set "
      "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with az login");
}

TEST_F(DefaultCredentialTest, TheSettingChoosesTheMembers) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows = {
      {"", {"Environment", "WorkloadIdentity", "ManagedIdentity", "AzureCli", "AzureDeveloperCli"}},
      {" Prod ", {"Environment", "WorkloadIdentity", "ManagedIdentity"}},
      {"dev", {"AzureCli", "AzureDeveloperCli"}},
      {"environmentcredential", {"Environment"}},
      {"WorkloadIdentityCredential", {"WorkloadIdentity"}},
      {"ManagedIdentityCredential", {"ManagedIdentity"}},
      {"AzureCliCredential", {"AzureCli"}},
      {"AzureDeveloperCliCredential", {"AzureDeveloperCli"}}};
  nobody_answers();
  for (const auto& [chosen, members] : rows) {
    CredentialSettings settings;
    settings.chosen = chosen;
    const auto credential = make(settings);
    const auto token = ask(*credential);
    ASSERT_FALSE(token);
    std::vector<std::string> tried;
    for (const std::string_view line : split(token.error().message, '\n')) {
      if (!line.starts_with("  - ")) continue;
      tried.emplace_back(line.substr(4, line.find("Credential") - 4));
    }
    EXPECT_EQ(tried, members) << chosen;
  }
}

TEST_F(DefaultCredentialTest, AChosenManagedIdentityIsNotProbed) {
  always(answer(503));
  for (const auto& [chosen, calls] :
       {std::pair("ManagedIdentityCredential", 5U), std::pair("prod", 1U)}) {
    http.calls.clear();
    CredentialSettings settings;
    settings.chosen = chosen;
    const auto credential = make(settings);
    ASSERT_FALSE(ask(*credential));
    EXPECT_EQ(http.calls.size(), calls) << chosen;
  }
}

TEST_F(DefaultCredentialTest, WrongSettingsAreRefusedAtOnce) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"production", ""},
      {"VisualStudioCodeCredential", ""},
      {"", "http://login.example"},
      {"", "login.example"},
      {"ManagedIdentityCredential", "http://x"}};
  for (const auto& [chosen, authority] : rows) {
    CredentialSettings settings;
    settings.chosen = chosen;
    settings.authority_host = authority;
    const auto made =
        make_default_credential(settings, http, clock, random, context.get_executor());
    ASSERT_FALSE(made) << chosen << authority;
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
    const char* name = authority.empty() ? "AZURE_TOKEN_CREDENTIALS" : "AZURE_AUTHORITY_HOST";
    EXPECT_NE(made.error().message.find(name), std::string::npos) << made.error().message;
  }
}

TEST_F(DefaultCredentialTest, MayGoWhileItsEndpointIsSlowOrWaitedFor) {
  always(answer(503));
  testing::SlowHttpClient slow(http, clock, 100ms);
  for (const auto time : {0ms, 50ms, 150ms}) {
    auto credential =
        make_default_credential(app_service_settings(), slow, clock, random, context.get_executor())
            .value();
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
  ASSERT_TRUE(ask(*credential, "https://other"));
  EXPECT_EQ(http.calls.size(), 2U);
}

}  // namespace
}  // namespace latchkey::azure
