#include <gmock/gmock.h>

#include "http/testing/server_fixture.hpp"

/// What the server refuses, over real sockets: each with its status, after which the connection
/// ends in order, so that the client can read why.
namespace latchkey::http {
namespace {

using ::testing::HasSubstr;
using testing::RawClient;
using testing::status_of;

using ServerRefusal = testing::ServerFixture;

struct Row {
  std::string name;
  std::string bytes;
  int status;
};

std::vector<Row> rows() {
  const std::string nul(1, '\0');
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  std::string many_fields;
  for (int i = 0; i < 9000; ++i) many_fields += "a:b\r\n";
  return {
      {"no HTTP at all", "hello\r\n\r\n", 400},
      {"TLS on a plain port", "\x16\x03\x01\x02" + nul + "\x01\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"length beside coding", post + chunked + "Content-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"coding beside length", post + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n", 400},
      {"same length twice", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"length list", post + "Content-Length: 1,1\r\n\r\na", 400},
      {"malformed length", post + "Content-Length: 1a\r\n\r\na", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"bare LF in the header", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
      {"bare CR", get + "A: b\rC: d\r\n\r\n", 400},
      {"blank before the colon", get + "A : b\r\n\r\n", 400},
      {"folding", get + "A: b\r\n c\r\n\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get + "Host: i\r\n\r\n", 400},
      {"NUL", get + "A: " + nul + "\r\n\r\n", 400},
      {"chunked on HTTP/1.0", "POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", 400},
      {"malformed chunk", post + chunked + "\r\nzz\r\n\r\n", 400},
      {"unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"coding behind chunked", post + "Transfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {"unknown expectation", post + "Expect: more\r\nContent-Length: 1\r\n\r\n", 417},
      {"body too large", post + "Content-Length: 1048577\r\n\r\n", 413},
      {"body too large, asked", post + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
       413},
      {"chunk too large", post + chunked + "\r\n100001\r\nabc", 413},
      {"target too long", "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"line without end", std::string(40'000, 'a'), 414},
      {"field too large", get + "A: " + std::string(40'000, 'a') + "\r\n\r\n", 431},
      {"too many fields", get + many_fields + "\r\n", 431},
  };
}

TEST_F(ServerRefusal, HasItsStatusAndEndsTheConnectionInOrder) {
  start();
  for (const Row& row : rows()) {
    RawClient client = connect();
    client.send(row.bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(answer), row.status) << row.name << ": " << answer;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n")) << row.name;
    EXPECT_THAT(answer, HasSubstr("\r\nDate: ")) << row.name;
    EXPECT_EQ(answer.find("\nHTTP/1.1 "), std::string::npos) << row.name << ": a second answer";
    EXPECT_FALSE(client.was_reset()) << row.name;
  }
  EXPECT_EQ(handlers_entered, 0);
}

TEST_F(ServerRefusal, IsReadableForAClientThatIsStillSending) {
  start();
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(3'000'000, 'x'));
  EXPECT_EQ(status_of(client.read_response()), 413);
  client.finish_sending();
  EXPECT_TRUE(client.is_closed());
  EXPECT_FALSE(client.was_reset());
}

TEST_F(ServerRefusal, ClientThatNeverStopsSendingIsLeft) {
  start();
  RawClient client = connect();
  client.send("bad\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), 400);
  pass(std::chrono::seconds{5});
  EXPECT_TRUE(run_until([&] { return server->connections() == 0; }));
}

TEST_F(ServerRefusal, ComesWithThe408WhenARequestIsTooSlow) {
  start();
  for (const std::string begun : {"G", "GET / HTTP/1.1\r\nHost: h\r\n",
                                  "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"}) {
    RawClient client = connect();
    client.send(begun);
    ASSERT_TRUE(client.is_silent());
    pass(std::chrono::seconds{20});
    client.send("a");  // a byte now and then does not buy time
    ASSERT_TRUE(client.is_silent()) << begun;
    pass(std::chrono::seconds{10});
    ASSERT_TRUE(client.is_silent()) << "not before its time: " << begun;
    pass(std::chrono::seconds{2});
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(answer), 408) << begun;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
}

TEST_F(ServerRefusal, SlowBodyBehindContinueIsTooSlowAsWell) {
  start();
  RawClient client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), 100);
  pass(std::chrono::seconds{32});
  EXPECT_EQ(status_of(client.read_response()), 408);
}

TEST_F(ServerRefusal, IdleConnectionIsClosedWithoutAWord) {
  start();
  RawClient fresh = connect();
  RawClient used = connect();
  used.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(used.read_response()), 200);
  ASSERT_TRUE(run_until([&] { return server->connections() == 2; }));
  pass(std::chrono::seconds{75});
  EXPECT_TRUE(fresh.is_silent());
  EXPECT_TRUE(used.is_silent());
  pass(std::chrono::seconds{2});
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(used.is_closed());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerRefusal, HandlerThatTakesTooLongIsCancelledAndAnsweredFor) {
  start();
  for (const std::string path : {"/wait", "/cancellable"}) {
    RawClient client = connect();
    client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(client.is_silent());
    pass(std::chrono::seconds{60});
    ASSERT_TRUE(client.is_silent());
    pass(std::chrono::seconds{2});
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_of(answer), 503) << path;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  }
  EXPECT_EQ(handlers_unwound, 2);
}

TEST_F(ServerRefusal, ClientThatDoesNotReadItsAnswerIsLeft) {
  start();
  RawClient client = connect();
  client.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return handlers_unwound == 1; }));
  pass(std::chrono::seconds{32});
  EXPECT_TRUE(run_until([&] { return server->connections() == 0; }));
}

TEST_F(ServerRefusal, TooManyConnectionsAreToldToComeBack) {
  options.limits.connections_max = 2;
  start();
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  {
    RawClient first = connect();
    RawClient second = connect();
    ASSERT_TRUE(run_until([&] { return server->connections() == 2; }));
    RawClient third = connect();
    third.send(get);
    const std::string answer = third.read_to_end();
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    first.send(get);
    EXPECT_EQ(status_of(first.read_response()), 200);
  }
  ASSERT_TRUE(run_until([&] { return server->connections() == 0; }));
  RawClient later = connect();
  later.send(get);
  EXPECT_EQ(status_of(later.read_response()), 200);
}

TEST_F(ServerRefusal, FloodOfConnectionsIsBounded) {
  options.limits.connections_max = 1;
  start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<RawClient>(io, server->port()));
  }
  EXPECT_TRUE(clients.back()->is_closed()) << "closed unheard";
  EXPECT_EQ(server->connections(), 65U);
  pass(std::chrono::seconds{8});
  EXPECT_EQ(server->connections(), 1U) << "those without a place may not stay";
}

}  // namespace
}  // namespace latchkey::http
