#include "http/server.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/drop_connection.hpp"
#include "http/testing/server_fixture.hpp"

namespace latchkey::http {
namespace {

using testing::body_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using testing::status_of;

using ServerTest = testing::ServerFixture;

std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

TEST_F(ServerTest, AnswersWithTheFactsOfTheConnectionAndTheDate) {
  start();
  RawClient client = connect();
  client.send(get("/a?b=c"));
  EXPECT_EQ(client.read_response(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Peer: 127.0.0.1\r\n"
            "X-Tls: no\r\nDate: Wed, 15 Apr 2020 16:54:48 GMT\r\nContent-Length: 11\r\n\r\n"
            "GET /a?b=c ");
}

TEST_F(ServerTest, OneConnectionServesManyRequests) {
  start();
  RawClient client = connect();
  for (int i = 0; i < 50; ++i) {
    const std::string target = "/" + std::to_string(i);
    client.send("POST " + target + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(body_of(client.read_response()), "POST " + target + " abc");
  }
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  start();
  RawClient client = connect();
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += get("/" + std::to_string(i));
  client.send(bytes);
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(body_of(client.read_response()), "GET /" + std::to_string(i) + " ");
  }
}

TEST_F(ServerTest, PipelinedAnswerDoesNotWaitForTheNextHandler) {
  start();
  RawClient client = connect();
  client.send(get("/1") + get("/wait"));
  EXPECT_EQ(body_of(client.read_response()), "GET /1 ");
  open_gate();
  EXPECT_EQ(body_of(client.read_response()), "GET /wait ");
}

TEST_F(ServerTest, LargeBodyArrivesWhole) {
  options.limits.body_bytes_max = 3'000'000;
  start();
  const std::string body(3'000'000, 'b');
  RawClient client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + body);
  EXPECT_EQ(body_of(client.read_response()), "PUT / " + body);
}

TEST_F(ServerTest, LargeAnswerReachesASlowReader) {
  start();
  RawClient client = connect();
  client.send(get("/big"));
  EXPECT_EQ(body_of(client.read_response()).size(), 8'000'000U);
  client.send(get("/after"));
  EXPECT_EQ(body_of(client.read_response()), "GET /after ");
}

TEST_F(ServerTest, ChunksGoBothWays) {
  start();
  RawClient client = connect();
  client.send("POST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(client.is_silent());
  client.send("3\r\nabc\r\n2\r\nde\r");
  EXPECT_TRUE(client.is_silent());
  client.send("\n0\r\n\r\n");
  EXPECT_EQ(body_of(client.read_response()), "13\r\nPOST /chunked abcde\r\n0\r\n\r\n");
}

TEST_F(ServerTest, HeadGetsTheLengthWithoutTheBody) {
  start();
  RawClient client = connect();
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b"));
  const std::string head = client.read_response(true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_EQ(body_of(client.read_response()), "GET /b ");
}

TEST_F(ServerTest, AnswerToAMalformedRequestBehindHeadHasItsBody) {
  start();
  RawClient client = connect();
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_response(true);
  client.send("bad\r\n\r\n");
  EXPECT_THAT(body_of(client.read_response()), HasSubstr("not a valid HTTP/1.1 request"));
}

TEST_F(ServerTest, ConnectionEndsWhenTheClientSaysSo) {
  start();
  struct Row {
    std::string bytes;
    std::string expected;
  };
  const Row rows[] = {
      {get("/", "Connection: close\r\n"), "Connection: close\r\n"},
      {get("/", "Connection: x, Close\r\n"), "Connection: close\r\n"},
      {"GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n"},
  };
  for (const auto& [bytes, expected] : rows) {
    const std::string answer = ask(bytes);
    EXPECT_EQ(status_of(answer), 200) << bytes;
    EXPECT_THAT(answer, HasSubstr(expected)) << bytes;
  }
}

TEST_F(ServerTest, OldClientMayKeepItsConnection) {
  start();
  RawClient client = connect();
  for (int i = 0; i < 2; ++i) {
    client.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const std::string answer = client.read_response();
    EXPECT_THAT(answer, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ(body_of(answer), "GET /chunked ");
  }
}

TEST_F(ServerTest, ContinueIsSaidBeforeTheBodyIsRead) {
  start();
  RawClient client = connect();
  const std::string header =
      "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  client.send(header);
  EXPECT_EQ(client.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(body_of(client.read_response()), "PUT / abc");
  client.send(header + "abc");
  EXPECT_EQ(status_of(client.read_response()), 200) << "the body was there: nothing to invite";
}

TEST_F(ServerTest, ExceptionOfAHandlerIsA500AndTheConnectionStays) {
  start();
  RawClient client = connect();
  client.send(get("/throw"));
  const std::string answer = client.read_response();
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_THAT(answer, Not(HasSubstr("defect"))) << "what() is for the log";
  client.send(get("/a"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(ServerTest, ProvisionalStatusOfAHandlerIsA500) {
  start([](const Request&) -> Task<Response> { co_return text_response(100, ""); });
  EXPECT_EQ(status_of(ask(get("/", "Connection: close\r\n"))), 500);
}

TEST_F(ServerTest, WaitingHandlerHoldsUpNobodyElse) {
  start();
  RawClient waiting = connect();
  RawClient other = connect();
  waiting.send(get("/wait"));
  ASSERT_TRUE(run_until([&] { return handlers_entered == 1; }));
  other.send(get("/a"));
  EXPECT_EQ(status_of(other.read_response()), 200);
  EXPECT_TRUE(waiting.is_silent());
  open_gate();
  EXPECT_EQ(body_of(waiting.read_response()), "GET /wait ");
}

TEST_F(ServerTest, ClientThatLeavesIsForgotten) {
  start();
  {
    RawClient between = connect();
    RawClient amid_request = connect();
    amid_request.send("GET / HT");
    ASSERT_TRUE(run_until([&] { return server->connections() == 2; }));
  }
  EXPECT_TRUE(run_until([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, HalfClosedClientStillGetsItsAnswer) {
  start();
  RawClient client = connect();
  client.send(get("/a"));
  client.finish_sending();
  EXPECT_EQ(body_of(client.read_to_end()), "GET /a ");
}

TEST_F(ServerTest, ListensOnIpv4AndIpv6WithOnePort) {
  options.addresses = {"127.0.0.1", "::1"};
  start();
  EXPECT_EQ(status_of(ask(get("/", "Connection: close\r\n"))), 200);
  try {
    RawClient six(io, server->port(), "::1");
    six.send(get("/"));
    EXPECT_THAT(six.read_response(), HasSubstr("X-Peer: ::1\r\n"));
  } catch (const std::runtime_error& error) {
    GTEST_SKIP() << "this machine has no IPv6 loopback: " << error.what();
  }
}

TEST_F(ServerTest, AddressThatThisMachineLacksIsPassedOver) {
  options.addresses = {"192.0.2.1", "127.0.0.1"};
  start();
  EXPECT_EQ(status_of(ask(get("/", "Connection: close\r\n"))), 200);

  options.addresses = {"192.0.2.1"};
  const auto made = Server::listen(io.get_executor(), options, nullptr, clock);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(made.error().message, HasSubstr("192.0.2.1"));
}

TEST_F(ServerTest, TakenPortIsNamedWithTheRemedy) {
  start();
  options.port = server->port();
  const auto made = Server::listen(io.get_executor(), options, nullptr, clock);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(made.error().code, "AddressInUse");
  EXPECT_THAT(made.error().message, HasSubstr("127.0.0.1:" + std::to_string(options.port)));
  EXPECT_THAT(made.error().message, HasSubstr("choose another port"));
}

TEST_F(ServerTest, WhatIsNoAddressIsInvalid) {
  for (const auto& addresses : {std::vector<std::string>{"localhost"}, {}}) {
    options.addresses = addresses;
    const auto made = Server::listen(io.get_executor(), options, nullptr, clock);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument);
  }
}

TEST_F(ServerTest, SeveralServersShareAnExecutor) {
  start();
  const Handler teapot = [](const Request&) -> Task<Response> { co_return text_response(418, ""); };
  auto second = Server::listen(io.get_executor(), options, teapot, clock);
  ASSERT_TRUE(second);
  RawClient to_first = connect();
  RawClient to_second(io, (*second)->port());
  to_first.send(get("/"));
  to_second.send(get("/"));
  EXPECT_EQ(status_of(to_first.read_response()), 200);
  EXPECT_EQ(status_of(to_second.read_response()), 418);
  second->reset();
  EXPECT_TRUE(to_second.is_closed());
  to_first.send(get("/"));
  EXPECT_EQ(status_of(to_first.read_response()), 200);
}

TEST_F(ServerTest, AHandlerMayHaveTheConnectionClosedWithoutAnAnswer) {
  start([](const Request& request) -> Task<Response> {
    if (request.path() == "/drop") throw DropConnection{};
    co_return text_response(200, "answered");
  });
  RawClient client = connect();
  client.send(get("/"));
  EXPECT_EQ(status_of(client.read_response()), 200);
  client.send(get("/drop"));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(ServerTest, AcceptBacksOffWhileDescriptorsAreOutAndRecovers) {
  start();
  RawClient client = connect();
  client.send(get("/"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::dup(0);
  ::close(lowest_free);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // The sweep sleeps on the clock, and now the accept loop as well.
  const bool backs_off = run_until([&] { return clock.sleepers() == 2; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(backs_off);
  EXPECT_TRUE(client.is_silent());
  clock.advance(std::chrono::milliseconds{100});
  EXPECT_EQ(status_of(client.read_response()), 200);
}

}  // namespace
}  // namespace latchkey::http
