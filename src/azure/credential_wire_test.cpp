// Credentials over real sockets, against a neighbour that is slow, stops half-way or means harm.

#include <map>

#include "azure/testing/credential_fixture.hpp"
#include "base/time_text.hpp"
#include "http/certificate.hpp"
#include "http/testing/scripted_server.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using http::testing::Close;
using http::testing::Hold;
using http::testing::ok;
using http::testing::ReadRequest;
using http::testing::Reset;
using http::testing::Script;
using http::testing::ScriptedServer;
using http::testing::Send;
using http::testing::StartTls;
using testing::client_secret_settings;
using testing::kTokenBody;
using testing::kVault;

Send status(const std::string& line, const std::string& headers = {}, std::string body = {}) {
  return {"HTTP/1.1 " + line + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body};
}

/// Where tokens come from over HTTP, by their names in AZURE_TOKEN_CREDENTIALS.
enum class Source { secret, workload, app_service, arc, imds };
constexpr std::array kSources{Source::secret, Source::workload, Source::app_service, Source::arc,
                              Source::imds};

struct CredentialWireTest : testing::CredentialFixture {
  static void SetUpTestSuite() {
    authority = http::make_authority("test", SystemClock().now(), std::chrono::days(2));
    const auto made = http::make_server_certificate(authority, {"127.0.0.1"}, SystemClock().now(),
                                                    std::chrono::days(1));
    tls = http::TlsServerContext::from_pem(made->certificate_pem, made->key_pem).value();
  }

  static bool over_tls(Source source) {
    return source == Source::secret || source == Source::workload;
  }

  /// A server of which each connection does `steps`, and a credential that is to ask it.
  void start(Source source, Script steps, bool trusted = true) {
    credential.reset();
    client.reset();
    if (over_tls(source)) steps.insert(steps.begin(), StartTls{tls});
    server = std::make_unique<ScriptedServer>(context.get_executor(), std::vector<Script>{steps});
    const std::string authority_pem = trusted ? authority.certificate_pem : "";
    client = std::make_unique<http::PooledClient>(
        context.get_executor(), http::TlsClientContext::system_trust(authority_pem).value(), clock);
    credential = make_default_credential(settings_for(source), *client, clock, random,
                                         context.get_executor())
                     .value();
  }

  CredentialSettings settings_for(Source source) {
    CredentialSettings settings = client_secret_settings();
    settings.authority_host = server->url("", "https");
    if (source == Source::workload) {
      settings.client_secret = Secret();
      settings.federated_token_file = file("token", "federated-token");
      settings.chosen = "WorkloadIdentityCredential";
    }
    if (source == Source::secret) settings.chosen = "EnvironmentCredential";
    if (over_tls(source)) return settings;

    settings = {};
    settings.chosen = "ManagedIdentityCredential";
    settings.pod_identity_host = server->url("");
    if (source == Source::imds) return settings;
    settings.identity_endpoint = server->url("/token");
    if (source == Source::arc) settings.imds_endpoint = server->url("");
    if (source == Source::app_service) settings.identity_header = Secret("header-secret");
    settings.arc_key_folder = folder.string();
    return settings;
  }

  /// Whenever nothing happens for a while (the client looks at its deadlines 20 times a second of
  /// real time), some seconds pass.
  Result<AccessToken> ask_server() {
    testing::Running<Result<AccessToken>> running(context, credential->get_token(kVault));
    const SteadyTime give_up = clock.steady_now() + 10min;
    while (!running.done() && clock.steady_now() < give_up) {
      context.restart();
      if (context.run_one_for(10ms) == 0) clock.advance(4s);
      testing::settle(context);
    }
    if (!running.done()) throw std::runtime_error("no end");
    return running.take();
  }

  static inline http::CertificateAndKey authority;
  static inline http::TlsServerContext tls;
  std::unique_ptr<ScriptedServer> server;
  std::unique_ptr<http::PooledClient> client;
  std::unique_ptr<TokenCredential> credential;
};

TEST_F(CredentialWireTest, EverySourceGetsItsToken) {
  for (const Source source : kSources) {
    start(source, {ReadRequest{}, ok(kTokenBody)});
    const auto token = ask_server();
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->value.reveal(), "abc");
  }
}

TEST_F(CredentialWireTest, AnswersThatAreNoTokenAreErrorsWithoutTheirContent) {
  const std::string long_body(100'000, 'x');
  const std::string redirect = "Location: https://evil.example/\r\n";
  const std::vector<Send> answers = {
      ok("<html><body>geheim sign in</body></html>"),
      ok(""),
      ok("[]"),
      ok(R"({"access_token":7,"expires_in":3600})"),
      ok(R"({"access_token":"geheim"})"),
      ok(R"({"access_token":"geheim","expires_in":"soon"})"),
      ok(R"({"access_token":"geheim","expires_in":0})"),
      ok(R"({"access_token":"geheim","expires_on":"1"})"),
      ok(R"({"access_token":"geheim\r\nX-Evil: 1","expires_in":3600})"),
      ok(R"({"access_token":"geheim","expires_in":3600,"x":")" + long_body + "\"}"),
      status("302 Found", redirect),
      status("307 Temporary Redirect", redirect),
      status("204 No Content"),
      Send{"SSH-2.0-OpenSSH_9.2\r\n"}};
  for (const Source source : kSources) {
    for (const Send& sent : answers) {
      start(source, {ReadRequest{}, sent, Close{}});
      const auto token = ask_server();
      ASSERT_FALSE(token) << sent.bytes;
      EXPECT_EQ(token.error().kind, ErrorKind::unavailable) << sent.bytes;
      EXPECT_EQ(token.error().message.find("geheim"), std::string::npos) << token.error().message;
    }
  }
}

TEST_F(CredentialWireTest, RefusalsAreRefusalsAndShowNothingOfOurs) {
  const std::string body = R"({"error":"invalid_client","error_description":"AADSTS7000215: no"})";
  for (const Source source : kSources) {
    start(source, {ReadRequest{}, status("401 Unauthorized", "", body)});
    const auto token = ask_server();
    ASSERT_FALSE(token);
    const bool arc = source == Source::arc;  // It is challenged first, and this is no challenge.
    EXPECT_EQ(token.error().kind, arc ? ErrorKind::unavailable : ErrorKind::denied);
    for (const char* hidden : {"s3cret", "header-secret", "federated-token"}) {
      EXPECT_EQ(token.error().message.find(hidden), std::string::npos) << token.error().message;
    }
  }
}

TEST_F(CredentialWireTest, SilenceAndHalfAnswersEnd) {
  const std::vector<Script> scripts = {
      {ReadRequest{}, Hold{}},
      {ReadRequest{}, Send{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access"}, Hold{}},
      {ReadRequest{}, Send{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access"}, Close{}},
      {ReadRequest{}, Reset{}}};
  for (const Source source : kSources) {
    for (const Script& script : scripts) {
      start(source, script);
      const SteadyTime begun = clock.steady_now();
      const auto token = ask_server();
      ASSERT_FALSE(token);
      EXPECT_EQ(token.error().kind, ErrorKind::unavailable) << token.error().message;
      EXPECT_LE(clock.steady_now() - begun, 60s);
    }
  }
}

TEST_F(CredentialWireTest, ASecretGoesToNobodyWhoseCertificateIsNotTrusted) {
  for (const Source source : {Source::secret, Source::workload}) {
    start(source, {ReadRequest{}, ok(kTokenBody)}, false);
    const auto token = ask_server();
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(server->connections(), 1U) << "repeating does not help";
    EXPECT_TRUE(server->requests().empty());
  }
}

TEST_F(CredentialWireTest, EveryFormOfTheTimeOfExpiryIsRead) {
  const UtcTime end = clock.now() + 1h;
  const std::string seconds = std::to_string(to_epoch_seconds(end));
  for (const std::string& member :
       {R"("expires_in":"3600")" + std::string(), R"("expires_in":3600)" + std::string(),
        R"("expires_on":")" + seconds + '"', R"("expires_on":)" + seconds,
        R"("expires_on":")" + to_iso8601(end) + '"', R"("expires_on":")" + to_rfc1123(end) + '"'}) {
    start(Source::app_service, {ReadRequest{}, ok(R"({"access_token":"abc",)" + member + "}")});
    const auto token = ask_server();
    ASSERT_TRUE(token) << member << ": " << token.error().message;
    EXPECT_NEAR(static_cast<double>((token->expires_on - end) / 1s), 0, 2) << member;
  }
}

}  // namespace
}  // namespace latchkey::azure
