#include "http/client_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include "base/testing/manual_clock.hpp"
#include "http/testing/fetch.hpp"
#include "http/testing/scripted_server.hpp"

namespace latchkey::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::fetch_into;
using testing::get;
using ::testing::HasSubstr;
using testing::Hold;
using testing::ok;
using testing::ReadRequest;
using testing::Script;
using testing::ScriptedServer;
using testing::Send;

/// Sends and notes under which name the answer came.
Task<> fetch_and_note(HttpClient& client, ClientRequest request, std::vector<std::string>& notes) {
  const std::string name = request.url.path;
  const auto answer = co_await client.send(std::move(request));
  notes.push_back(name + (answer ? "" : " " + answer.error().code));
}

/// Lets everything that is ready run, a few times over.
Task<> let_others_run(Executor executor) {
  for (int i = 0; i < 20; ++i) co_await boost::asio::post(executor, use_task);
}

class Pool : public ::testing::Test {
 public:
  void start(PoolOptions options, std::vector<Script> scripts) {
    client_.reset();
    server_ = std::make_unique<ScriptedServer>(context_.get_executor(), std::move(scripts));
    client_ = std::make_unique<PooledClient>(context_.get_executor(), tls_, clock_, options);
  }
  Result<Response> fetch(ClientRequest request) {
    return testing::fetch(context_, *client_, std::move(request));
  }
  ClientRequest to(std::string_view path) { return get(server_->url(path)); }
  /// Runs the call that is described until `requests` have been read, lets `by` pass, and awaits
  /// the outcome.
  Result<Response> fetch_while_time_passes(ClientRequest request, std::size_t requests,
                                           milliseconds by) {
    Result<Response> answer = fail(Error{});
    run_to_end(context_, pass_time(*this, std::move(request), requests, by, answer));
    return answer;
  }
  static Task<> pass_time(Pool& self, ClientRequest request, std::size_t requests, milliseconds by,
                          Result<Response>& answer) {
    TaskGroup group(self.context_.get_executor());
    group.spawn("call", fetch_into(*self.client_, std::move(request), answer));
    co_await self.server_->requests_read(requests);
    co_await let_others_run(self.context_.get_executor());
    self.clock_.advance(by);
    co_await group.join();
  }

  /// Ends when the client has looked at its deadlines: a call without any time is over by then.
  /// It goes to another host (by name), to a script that stays silent.
  static Task<> deadlines_looked_at(Pool& self) {
    auto request = get(self.server_->url("/silent", "http", "localhost"));
    request.timeout = milliseconds(0);
    const auto answer = co_await self.client_->send(std::move(request));
    EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
    co_await let_others_run(self.context_.get_executor());
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  TlsClientContext tls_ = *TlsClientContext::system_trust();
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<PooledClient> client_;
};

TEST_F(Pool, OpensNoMoreConnectionsThanAllowedAndServesInOrder) {
  start({.connections_per_host_max = 2},
        {{ReadRequest{}, Hold{}, ok(""), ReadRequest{}, ok(""), ReadRequest{}, ok("")}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    for (const char* path : {"/1", "/2", "/3", "/4", "/5"}) {
      group.spawn("call", fetch_and_note(*self.client_, self.to(path), notes));
    }
    co_await self.server_->requests_read(2);
    co_await let_others_run(self.context_.get_executor());
    EXPECT_TRUE(notes.empty());
    self.server_->release();
    self.server_->release();
    co_await group.join();
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_EQ(notes.size(), 5U);
  EXPECT_EQ(server_->connections(), 2U);
  std::vector<std::string> order;
  for (const auto& request : server_->requests()) order.push_back(request.substr(4, 2));
  std::sort(order.begin(), order.begin() + 2);  // The first two connect beside each other.
  EXPECT_THAT(order, ElementsAre("/1", "/2", "/3", "/4", "/5"));
}

TEST_F(Pool, HandsAFreedPlaceOnWhenTheConnectionCannotBeUsedAgain) {
  const Send last{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"};
  start({.connections_per_host_max = 1}, {{ReadRequest{}, last}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    for (const char* path : {"/1", "/2", "/3"}) {
      group.spawn("call", fetch_and_note(*self.client_, self.to(path), notes));
    }
    co_await group.join();
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_THAT(notes, ElementsAre("/1", "/2", "/3"));
  EXPECT_EQ(server_->connections(), 3U);
}

TEST_F(Pool, AWaiterGivesUpInTimeAndTheNextOneIsServed) {
  start({.connections_per_host_max = 1}, {{ReadRequest{}, Hold{}, ok(""), ReadRequest{}, ok("")}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    TaskGroup impatient(self.context_.get_executor());
    group.spawn("call", fetch_and_note(*self.client_, self.to("/1"), notes));
    co_await self.server_->requests_read(1);
    auto request = self.to("/2");
    request.timeout = seconds(1);
    impatient.spawn("call", fetch_and_note(*self.client_, std::move(request), notes));
    group.spawn("call", fetch_and_note(*self.client_, self.to("/3"), notes));
    co_await let_others_run(self.context_.get_executor());
    self.clock_.advance(seconds(2));
    co_await impatient.join();
    self.server_->release();
    co_await group.join();
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_THAT(notes, ElementsAre("/2 PoolTimeout", "/1", "/3"));
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(Pool, AWaiterThatIsCancelledLeavesTheLine) {
  start({.connections_per_host_max = 1}, {{ReadRequest{}, Hold{}, ok(""), ReadRequest{}, ok("")}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    TaskGroup cancelled(self.context_.get_executor());
    group.spawn("call", fetch_and_note(*self.client_, self.to("/1"), notes));
    co_await self.server_->requests_read(1);
    cancelled.spawn("call", fetch_and_note(*self.client_, self.to("/2"), notes));
    group.spawn("call", fetch_and_note(*self.client_, self.to("/3"), notes));
    co_await let_others_run(self.context_.get_executor());
    cancelled.cancel();
    co_await cancelled.join();
    self.server_->release();
    co_await group.join();
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_THAT(notes, ElementsAre("/1", "/3"));
}

TEST_F(Pool, ACancelledExchangeGivesItsPlaceBack) {
  start({.connections_per_host_max = 1}, {{ReadRequest{}}, {ReadRequest{}, ok("2")}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup cancelled(self.context_.get_executor());
    cancelled.spawn("call", fetch_and_note(*self.client_, self.to("/1"), notes));
    co_await self.server_->requests_read(1);
    co_await let_others_run(self.context_.get_executor());
    cancelled.cancel();
    co_await cancelled.join();
    co_await fetch_and_note(*self.client_, self.to("/2"), notes);
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_THAT(notes, ElementsAre("/2"));
}

TEST_F(Pool, UsesTheConnectionThatWasUsedLast) {
  start({}, {{ReadRequest{}, Hold{}, ok("a"), ReadRequest{}, ok("a again")},
             {ReadRequest{}, ok("b"), ReadRequest{}, ok("b again")}});
  const auto body = [](Pool& self) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    std::vector<std::string> notes;
    group.spawn("call", fetch_and_note(*self.client_, self.to("/a"), notes));
    co_await self.server_->requests_read(1);
    co_await fetch_and_note(*self.client_, self.to("/b"), notes);
    self.server_->release();
    co_await group.join();
  };
  run_to_end(context_, body(*this));
  EXPECT_EQ(fetch(to("/"))->body, "a again");
}

TEST_F(Pool, KeepsNoMoreIdleConnectionsThanAllowed) {
  start({.idle_per_host_max = 0}, {{ReadRequest{}, ok("")}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fetch(to("/")).has_value());
  EXPECT_EQ(server_->connections(), 3U);
}

TEST_F(Pool, DoesNotUseAConnectionThatWasIdleForTooLong) {
  start({.idle_timeout = seconds(50)},
        {{ReadRequest{}, ok("1"), ReadRequest{}, ok("2"), ReadRequest{}, ok("3")}});
  EXPECT_EQ(fetch(to("/"))->body, "1");
  clock_.advance(seconds(49));
  EXPECT_EQ(fetch(to("/"))->body, "2");
  clock_.advance(seconds(51));
  EXPECT_EQ(fetch(to("/"))->body, "1");
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_F(Pool, ClosesIdleConnectionsWhenToldTo) {
  start({}, {{ReadRequest{}, ok(""), ReadRequest{}}});
  EXPECT_TRUE(fetch(to("/")).has_value());
  EXPECT_EQ(server_->connections_left(), 0U);
  client_->close_idle();
  run_to_end(context_, let_others_run(context_.get_executor()));
  EXPECT_EQ(server_->connections_left(), 1U);
  EXPECT_TRUE(fetch(to("/")).has_value());
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_F(Pool, ClosesOldIdleConnectionsWhileOtherCallsRun) {
  start({.idle_timeout = seconds(50)}, {{ReadRequest{}, ok(""), ReadRequest{}}, {ReadRequest{}}});
  EXPECT_TRUE(fetch(to("/")).has_value());
  clock_.advance(seconds(49));
  run_to_end(context_, deadlines_looked_at(*this));
  EXPECT_EQ(server_->connections_left(), 0U);
  clock_.advance(seconds(2));
  run_to_end(context_, deadlines_looked_at(*this));
  EXPECT_EQ(server_->connections_left(), 1U);
}

TEST_F(Pool, SilenceAndHalfAnswersEndAtTheDeadline) {
  for (const char* sent : {"", "HTTP/1.1 200 OK\r\nContent-Le",
                           "HTTP/1.1 200 OK\r\nContent-Length: "
                           "5\r\n\r\nhell"}) {
    start({}, {{ReadRequest{}, Send{sent}}});
    auto request = to("/?sig=hidden");
    request.timeout = seconds(30);
    const auto answer = fetch_while_time_passes(std::move(request), 1, seconds(31));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
    EXPECT_EQ(answer.error().code, "ResponseTimeout");
    EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1:"));
    EXPECT_THAT(answer.error().message, ::testing::Not(HasSubstr("hidden")));
  }
}

TEST_F(Pool, TheDeadlineCountsFromTheCallAndNotEarlier) {
  start({}, {{ReadRequest{}, Hold{}, ok("in time")}, {ReadRequest{}}});
  const auto body = [](Pool& self, Result<Response>& answer) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    group.spawn("call", fetch_into(*self.client_, self.to("/"), answer));
    co_await self.server_->requests_read(1);
    self.clock_.advance(seconds(29));
    co_await deadlines_looked_at(self);
    self.server_->release();
    co_await group.join();
  };
  Result<Response> answer = fail(Error{});
  run_to_end(context_, body(*this, answer));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "in time");
}

TEST_F(Pool, AConnectionThatIsNotSetUpInTimeIsAConnectTimeout) {
  // The server takes the connection, and keeps silent where it should shake hands.
  start({}, {{testing::ReadHead{}}});
  for (const bool own_timeout : {true, false}) {
    auto request = get(server_->url("/", "https"));
    request.timeout = own_timeout ? seconds(30) : seconds(1);
    if (own_timeout) request.connect_timeout = seconds(1);
    const auto answer = fetch_while_time_passes(std::move(request), 0, seconds(2));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
    EXPECT_EQ(answer.error().code, "ConnectTimeout");
  }
}

TEST_F(Pool, TheConnectTimeoutEndsWithConnecting) {
  start({}, {{ReadRequest{}, Hold{}, ok("late")}, {ReadRequest{}}});
  const auto body = [](Pool& self, Result<Response>& answer) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    auto request = self.to("/");
    request.connect_timeout = seconds(1);
    group.spawn("call", fetch_into(*self.client_, std::move(request), answer));
    co_await self.server_->requests_read(1);
    self.clock_.advance(seconds(5));
    co_await deadlines_looked_at(self);
    self.server_->release();
    co_await group.join();
  };
  Result<Response> answer = fail(Error{});
  run_to_end(context_, body(*this, answer));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
}

TEST_F(Pool, TheClientMayGoWhileCallsRunAndWait) {
  start({.connections_per_host_max = 1}, {{ReadRequest{}}});
  const auto body = [](Pool& self, std::vector<std::string>& notes) -> Task<> {
    TaskGroup group(self.context_.get_executor());
    group.spawn("call", fetch_and_note(*self.client_, self.to("/running"), notes));
    group.spawn("call", fetch_and_note(*self.client_, self.to("/waiting"), notes));
    co_await self.server_->requests_read(1);
    co_await let_others_run(self.context_.get_executor());
    self.client_.reset();
    co_await group.join();
  };
  std::vector<std::string> notes;
  run_to_end(context_, body(*this, notes));
  EXPECT_THAT(notes,
              ::testing::UnorderedElementsAre("/running ClientClosed", "/waiting ClientClosed"));
}

TEST_F(Pool, TheContextMayGoWhileCallsRun) {
  auto context = std::make_unique<IoContext>();
  auto server = std::make_unique<ScriptedServer>(context->get_executor(),
                                                 std::vector<Script>{{ReadRequest{}}});
  auto client = std::make_unique<PooledClient>(context->get_executor(), tls_, clock_,
                                               PoolOptions{.connections_per_host_max = 1});
  std::vector<std::string> notes;
  TaskGroup group(context->get_executor());
  group.spawn("call", fetch_and_note(*client, get(server->url("/1")), notes));
  group.spawn("call", fetch_and_note(*client, get(server->url("/2")), notes));
  while (server->requests().empty()) context->run_one();
  client.reset();
  server.reset();
  context->stop();  // With it go, at the end of this test, both calls as they stand.
  EXPECT_TRUE(notes.empty());
}

TEST_F(Pool, NothingKeepsTheContextAliveOnceNothingRuns) {
  start({}, {{ReadRequest{}, ok("")}});
  EXPECT_TRUE(fetch(to("/")).has_value());
  server_.reset();
  const auto begun = std::chrono::steady_clock::now();
  context_.run_for(seconds(20));
  EXPECT_TRUE(context_.stopped()) << "something still waits";
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

}  // namespace
}  // namespace latchkey::http
