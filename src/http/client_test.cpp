#include "http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/testing/fetch.hpp"
#include "http/testing/scripted_server.hpp"

namespace latchkey::http {
namespace {

using testing::Close;
using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ok;
using testing::post;
using testing::ReadHead;
using testing::ReadRequest;
using testing::Reset;
using testing::Script;
using testing::ScriptedServer;
using testing::Send;
using ::testing::StartsWith;

class Client : public ::testing::Test {
 protected:
  ScriptedServer& serve(std::vector<Script> scripts) {
    server_ = std::make_unique<ScriptedServer>(context_.get_executor(), std::move(scripts));
    return *server_;
  }
  Result<Response> fetch(ClientRequest request) {
    return testing::fetch(context_, client_, std::move(request));
  }
  std::string code_of(ClientRequest request) {
    const auto answer = fetch(std::move(request));
    return answer ? "an answer" : answer.error().code;
  }

  IoContext context_;
  SystemClock clock_;
  std::unique_ptr<ScriptedServer> server_;
  PooledClient client_{context_.get_executor(), *TlsClientContext::system_trust(), clock_,
                       PoolOptions{.header_bytes_max = 4096, .body_bytes_max = 1000}};
};

TEST_F(Client, SendsTheRequestAndGivesTheAnswerAsItIs) {
  auto& server = serve(
      {{ReadRequest{}, Send{"HTTP/1.1 404 The specified queue does not exist.\r\n"
                            "x-ms-error-code: QueueNotFound\r\nContent-Length: 4\r\n\r\nbody"}}});
  auto request = post(server.url("/q/messages?ttl=1"), "<xml/>");
  request.headers.add("x-ms-version", "2021-02-12");
  const auto answer = fetch(std::move(request));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->reason, "The specified queue does not exist.");
  EXPECT_EQ(answer->headers.find("x-ms-error-code"), "QueueNotFound");
  EXPECT_EQ(answer->body, "body");
  EXPECT_EQ(server.requests().at(0),
            "POST /q/messages?ttl=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nx-ms-version: 2021-02-12\r\nContent-Length: 6\r\n\r\n"
                "<xml/>");
}

TEST_F(Client, UsesOneConnectionForRequestAfterRequest) {
  auto& server =
      serve({{ReadRequest{}, ok("1"), ReadRequest{},
              Send{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n"
                   "Late: x\r\n\r\n"},
              ReadRequest{}, Send{"HTTP/1.1 204 No Content\r\n\r\n"}, ReadRequest{}, ok("4")}});
  for (const char* body : {"1", "2", "", "4"}) {
    const auto answer = fetch(get(server.url("/")));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, body);
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Client, DoesNotReuseAConnectionThatTheAnswerEnds) {
  auto& server = serve(
      {{ReadRequest{}, Send{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"}},
       {ReadRequest{}, Send{"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"}},
       {ReadRequest{}, Send{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nleft over"}},
       {ReadRequest{}, Send{"HTTP/1.1 200 OK\r\n\r\nuntil the end"}, Close{}},
       {ReadRequest{}, ok("fresh")}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fetch(get(server.url("/"))).has_value());
  EXPECT_EQ(fetch(get(server.url("/")))->body, "until the end");
  EXPECT_EQ(fetch(get(server.url("/")))->body, "fresh");
  EXPECT_EQ(server.connections(), 5U);
}

TEST_F(Client, DoesNotReuseAnIdleConnectionOnWhichSomethingCame) {
  // A server's "408 Request Timeout" that nobody asked for, and a plain close. Both lie there
  // before the next request begins, so even a POST is safe to send on a new connection.
  auto& server = serve(
      {{ReadRequest{}, ok("1"), testing::Hold{}, Send{"HTTP/1.1 408 Timeout\r\n"}, ReadRequest{}},
       {ReadRequest{}, ok("2"), testing::Hold{}, Close{}},
       {ReadRequest{}, ok("3")}});
  for (const char* body : {"1", "2", "3"}) {
    const auto answer = fetch(post(server.url("/"), "x"));
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, body);
    server.release();
    context_.poll();
    context_.restart();
  }
  EXPECT_EQ(server.connections(), 3U);
}

TEST_F(Client, SendsAgainWhenAKeptAliveConnectionDiesAndThatIsSafe) {
  struct Row {
    Method method;
    std::optional<bool> replayable;
    bool sent_again;
  };
  const Row rows[] = {
      {Method::get, std::nullopt, true},   {Method::put, std::nullopt, true},
      {Method::post, std::nullopt, false}, {Method::post, true, true},
      {Method::get, false, false},
  };
  for (const testing::Step& end : {testing::Step(Close{}), testing::Step(Reset{})}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(to_string(row.method));
      auto& server =
          serve({{ReadRequest{}, ok("1"), ReadRequest{}, end}, {ReadRequest{}, ok("2")}});
      ASSERT_TRUE(fetch(get(server.url("/"))).has_value());
      auto request = post(server.url("/again"), std::string(20'000, 'x'));
      request.method = row.method;
      request.replayable = row.replayable;
      const auto answer = fetch(std::move(request));
      ASSERT_EQ(answer.has_value(), row.sent_again);
      if (row.sent_again) {
        EXPECT_EQ(answer->body, "2");
        EXPECT_EQ(server.requests().at(1), server.requests().at(2));
      } else {
        EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
        EXPECT_EQ(answer.error().code, "ConnectionReset");
        EXPECT_EQ(server.requests().size(), 2U);
      }
      client_.close_idle();
    }
  }
}

TEST_F(Client, SendsAgainOnlyOnce) {
  auto& server =
      serve({{ReadRequest{}, ok("1"), ReadRequest{}, Close{}}, {ReadRequest{}, Close{}}});
  ASSERT_TRUE(fetch(get(server.url("/"))).has_value());
  EXPECT_EQ(code_of(get(server.url("/"))), "ConnectionReset");
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(Client, DoesNotSendAgainOnceAnAnswerHasBegun) {
  auto& server = serve({{ReadRequest{}, ok("1"), ReadRequest{}, Send{"HTTP/1.1 2"}, Close{}}});
  ASSERT_TRUE(fetch(get(server.url("/"))).has_value());
  EXPECT_EQ(code_of(get(server.url("/"))), "AnswerCutShort");
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Client, DoesNotSendAgainOnAFreshConnection) {
  auto& server = serve({{ReadRequest{}, Close{}}});
  EXPECT_EQ(code_of(get(server.url("/"))), "ConnectionReset");
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Client, SaysWhatWasWrongWithAnAnswer) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  struct Row {
    std::string sent;
    ErrorKind kind;
    const char* code;
  };
  const Row rows[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::protocol, "MalformedAnswer"},
      {head + "Content-Length: x\r\n\r\n", ErrorKind::protocol, "MalformedAnswer"},
      {head + "A: " + std::string(5000, 'x'), ErrorKind::protocol, "AnswerTooLarge"},
      {head + "Content-Length: 1001\r\n\r\n", ErrorKind::protocol, "AnswerTooLarge"},
      {head + "\r\n" + std::string(1001, 'x'), ErrorKind::protocol, "AnswerTooLarge"},
      {head + "Content-Length: 5\r\n\r\nhell", ErrorKind::unavailable, "AnswerCutShort"},
      {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", ErrorKind::unavailable,
       "AnswerCutShort"},
      {head, ErrorKind::unavailable, "AnswerCutShort"},
      {"", ErrorKind::unavailable, "ConnectionReset"},
  };
  for (const auto& row : rows) {
    auto& server = serve({{ReadRequest{}, Send{row.sent}, Close{}}});
    auto request = get(server.url("/path?sig=hidden"));
    request.headers.add("Authorization", "hidden");
    const auto answer = fetch(std::move(request));
    ASSERT_FALSE(answer.has_value()) << row.sent;
    EXPECT_EQ(answer.error().kind, row.kind) << row.sent;
    EXPECT_EQ(answer.error().code, row.code) << row.sent;
    EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1:" + std::to_string(server.port())));
    EXPECT_THAT(answer.error().message, Not(HasSubstr("hidden")));
  }
}

TEST_F(Client, SkipsInterimAnswersAndBodilessOnes) {
  auto& server =
      serve({{ReadRequest{}, Send{"HTTP/1.1 100 Continue\r\n\r\n"}, ok("1"), ReadRequest{},
              Send{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"}, ReadRequest{}, ok("3")}});
  EXPECT_EQ(fetch(get(server.url("/")))->body, "1");
  auto head = get(server.url("/"));
  head.method = Method::head;
  const auto answer = fetch(std::move(head));
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(answer->headers.find("Content-Length"), "1000");
  EXPECT_EQ(fetch(get(server.url("/")))->body, "3");
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Client, SendsBodiesOfAllSizesWithAndWithoutChunks) {
  auto& server = serve({{ReadRequest{}, ok(""), ReadRequest{}, ok(""), ReadRequest{}, ok(""),
                         ReadRequest{}, ok(""), ReadRequest{}, ok("")}});
  const std::string large(300'000, 'x');
  for (const bool chunked : {false, true}) {
    for (const auto& body : {std::string("small"), large}) {
      auto request = post(server.url("/"), body);
      request.chunked = chunked;
      ASSERT_TRUE(fetch(std::move(request)).has_value());
    }
  }
  auto empty = post(server.url("/"), "");
  empty.chunked = true;
  ASSERT_TRUE(fetch(std::move(empty)).has_value());
  const auto body_of = [](const std::string& text) {
    return text.substr(text.find("\r\n\r\n") + 4);
  };
  EXPECT_EQ(body_of(server.requests().at(0)), "small");
  EXPECT_EQ(body_of(server.requests().at(1)), large);
  EXPECT_EQ(body_of(server.requests().at(2)), "5\r\nsmall\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(server.requests().at(3)), "493e0\r\n" + large + "\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(server.requests().at(4)), "0\r\n\r\n");
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(Client, TakesAnAnswerThatComesBeforeTheBodyIsSent) {
  // The server reads no more after the head: the body can never be written to its end.
  auto& server = serve({{ReadHead{}, Send{"HTTP/1.1 413 Content Too Large\r\n"
                                          "Content-Length: 3\r\n\r\nbig"}},
                        {ReadRequest{}, ok("fresh")}});
  const auto answer = fetch(post(server.url("/"), std::string(64 * 1024 * 1024, 'x')));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "big");
  EXPECT_EQ(fetch(get(server.url("/")))->body, "fresh");
}

TEST_F(Client, RefusesRequestsThatCannotBeWritten) {
  auto request = get("http://127.0.0.1:1/");
  request.headers.add("A", "b\r\nC: d");
  EXPECT_EQ(code_of(std::move(request)), "InvalidRequest");
}

TEST_F(Client, ResolvesNamesUnderLocalhostWithoutAskingAnybody) {
  auto& server = serve({{ReadRequest{}, ok("")}});
  for (const char* host : {"localhost", "devacc.queue.localhost", "LOCALHOST"}) {
    EXPECT_TRUE(fetch(get(server.url("/", "http", host))).has_value()) << host;
    client_.close_idle();
  }
  EXPECT_THAT(server.requests().at(1), HasSubstr("Host: devacc.queue.localhost:"));
}

TEST_F(Client, TriesTheNextAddressWhenOneRefuses) {
  try {
    server_ = std::make_unique<ScriptedServer>(
        context_.get_executor(), std::vector<Script>{{ReadRequest{}, ok("six")}}, "::1");
  } catch (const boost::system::system_error&) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  const auto answer = fetch(get(server_->url("/", "http", "localhost")));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "six");
  EXPECT_TRUE(fetch(get(server_->url("/", "http", "[::1]"))).has_value());
}

TEST_F(Client, SaysWhoCannotBeReached) {
  std::uint16_t port = 0;
  {
    ScriptedServer gone(context_.get_executor(), {{}});
    port = gone.port();
  }
  const std::string peer = "127.0.0.1:" + std::to_string(port);
  const auto refused = fetch(get("http://" + peer + "/?sig=hidden"));
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "ConnectionRefused");
  EXPECT_THAT(refused.error().message, StartsWith(peer + " refused the connection"));

  const auto unknown = fetch(get("http://no-such-name.invalid/"));
  EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(unknown.error().code, "NameNotFound");
  EXPECT_THAT(unknown.error().message, HasSubstr("no-such-name.invalid:80"));
}

}  // namespace
}  // namespace latchkey::http
