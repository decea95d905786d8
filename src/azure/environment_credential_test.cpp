#include "azure/environment_credential.hpp"

#include "azure/testing/credential_fixture.hpp"
#include "azure/workload_identity_credential.hpp"
#include "base/encoding.hpp"
#include "base/testing/self_signed.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {
using testing::answer;
using testing::client_secret_settings;
using testing::kTenant;
using testing::kTokenBody;
using testing::kVault;

struct EnvironmentCredentialTest : testing::CredentialFixture {};

TEST_F(EnvironmentCredentialTest, ClientSecretPostsTheForm) {
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

TEST_F(EnvironmentCredentialTest, ClientSecretAsksTheAuthorityOfTheSettings) {
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

TEST_F(EnvironmentCredentialTest, ClientSecretSaysWhatIsMissingOrWrongAndAsksNobody) {
  struct Row {
    void (*spoil)(CredentialSettings&);
    const char* said;
  };
  const std::vector<Row> rows = {
      {[](CredentialSettings& s) { s.tenant_id.clear(); }, "AZURE_TENANT_ID is not set"},
      {[](CredentialSettings& s) { s.client_secret = Secret(); },
       "(or AZURE_CLIENT_CERTIFICATE_PATH) is not set"},
      {[](CredentialSettings& s) { s = {}; },
       "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or"},
      {[](CredentialSettings& s) { s.tenant_id = "a/../b"; }, "AZURE_TENANT_ID must be"},
      {[](CredentialSettings& s) { s.authority_host = "http://login.example"; },
       "must be an https"},
      {[](CredentialSettings& s) { s.authority_host = "login.example"; }, "must be an https"}};
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

TEST_F(EnvironmentCredentialTest, ARefusedClientSecretIsDeniedAndNotShown) {
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

TEST_F(EnvironmentCredentialTest, AnOverloadedTokenEndpointIsAskedAgain) {
  http.queue(answer(503));
  http.queue(answer(200, kTokenBody));
  EnvironmentCredential credential(client_secret_settings(), http, clock, random);
  EXPECT_TRUE(ask(credential));
  EXPECT_EQ(http.calls.size(), 2U);
}

/// The value of a form's parameter, decoded.
std::string parameter(const std::string& form, const std::string& name) {
  for (const std::string_view pair : split(form, '&')) {
    if (pair.starts_with(name + "=")) return form_decode(pair.substr(name.size() + 1)).value();
  }
  return "";
}

struct CertificateTest : EnvironmentCredentialTest {
  CredentialSettings settings(const std::string& path) const {
    auto made = client_secret_settings();
    made.client_secret = Secret();
    made.certificate_file = path;
    return made;
  }
  std::string pem() const {
    return std::string(key.to_pem().reveal()) + latchkey::testing::self_signed(key, "app");
  }

  RsaPrivateKey key = RsaPrivateKey::generate();
};

TEST_F(CertificateTest, SendsAnAssertionThatItsKeySigned) {
  always(answer(200, kTokenBody));
  EnvironmentCredential credential(settings(file("app.pem", pem())), http, clock, random);
  const auto token = ask(credential);
  ASSERT_TRUE(token) << token.error().message;
  ASSERT_EQ(http.calls.size(), 1U);
  const std::string& form = http.calls[0].body;
  EXPECT_EQ(parameter(form, "grant_type"), "client_credentials");
  EXPECT_EQ(parameter(form, "scope"), "https://vault.azure.net/.default");
  EXPECT_EQ(parameter(form, "client_secret"), "");
  EXPECT_EQ(parameter(form, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  const std::string assertion = parameter(form, "client_assertion");
  const auto parts = split(assertion, '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(key.public_key().verify(assertion.substr(0, assertion.rfind('.')),
                                      from_base64url(parts[2]).value()));
  const Bytes claims = from_base64url(parts[1]).value();
  EXPECT_NE(as_text(claims).find(std::string("/") + kTenant + "/oauth2/v2.0/token"),
            std::string_view::npos);
  const Bytes header = from_base64url(parts[0]).value();
  EXPECT_EQ(as_text(header).find("x5c"), std::string_view::npos);
}

TEST_F(CertificateTest, SendsTheChainWhenTheSettingsSaySo) {
  always(answer(200, kTokenBody));
  auto with_chain = settings(file("app.pem", pem()));
  with_chain.send_certificate_chain = true;
  EnvironmentCredential credential(with_chain, http, clock, random);
  ASSERT_TRUE(ask(credential));
  const std::string assertion = parameter(http.calls[0].body, "client_assertion");
  const Bytes header = from_base64url(split(assertion, '.')[0]).value();
  EXPECT_NE(as_text(header).find("x5c"), std::string_view::npos);
}

TEST_F(CertificateTest, AReplacedFileIsReadAgain) {
  always(answer(200, kTokenBody));
  EnvironmentCredential credential(settings(file("app.pem", "nothing yet")), http, clock, random);
  EXPECT_FALSE(ask(credential));
  file("app.pem", pem());
  EXPECT_TRUE(ask(credential));
}

TEST_F(CertificateTest, AnUnfitFileIsNamedAndNobodyIsAsked) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {(folder / "missing.pem").string(), "is not there"},
      {folder.string(), "is no regular file"},
      {file("big.pem", std::string(300'000, 'x')), "is longer than"},
      {file("text.pem", "hello"), "no RSA private key"}};
  for (const auto& [path, said] : rows) {
    EnvironmentCredential credential(settings(path), http, clock, random);
    const auto token = ask(credential);
    ASSERT_FALSE(token) << path;
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
    for (const std::string& part : {said, path, std::string("AZURE_CLIENT_CERTIFICATE_PATH")}) {
      EXPECT_NE(token.error().message.find(part), std::string::npos) << token.error().message;
    }
  }
  EXPECT_TRUE(http.calls.empty());
}

struct WorkloadIdentityTest : EnvironmentCredentialTest {
  CredentialSettings settings(const std::string& path) const {
    auto made = client_secret_settings();
    made.client_secret = Secret();
    made.federated_token_file = path;
    return made;
  }
};

TEST_F(WorkloadIdentityTest, SendsWhatTheFileHoldsNow) {
  always(answer(200, kTokenBody));
  WorkloadIdentityCredential credential(settings(file("token", "one.two.three\n")), http, clock,
                                        random);
  ASSERT_TRUE(ask(credential));
  file("token", "  four.five.six ");
  ASSERT_TRUE(ask(credential));
  ASSERT_EQ(http.calls.size(), 2U);
  EXPECT_EQ(parameter(http.calls[0].body, "client_assertion"), "one.two.three");
  EXPECT_EQ(parameter(http.calls[1].body, "client_assertion"), "four.five.six");
  EXPECT_EQ(parameter(http.calls[1].body, "client_id"), "the-client");
}

TEST_F(WorkloadIdentityTest, SaysWhatIsMissing) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "AZURE_FEDERATED_TOKEN_FILE is not set"},
      {(folder / "missing").string(), "is not there"},
      {file("empty", " \n"), "is empty"},
      {file("big", std::string(100'000, 'x')), "is longer than"}};
  for (const auto& [path, said] : rows) {
    WorkloadIdentityCredential credential(settings(path), http, clock, random);
    const auto token = ask(credential);
    ASSERT_FALSE(token) << path;
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
    EXPECT_NE(token.error().message.find(said), std::string::npos) << token.error().message;
  }
  EXPECT_TRUE(http.calls.empty());
}

}  // namespace
}  // namespace latchkey::azure
