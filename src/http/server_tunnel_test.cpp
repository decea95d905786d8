#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include "http/certificate.hpp"
#include "http/testing/server_fixture.hpp"
#include "http/tls_impl.hpp"
#include "http/tunnel.hpp"

/// CONNECT that ends in the server itself.
namespace latchkey::http {
namespace {

namespace asio = boost::asio;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

const std::string kConnect = "CONNECT inside:443 HTTP/1.1\r\nHost: inside:443\r\n\r\n";
const std::string kOldConnect = "CONNECT inside:443 HTTP/1.0\r\n\r\n";
const std::string kGet = "GET /x HTTP/1.1\r\nHost: inside\r\n\r\n";
const std::string kGetAndClose = "GET /x HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n";

/// Says CONNECT, then `bytes` over TLS, and reads up to the end.
Task<> talk_inside(std::uint16_t port, TlsClientContext tls, std::string connect, std::string bytes,
                   std::string* received) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ssl::stream<Socket> stream(executor, tls.impl->context);
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), port);
  co_await stream.next_layer().async_connect(server, use_task);
  const auto outer = asio::buffer(connect);
  co_await asio::async_write(stream.next_layer(), outer, use_task);
  auto answer = asio::dynamic_buffer(*received);
  co_await asio::async_read_until(stream.next_layer(), answer, "\r\n\r\n", use_task);
  co_await stream.async_handshake(asio::ssl::stream_base::client, use_task);
  const auto inner = asio::buffer(bytes);
  co_await asio::async_write(stream, inner, use_task);
  std::string room(4096, '\0');
  const auto space = asio::buffer(room);
  for (boost::system::error_code ending; !ending;) {
    const auto [error, count] = co_await stream.async_read_some(space, use_task_tuple);
    received->append(room, 0, count);
    ending = error;
  }
}

class ServerTunnel : public testing::ServerFixture {
 protected:
  void SetUp() override {
    const auto authority = make_authority("test authority", clock.now(), std::chrono::days{36500});
    const auto made =
        make_server_certificate(authority, {"inside"}, clock.now(), std::chrono::days{36500});
    ASSERT_TRUE(made) << made.error().message;
    auto context = TlsServerContext::from_pem(made->certificate_pem, made->key_pem);
    ASSERT_TRUE(context) << context.error().message;
    auto trusted = TlsClientContext::system_trust(authority.certificate_pem);
    ASSERT_TRUE(trusted) << trusted.error().message;
    trust = *trusted;
    const Tunnel made_tunnel{*context, [](const Request& request) { return inside(request); }};
    tunnel = std::make_shared<const Tunnel>(made_tunnel);
    start([this](const Request& request) { return outside(request); });
  }

  Task<Response> outside(const Request& request) {
    Response response = text_response(200, "outside\n");
    // A handler may offer a tunnel to whatever it likes: only CONNECT gets one.
    response.tunnel = tunnel;
    if (request.target == "other:443") response = text_response(403, "not this one\n");
    co_return response;
  }
  static Task<Response> inside(const Request& request) {
    Response response = text_response(
        200, "inside " + request.target + (request.over_tls ? " by TLS\n" : " in the clear\n"));
    co_return response;
  }

  std::string talk(const std::string& connect, const std::string& bytes) {
    std::string received;
    bool over = false;
    asio::co_spawn(io, talk_inside(server->port(), trust, connect, bytes, &received),
                   [&](const std::exception_ptr& problem) {
                     EXPECT_FALSE(problem);
                     over = true;
                   });
    EXPECT_TRUE(run_until([&] { return over; }));
    return received;
  }

  TlsClientContext trust;
  std::shared_ptr<const Tunnel> tunnel;
};

TEST_F(ServerTunnel, ConnectIsAnsweredWithoutLengthAndTlsFollows) {
  const std::string received = talk(kConnect, kGet + kGetAndClose);
  EXPECT_THAT(received, StartsWith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"));
  EXPECT_THAT(received, EndsWith("inside /x by TLS\n"));
  EXPECT_NE(received.find("inside"), received.rfind("inside")) << "two requests, one connection";
}

TEST_F(ServerTunnel, ConnectByHttp10IsATunnelToo) {
  EXPECT_THAT(talk(kOldConnect, kGetAndClose), EndsWith("inside /x by TLS\n"));
}

TEST_F(ServerTunnel, PlainRequestsInATunnelAreServedAlsoWhenTheyCameEarly) {
  const std::string received = ask(kConnect + kGetAndClose);
  EXPECT_THAT(received, EndsWith("inside /x in the clear\n"));
}

TEST_F(ServerTunnel, OtherMethodsGetNoTunnel) {
  const std::string received = ask(kGetAndClose);
  EXPECT_THAT(received, EndsWith("outside\n"));
}

TEST_F(ServerTunnel, ThereIsNoTunnelInATunnel) {
  const std::string again = "CONNECT deep:443 HTTP/1.1\r\nHost: deep\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(ask(kConnect + again), EndsWith("inside deep:443 in the clear\n"));
}

TEST_F(ServerTunnel, ARefusedConnectLeavesTheConnectionAsItWas) {
  const std::string received =
      ask("CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n" + kGetAndClose);
  EXPECT_THAT(received, HasSubstr("HTTP/1.1 403"));
  EXPECT_THAT(received, EndsWith("outside\n"));
}

TEST_F(ServerTunnel, AnIdleTunnelIsClosed) {
  RawClient client = connect();
  client.send(kConnect);
  EXPECT_THAT(client.read_response(true), HasSubstr("established"));
  pass(std::chrono::seconds{100});
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace latchkey::http
