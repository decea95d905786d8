#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "http/testing/server_fixture.hpp"

/// How a server ends: by `drain`, and by its destructor at any moment.
namespace latchkey::http {
namespace {

using ::testing::HasSubstr;
using testing::RawClient;
using testing::status_of;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kWait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";

class ServerShutdown : public testing::ServerFixture {
 protected:
  void begin_drain(std::chrono::milliseconds grace) {
    boost::asio::co_spawn(io, server->drain(grace),
                          [this](const std::exception_ptr& problem) { drained = !problem; });
    io.restart();
    io.poll();
  }
  bool drained = false;
};

TEST_F(ServerShutdown, DrainEndsAtOnceWhenNobodyIsConnected) {
  start();
  begin_drain(std::chrono::seconds{10});
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_THROW(connect(), std::runtime_error) << "the port is free again";
}

TEST_F(ServerShutdown, DrainClosesIdleConnectionsAndLetsRequestsEnd) {
  start();
  RawClient idle = connect();
  RawClient busy = connect();
  RawClient sending = connect();
  busy.send(kWait);
  sending.send(kGet.substr(0, 10));
  ASSERT_TRUE(run_until([&] { return handlers_entered == 1 && server->connections() == 3; }));
  ASSERT_TRUE(sending.is_silent());

  begin_drain(std::chrono::seconds{10});
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(busy.is_silent());
  sending.send(kGet.substr(10));
  const std::string answer = sending.read_response();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_FALSE(drained);
  open_gate();
  const std::string late = busy.read_response();
  EXPECT_EQ(status_of(late), 200);
  EXPECT_THAT(late, HasSubstr("Connection: close\r\n"));
  sending.finish_sending();
  busy.finish_sending();
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerShutdown, DrainCancelsWhatStillRunsAfterTheGrace) {
  start();
  RawClient waiting = connect();
  RawClient cancellable = connect();
  RawClient sending = connect();
  waiting.send(kWait);
  cancellable.send("GET /cancellable HTTP/1.1\r\nHost: h\r\n\r\n");
  sending.send("GE");
  ASSERT_TRUE(run_until([&] { return handlers_entered == 2 && server->connections() == 3; }));
  ASSERT_TRUE(sending.is_silent());
  begin_drain(std::chrono::milliseconds{500});
  clock.advance(std::chrono::milliseconds{499});
  EXPECT_TRUE(sending.is_silent());
  EXPECT_FALSE(drained);
  clock.advance(std::chrono::milliseconds{1});
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_EQ(handlers_unwound, 2);
  EXPECT_TRUE(waiting.is_closed());
  EXPECT_TRUE(sending.is_closed());
  EXPECT_EQ(clock.sleepers(), 0U) << "no loop is left behind";
}

TEST_F(ServerShutdown, DestructorIsSafeBeforeAnythingHasRun) {
  start();
  server.reset();
  io.restart();
  io.poll();
  EXPECT_EQ(clock.sleepers(), 0U);
}

TEST_F(ServerShutdown, DestructorUnwindsRunningHandlers) {
  start();
  RawClient waiting = connect();
  RawClient idle = connect();
  waiting.send(kWait);
  ASSERT_TRUE(run_until([&] { return handlers_entered == 1 && server->connections() == 2; }));
  server.reset();
  EXPECT_TRUE(waiting.is_closed());
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(handlers_unwound, 1);
  EXPECT_EQ(clock.sleepers(), 0U);
}

TEST_F(ServerShutdown, DestructorIsSafeAmidADrain) {
  start();
  RawClient waiting = connect();
  waiting.send(kWait);
  ASSERT_TRUE(run_until([&] { return handlers_entered == 1; }));
  begin_drain(std::chrono::seconds{10});
  server.reset();
  EXPECT_TRUE(run_until([&] { return drained; }));
  EXPECT_EQ(handlers_unwound, 1);
}

Task<Response> sleep_long(Clock& clock, int& entered) {
  ++entered;
  co_await clock.sleep_for(std::chrono::hours{1});
  co_return Response{};
}

TEST(ServerAndContext, ContextMayGoWithConnectionsOpen) {
  latchkey::testing::ManualClock clock;
  IoContext io{1};
  int entered = 0;
  ServerOptions options;
  options.name = "test";
  options.addresses = {"127.0.0.1"};
  auto server = Server::listen(
      io.get_executor(), options, [&](const Request&) { return sleep_long(clock, entered); },
      clock);
  ASSERT_TRUE(server);
  RawClient client(io, (*server)->port());
  client.send(kGet);
  ASSERT_TRUE(testing::run_until(io, [&] { return entered == 1; }));
  server->reset();
  // `io` is destroyed with a handler that was never told.
}

}  // namespace
}  // namespace latchkey::http
