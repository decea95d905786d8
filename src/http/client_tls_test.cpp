#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/post.hpp>

#include "http/certificate.hpp"
#include "http/client.hpp"
#include "http/testing/fetch.hpp"
#include "http/testing/scripted_server.hpp"
#include "http/tls_impl.hpp"

namespace latchkey::http {
namespace {

using std::chrono::days;
using testing::Close;
using testing::EndTls;
using testing::get;
using ::testing::HasSubstr;
using testing::ok;
using testing::post;
using testing::ReadRequest;
using testing::Script;
using testing::ScriptedServer;
using testing::Send;
using testing::StartTls;

class TlsClient : public ::testing::Test {
 protected:
  TlsServerContext server_context(const std::vector<std::string>& names, UtcTime from,
                                  days lifetime, const CertificateAndKey& authority) {
    const auto made = *make_server_certificate(authority, names, from, lifetime);
    return *TlsServerContext::from_pem(made.certificate_pem, made.key_pem);
  }
  void start(std::vector<Script> scripts, PoolOptions options = {}) {
    client_.reset();
    server_ = std::make_unique<ScriptedServer>(context_.get_executor(), std::move(scripts));
    client_ = std::make_unique<PooledClient>(context_.get_executor(), trust_, clock_, options);
  }
  Result<Response> fetch(ClientRequest request) {
    return testing::fetch(context_, *client_, std::move(request));
  }
  ClientRequest to(std::string_view host, std::string_view target = "/") {
    return get(server_->url(target, "https", host));
  }

  IoContext context_;
  SystemClock clock_;
  CertificateAndKey authority_ = make_authority("Local cloud", clock_.now(), days(365));
  TlsClientContext trust_ = *TlsClientContext::system_trust(authority_.certificate_pem);
  TlsServerContext good_ = server_context({"localhost", "*.queue.localhost", "127.0.0.1"},
                                          clock_.now(), days(30), authority_);
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<PooledClient> client_;
};

TEST_F(TlsClient, KeepsAVerifiedConnectionForRequestAfterRequest) {
  start({{StartTls{good_}, ReadRequest{}, ok("1"), ReadRequest{}, ok("2")}});
  for (const char* body : {"1", "2"}) {
    const auto answer = fetch(to("localhost"));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, body);
  }
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(TlsClient, AcceptsNamesWildcardsAndAddressesThatTheCertificateLists) {
  start({{StartTls{good_}, ReadRequest{}, ok("")}});
  for (const char* host : {"localhost", "devacc.queue.localhost", "127.0.0.1"}) {
    const auto answer = fetch(to(host));
    EXPECT_TRUE(answer.has_value()) << host << ": " << answer.error().message;
  }
}

TEST_F(TlsClient, SaysWhichVerificationFailedAndWhatToDo) {
  const UtcTime now = clock_.now();
  const auto stranger = make_authority("Stranger", now, days(365));
  struct Row {
    const char* host;
    TlsServerContext context;
    const char* what;
    const char* remedy;
  };
  const Row rows[] = {
      {"vault.localhost", good_, "hostname mismatch", "use a name that it lists"},
      {"127.0.0.1", server_context({"localhost"}, now, days(30), authority_), "IP address mismatch",
       "use a name that it lists"},
      {"localhost", server_context({"localhost"}, now - days(60), days(30), authority_),
       "certificate has expired", "renew the certificate"},
      {"localhost", server_context({"localhost"}, now + days(60), days(30), authority_),
       "certificate is not yet valid", "clock"},
      {"localhost", server_context({"localhost"}, now, days(30), stranger), "certificate",
       "set SSL_CERT_FILE to the authority's PEM"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    start({{StartTls{row.context}, ReadRequest{}, ok("must never be asked")}});
    const auto answer = fetch(to(row.host));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(answer.error().code, "TlsVerificationFailed");
    EXPECT_THAT(answer.error().message, HasSubstr(row.what));
    EXPECT_THAT(answer.error().message, HasSubstr(row.remedy));
    EXPECT_THAT(answer.error().message,
                HasSubstr(std::string(row.host) + ":" + std::to_string(server_->port())));
    EXPECT_TRUE(server_->requests().empty());
  }
}

TEST_F(TlsClient, SaysWhenTheOtherSideDoesNotSpeakTls) {
  start({{Send{"HTTP/1.1 400 Bad Request\r\n\r\n"}, Close{}}});
  const auto answer = fetch(to("localhost"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(answer.error().code, "TlsHandshakeFailed");
}

TEST_F(TlsClient, RefusesTlsBefore12) {
  SSL_CTX_set_min_proto_version(good_.impl->context.native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(good_.impl->context.native_handle(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(good_.impl->context.native_handle(), 0);
  start({{StartTls{good_}, ReadRequest{}, ok("")}});
  EXPECT_EQ(fetch(to("localhost")).error().code, "TlsHandshakeFailed");
}

TEST_F(TlsClient, ResumesSessionsInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    SSL_CTX* const native = good_.impl->context.native_handle();
    SSL_CTX_set_max_proto_version(native, version);
    const long resumed_before = SSL_CTX_sess_hits(native);
    start({{StartTls{good_}, ReadRequest{}, ok("")}});
    for (int i = 0; i < 3; ++i) {
      const auto answer = fetch(to("localhost"));
      ASSERT_TRUE(answer.has_value()) << answer.error().message;
      client_->close_idle();
    }
    EXPECT_EQ(server_->connections(), 3U);
    EXPECT_EQ(SSL_CTX_sess_hits(native) - resumed_before, 2);
  }
}

TEST_F(TlsClient, TellsAnEndFromACutInBodiesThatLastUntilTheEnd) {
  const Send until_close{"HTTP/1.1 200 OK\r\n\r\nuntil the end"};
  start({{StartTls{good_}, ReadRequest{}, until_close, EndTls{}}});
  const auto whole = fetch(to("localhost"));
  ASSERT_TRUE(whole.has_value()) << whole.error().message;
  EXPECT_EQ(whole->body, "until the end");

  start({{StartTls{good_}, ReadRequest{}, until_close, Close{}}});
  const auto cut = fetch(to("localhost"));
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().kind, ErrorKind::protocol);
  EXPECT_EQ(cut.error().code, "AnswerCutShort");
}

TEST_F(TlsClient, DoesNotMindHowAnIdleConnectionEnds) {
  for (const testing::Step& end : {testing::Step(EndTls{}), testing::Step(Close{})}) {
    start({{StartTls{good_}, ReadRequest{}, ok("1"), end},
           {StartTls{good_}, ReadRequest{}, ok("2")}});
    EXPECT_EQ(fetch(to("localhost"))->body, "1");
    context_.poll();  // The end arrives.
    context_.restart();
    auto request = to("localhost");
    request.method = Method::post;  // May not be sent twice: it must find out before.
    const auto answer = fetch(std::move(request));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, "2");
  }
}

TEST_F(TlsClient, SendsAgainWhenAKeptAliveConnectionDies) {
  start({{StartTls{good_}, ReadRequest{}, ok("1"), ReadRequest{}, Close{}},
         {StartTls{good_}, ReadRequest{}, ok("2")}});
  EXPECT_EQ(fetch(to("localhost"))->body, "1");
  const auto answer = fetch(to("localhost"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "2");
}

TEST_F(TlsClient, SendsLargeBodiesAndTakesAnswersThatComeBeforeTheirEnd) {
  start({{StartTls{good_}, ReadRequest{}, ok(std::string(300'000, 'y'))},
         {StartTls{good_}, testing::ReadHead{},
          Send{"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"}}});
  const std::string large(300'000, 'x');
  auto request = post(server_->url("/", "https", "localhost"), large);
  const auto answer = fetch(request);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body.size(), 300'000U);
  EXPECT_TRUE(server_->requests().at(0).ends_with(large));
  client_->close_idle();

  request.body.assign(64 * 1024 * 1024, 'x');
  const auto refused = fetch(request);
  ASSERT_TRUE(refused.has_value()) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
}

class ProxiedClient : public TlsClient {
 protected:
  std::string proxy(std::string_view user = "") const {
    return "http://" + std::string(user) + "127.0.0.1:" + std::to_string(server_->port());
  }
  void through_proxy(std::vector<Script> scripts, std::string_view user = "",
                     std::string no_proxy = "") {
    start(std::move(scripts));
    client_ = std::make_unique<PooledClient>(context_.get_executor(), trust_, clock_,
                                             PoolOptions{.https_proxy = proxy(user),
                                                         .http_proxy = proxy(user),
                                                         .no_proxy = std::move(no_proxy)});
  }
  const Send connected_{"HTTP/1.1 200 Connection established\r\n\r\n"};
};

TEST_F(ProxiedClient, AsksForATunnelAndVerifiesTheServerBehindIt) {
  through_proxy({{ReadRequest{}, connected_, StartTls{good_}, ReadRequest{}, ok("1"), ReadRequest{},
                  ok("2")}},
                "user:word@");
  // The name need not be known here: the proxy resolves it.
  for (const char* body : {"1", "2"}) {
    const auto answer = fetch(get("https://a.queue.localhost:8443/x?y"));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, body);
  }
  EXPECT_EQ(server_->requests().at(0),
            "CONNECT a.queue.localhost:8443 HTTP/1.1\r\nHost: a.queue.localhost:8443\r\n"
            "Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n\r\n");
  EXPECT_EQ(server_->requests().at(1), "GET /x?y HTTP/1.1\r\nHost: a.queue.localhost:8443\r\n\r\n");
  EXPECT_EQ(server_->connections(), 1U);

  through_proxy({{ReadRequest{}, connected_, StartTls{good_}, ReadRequest{}, ok("")}});
  EXPECT_EQ(fetch(get("https://vault.localhost/")).error().code, "TlsVerificationFailed");
  EXPECT_THAT(server_->requests().at(0), HasSubstr("CONNECT vault.localhost:443 "));
}

TEST_F(ProxiedClient, SaysWhyThereIsNoTunnel) {
  struct Row {
    Script script;
    ErrorKind kind;
    const char* code;
    const char* message;
  };
  const Row rows[] = {
      {{ReadRequest{}, Send{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"}},
       ErrorKind::unavailable,
       "ProxyRefused",
       "status 403"},
      {{ReadRequest{}, Send{"HTTP/1.1 407 Authentication\r\nContent-Length: 9\r\n\r\n"}},
       ErrorKind::unavailable,
       "ProxyRefused",
       "user:password in HTTPS_PROXY"},
      {{ReadRequest{}, Close{}}, ErrorKind::unavailable, "ConnectionReset", "the proxy 127.0.0.1:"},
      {{ReadRequest{}, Send{"nonsense\r\n\r\n"}},
       ErrorKind::protocol,
       "MalformedAnswer",
       "the proxy 127.0.0.1:"},
      {{ReadRequest{}, Send{"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}},
       ErrorKind::protocol,
       "MalformedAnswer",
       "the proxy 127.0.0.1:"},
  };
  for (const auto& row : rows) {
    through_proxy({row.script}, "user:hidden@");
    const auto answer = fetch(get("https://a.queue.localhost/"));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, row.kind);
    EXPECT_EQ(answer.error().code, row.code);
    EXPECT_THAT(answer.error().message, HasSubstr(row.message));
    EXPECT_THAT(answer.error().message, ::testing::Not(HasSubstr("hidden")));
  }
}

TEST_F(ProxiedClient, SendsClearTextInTheAbsoluteForm) {
  through_proxy({{ReadRequest{}, ok("")}}, "user:word@");
  ASSERT_TRUE(fetch(get("http://vault.example:81/x?y")).has_value());
  EXPECT_EQ(server_->requests().at(0),
            "GET http://vault.example:81/x?y HTTP/1.1\r\nHost: vault.example:81\r\n"
            "Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n\r\n");
}

TEST_F(ProxiedClient, ConnectsDirectlyWhereNoProxySaysSo) {
  through_proxy({{ReadRequest{}, ok("")}}, "user:word@", "127.0.0.1");
  ASSERT_TRUE(fetch(get(server_->url("/x"))).has_value());
  EXPECT_THAT(server_->requests().at(0), ::testing::StartsWith("GET /x HTTP/1.1"));
  EXPECT_THAT(server_->requests().at(0), ::testing::Not(HasSubstr("Proxy-Authorization")));
}

TEST_F(ProxiedClient, SaysThatItIsTheProxyThatCannotBeReachedOrUsed) {
  std::string gone;
  {
    start({{}});
    gone = proxy();
    server_.reset();
  }
  PooledClient unreachable(context_.get_executor(), trust_, clock_, {.https_proxy = gone});
  const auto refused = testing::fetch(context_, unreachable, get("https://a.queue.localhost/"));
  EXPECT_EQ(refused.error().code, "ConnectionRefused");
  EXPECT_THAT(refused.error().message, HasSubstr("the proxy 127.0.0.1:"));

  PooledClient unusable(context_.get_executor(), trust_, clock_, {.https_proxy = "https://p:1"});
  const auto invalid = testing::fetch(context_, unusable, get("https://a.queue.localhost/"));
  EXPECT_EQ(invalid.error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(invalid.error().code, "InvalidProxy");
}

}  // namespace
}  // namespace latchkey::http
