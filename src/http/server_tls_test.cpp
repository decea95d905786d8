#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include "http/certificate.hpp"
#include "http/testing/server_fixture.hpp"
#include "http/tls_impl.hpp"

/// http and https on one port.
namespace latchkey::http {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::status_of;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string kGetAndClose = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

struct Conversation {
  std::string received;
  boost::system::error_code ending;
  bool over = false;
};

/// Sends `bytes` over TLS and reads up to the end.
Task<> talk(std::uint16_t port, TlsClientContext tls, std::string bytes, Conversation* result) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ssl::stream<Socket> stream(executor, tls.impl->context);
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), port);
  co_await stream.lowest_layer().async_connect(server, use_task);
  co_await stream.async_handshake(asio::ssl::stream_base::client, use_task);
  const auto to_send = asio::buffer(bytes);
  co_await asio::async_write(stream, to_send, use_task);
  std::string room(64 * 1024, '\0');
  const auto space = asio::buffer(room);
  while (!result->ending) {
    const auto [error, count] = co_await stream.async_read_some(space, use_task_tuple);
    result->received.append(room, 0, count);
    result->ending = error;
  }
  result->over = true;
}

class ServerTls : public testing::ServerFixture {
 protected:
  void SetUp() override {
    const auto authority = make_authority("test authority", clock.now(), std::chrono::days{36500});
    const auto made = make_server_certificate(authority, {"localhost", "127.0.0.1"}, clock.now(),
                                              std::chrono::days{36500});
    ASSERT_TRUE(made) << made.error().message;
    auto context = TlsServerContext::from_pem(made->certificate_pem, made->key_pem);
    ASSERT_TRUE(context) << context.error().message;
    options.tls = *context;
    auto trust = TlsClientContext::system_trust(authority.certificate_pem);
    ASSERT_TRUE(trust) << trust.error().message;
    client_tls = *trust;
  }

  Conversation talk_tls(std::string bytes) {
    Conversation result;
    asio::co_spawn(io, talk(server->port(), client_tls, std::move(bytes), &result), asio::detached);
    EXPECT_TRUE(run_until([&] { return result.over; }));
    return result;
  }

  TlsClientContext client_tls;
};

TEST_F(ServerTls, OnePortTakesHttpAndHttps) {
  start();
  const Conversation encrypted = talk_tls(kGet + kGetAndClose);
  EXPECT_EQ(status_of(encrypted.received), 200);
  EXPECT_THAT(encrypted.received, HasSubstr("X-Tls: yes\r\n"));
  EXPECT_THAT(encrypted.received, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(encrypted.ending, asio::error::eof) << "an orderly end, not a truncation";
  const std::string plain = ask(kGetAndClose);
  EXPECT_EQ(status_of(plain), 200);
  EXPECT_THAT(plain, HasSubstr("X-Tls: no\r\n"));
}

TEST_F(ServerTls, LargeAnswerComesWhole) {
  start();
  const Conversation result = talk_tls("GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(testing::body_of(result.received).size(), 8'000'000U);
}

TEST_F(ServerTls, RefusalIsReadableAndEndsInOrder) {
  start();
  const Conversation result = talk_tls("bad\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(status_of(result.received), 400);
}

TEST_F(ServerTls, PlainHttpIsToldSoWhereOnlyHttpsIsSpoken) {
  options.tls_only = true;
  start();
  const std::string plain = ask(kGet);
  EXPECT_EQ(status_of(plain), 400);
  EXPECT_THAT(plain, HasSubstr("https"));
  EXPECT_THAT(plain, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(handlers_entered, 0);
  EXPECT_EQ(status_of(talk_tls(kGetAndClose).received), 200);
}

TEST_F(ServerTls, HandlerTimeoutIsAnsweredOverTlsToo) {
  start();
  Conversation result;
  asio::co_spawn(
      io, talk(server->port(), client_tls, "GET /cancellable HTTP/1.1\r\nHost: h\r\n\r\n", &result),
      asio::detached);
  ASSERT_TRUE(run_until([&] { return handlers_entered == 1; }));
  pass(std::chrono::seconds{62});
  ASSERT_TRUE(run_until([&] { return result.over; }));
  EXPECT_EQ(status_of(result.received), 503);
}

TEST_F(ServerTls, BrokenOrUnfinishedHandshakeIsClosed) {
  start();
  RawClient broken = connect();
  broken.send("\x16 this is no ClientHello, whatever its first byte says\r\n\r\n");
  broken.finish_sending();
  broken.read_to_end();  // perhaps an alert
  RawClient unfinished = connect();
  unfinished.send("\x16");
  RawClient mute = connect();
  ASSERT_TRUE(run_until([&] { return server->connections() == 2; }));
  pass(std::chrono::seconds{32});
  EXPECT_TRUE(unfinished.is_closed());
  EXPECT_TRUE(mute.is_silent()) << "who has said nothing is idle, not slow";
  pass(std::chrono::seconds{45});
  EXPECT_TRUE(mute.is_closed());
  EXPECT_EQ(handlers_entered, 0);
}

TEST_F(ServerTls, DrainAndDestructorEndEncryptedConnections) {
  start();
  Conversation idle;
  Conversation waiting;
  asio::co_spawn(io, talk(server->port(), client_tls, kGet, &idle), asio::detached);
  asio::co_spawn(
      io, talk(server->port(), client_tls, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n", &waiting),
      asio::detached);
  ASSERT_TRUE(run_until([&] { return handlers_entered == 2 && !idle.received.empty(); }));
  server.reset();
  EXPECT_TRUE(run_until([&] { return idle.over && waiting.over; }));
  EXPECT_EQ(handlers_unwound, 2);
}

}  // namespace
}  // namespace latchkey::http
