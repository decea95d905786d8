#include "azure/managed_identity_credential.hpp"

#include <filesystem>

#include "azure/testing/credential_fixture.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using testing::answer;
using testing::app_service_settings;
using testing::kTokenBody;
using testing::kVault;

struct ManagedIdentityCredentialTest : testing::CredentialFixture {};

TEST_F(ManagedIdentityCredentialTest, AppServiceFormOfManagedIdentity) {
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
    ManagedIdentityCredential credential(settings, false, http, clock, random);
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

TEST_F(ManagedIdentityCredentialTest, AppServiceEndpointThatIsNoUrlIsNamed) {
  CredentialSettings settings = app_service_settings();
  settings.identity_endpoint = "ftp://nowhere";
  ManagedIdentityCredential credential(settings, false, http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
  EXPECT_NE(token.error().message.find("IDENTITY_ENDPOINT"), std::string::npos);
}

TEST_F(ManagedIdentityCredentialTest, ImdsFormOfManagedIdentity) {
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
    ManagedIdentityCredential credential(settings, true, http, clock, random);
    EXPECT_EQ(credential.name(), "ManagedIdentityCredential (IMDS)");
    ASSERT_TRUE(ask(credential));
    ASSERT_EQ(http.calls.size(), 1U);
    EXPECT_EQ(http.calls[0].url.to_string(), row.url);
    EXPECT_EQ(http.calls[0].headers.find("Metadata"), "true");
    EXPECT_EQ(http.calls[0].connect_timeout, 1s);
  }
}

TEST_F(ManagedIdentityCredentialTest, ImdsIsTriedOnceUntilItHasAnswered) {
  nobody_answers();
  ManagedIdentityCredential credential({}, true, http, clock, random);
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

TEST_F(ManagedIdentityCredentialTest, ImdsThatIsMeantGetsNoFirstTouchLimit) {
  always(answer(503));
  ManagedIdentityCredential credential({}, false, http, clock, random);
  ASSERT_FALSE(ask(credential));
  EXPECT_EQ(http.calls.size(), 5U);
  EXPECT_FALSE(http.calls[0].connect_timeout);
}

TEST_F(ManagedIdentityCredentialTest, ImdsIsAskedAgainOnceItIsKnown) {
  ManagedIdentityCredential credential({}, true, http, clock, random);
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

TEST_F(ManagedIdentityCredentialTest, ImdsWithoutAnIdentityIsDeniedWithTheRemedy) {
  always(answer(400, R"({"error":"invalid_request","error_description":"Identity not found"})"));
  ManagedIdentityCredential own({}, true, http, clock, random);
  auto token = ask(own);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_NE(token.error().message.find("Identity not found"), std::string::npos);
  EXPECT_NE(token.error().message.find("managed identity"), std::string::npos);

  CredentialSettings settings;
  settings.client_id = "id-1";
  ManagedIdentityCredential assigned(settings, false, http, clock, random);
  token = ask(assigned);
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find("AZURE_CLIENT_ID"), std::string::npos);
}

TEST_F(ManagedIdentityCredentialTest, AProxysRefusalIsNoRefusalByImds) {
  always(answer(403, "connecting to 169.254.169.254:80: connect: network is unreachable"));
  ManagedIdentityCredential credential({}, true, http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
}

struct ArcTest : ManagedIdentityCredentialTest {
  CredentialSettings settings() const {
    CredentialSettings made;
    made.identity_endpoint = "http://localhost:40342/metadata/identity/oauth2/token";
    made.imds_endpoint = "http://localhost:40342";
    made.arc_key_folder = folder.string();
    return made;
  }
  /// The first call gets the challenge `header`, others a token.
  void challenge_with(const std::string& header) {
    http.answer_with([header](const http::ClientRequest& request) {
      if (request.headers.contains("Authorization")) return answer(200, kTokenBody);
      return answer(401, "", {{"WWW-Authenticate", header}});
    });
  }
  Result<AccessToken> ask_arc() {
    http.calls.clear();
    ManagedIdentityCredential credential(settings(), true, http, clock, random);
    return ask(credential);
  }
};

TEST_F(ArcTest, ProvesThatItCanReadTheKeyFile) {
  const std::string key = file("one.key", "the-key\n");
  for (const std::string& realm : {key, '"' + key + '"'}) {
    challenge_with("Basic realm=" + realm);
    const auto token = ask_arc();
    ASSERT_TRUE(token) << token.error().message;
    ASSERT_EQ(http.calls.size(), 2U);
    for (const auto& call : http.calls) {
      EXPECT_EQ(call.url.to_string(),
                "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&"
                "resource=https%3A%2F%2Fvault.azure.net");
      EXPECT_EQ(call.headers.find("Metadata"), "true");
    }
    EXPECT_EQ(http.calls[1].headers.find("Authorization"), "Basic the-key");
  }
}

TEST_F(ArcTest, GivesAwayNoFileButAKeyInItsFolder) {
  std::filesystem::create_directories(folder / "inner");
  const std::string longest = file("longest.key", std::string(4096, 'k'));
  file("secret.txt", "geheim");
  std::filesystem::create_symlink(folder / "secret.txt", folder / "link.key");
  std::filesystem::create_directories(folder / "folder.key");
  file("inner/other.key", "geheim");
  file("long.key", std::string(4097, 'k'));
  file("empty.key", " \n");
  file("lines.key", "geheim\r\nX-Other: 1");
  const std::string base = folder.string();
  for (const std::string& header :
       {"Basic realm=" + base + "/secret.txt", "Basic realm=" + base + "/inner/other.key",
        "Basic realm=" + base + "/inner/../empty.key", "Basic realm=" + base + "/../x.key",
        "Basic realm=" + base + "/link.key", "Basic realm=" + base + "/folder.key",
        "Basic realm=" + base + "/long.key", "Basic realm=" + base + "/empty.key",
        "Basic realm=" + base + "/lines.key", "Basic realm=" + base + "/missing.key",
        std::string("Basic realm=longest.key"), std::string("Basic realm=/etc/passwd"),
        std::string("Basic realm="), "Bearer realm=" + longest, std::string()}) {
    challenge_with(header);
    const auto token = ask_arc();
    ASSERT_FALSE(token) << header;
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable) << header;
    EXPECT_EQ(token.error().message.find("geheim"), std::string::npos);
    EXPECT_EQ(http.calls.size(), 1U) << header;
  }
  challenge_with("Basic realm=" + longest);
  EXPECT_TRUE(ask_arc());
}

TEST_F(ArcTest, HasNoUserAssignedIdentities) {
  auto with_id = settings();
  with_id.client_id = "id-1";
  ManagedIdentityCredential credential(with_id, true, http, clock, random);
  const auto token = ask(credential);
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find("AZURE_CLIENT_ID"), std::string::npos);
  EXPECT_TRUE(http.calls.empty());
}

TEST_F(ArcTest, ARefusedKeyIsARefusal) {
  file("one.key", "the-key");
  always(answer(401, "", {{"WWW-Authenticate", "Basic realm=" + (folder / "one.key").string()}}));
  const auto token = ask_arc();
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::denied);
  EXPECT_EQ(http.calls.size(), 2U);
}

}  // namespace
}  // namespace latchkey::azure
