#include "http/stream.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/testing/await.hpp"
#include "http/certificate.hpp"
#include "http/testing/scripted_server.hpp"

namespace latchkey::http {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
using testing::Close;
using testing::ReadHead;
using testing::ReadRequest;
using testing::Script;
using testing::ScriptedServer;
using testing::Send;
using testing::StartTls;

class Stream : public ::testing::Test {
 protected:
  ByteStream to(const ScriptedServer& server, bool tls, const std::string& host = "localhost") {
    return ByteStream(context_.get_executor(), trust_, {host, server.port(), tls});
  }
  ScriptedServer serve(Script script) { return {context_.get_executor(), {std::move(script)}}; }

  IoContext context_;
  SystemClock clock_;
  CertificateAndKey authority_ = make_authority("Test", clock_.now(), std::chrono::days(2));
  TlsClientContext trust_ = *TlsClientContext::system_trust(authority_.certificate_pem);
};

TEST_F(Stream, CarriesBytesBothWaysInClearTextAndInTls) {
  const auto leaf =
      *make_server_certificate(authority_, {"localhost"}, clock_.now(), std::chrono::days(1));
  const auto certificate = *TlsServerContext::from_pem(leaf.certificate_pem, leaf.key_pem);
  const Script plain{ReadRequest{}, Send{"+PONG"}};
  const Script secure{StartTls{certificate}, ReadRequest{}, Send{"+PONG"}};
  for (const bool tls : {false, true}) {
    const auto server = serve(tls ? secure : plain);
    ByteStream stream = to(server, tls);
    ASSERT_TRUE(await(context_, stream.open())) << tls;
    ASSERT_TRUE(await(context_, stream.write("PING\r\n\r\n")));
    EXPECT_EQ(await(context_, stream.read()).value(), "+PONG");
    EXPECT_EQ(server.requests().at(0), "PING\r\n\r\n");
    EXPECT_TRUE(stream.is_quiet());
  }
}

TEST_F(Stream, TrustsNoCertificateForAnotherName) {
  const auto leaf =
      *make_server_certificate(authority_, {"localhost"}, clock_.now(), std::chrono::days(1));
  const auto server =
      serve({StartTls{*TlsServerContext::from_pem(leaf.certificate_pem, leaf.key_pem)}});
  ByteStream stream = to(server, true, "redis.localhost");
  EXPECT_EQ(await(context_, stream.open()).error().code, "TlsVerificationFailed");
}

TEST_F(Stream, SaysThatNobodyListens) {
  ByteStream stream(context_.get_executor(), trust_, {"127.0.0.1", 1, false});
  const auto opened = await(context_, stream.open());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
  EXPECT_NE(opened.error().message.find("127.0.0.1:1"), std::string::npos);
}

TEST_F(Stream, NoticesTheEnd) {
  const auto server = serve({ReadHead{}, Close{}});
  ByteStream stream = to(server, false);
  ASSERT_TRUE(await(context_, stream.open()));
  ASSERT_TRUE(await(context_, stream.write("\r\n\r\n")));
  const auto read = await(context_, stream.read());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(stream.is_quiet());
}

TEST_F(Stream, WaitsNoLongerThanItsDeadline) {
  const auto server = serve({ReadHead{}});
  ByteStream stream = to(server, false);
  stream.set_deadline(60s);
  ASSERT_TRUE(await(context_, stream.open()));
  stream.set_deadline(10ms);
  EXPECT_EQ(await(context_, stream.read()).error().kind, ErrorKind::timeout);
  EXPECT_FALSE(await(context_, stream.write("late")));
}

}  // namespace
}  // namespace latchkey::http
