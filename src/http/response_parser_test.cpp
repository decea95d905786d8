#include "http/response_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace latchkey::http {
namespace {

constexpr ResponseParser::Limits kLimits{.header_bytes_max = 256, .body_bytes_max = 64};

struct Parsed {
  Response response;
  bool done = false;
  bool keep_alive = false;
  std::string rest;
  std::string error;  ///< the code
};

/// Feeds `bytes` in pieces of `step`, keeping what the parser did not take, as a connection does.
Parsed parse(std::string_view bytes, std::size_t step, Method method = Method::get,
             bool closes = false) {
  ResponseParser parser(kLimits);
  parser.begin(method);
  Parsed out;
  while (!bytes.empty() && !parser.done()) {
    const auto piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    out.rest += piece;
    const auto taken = parser.feed(out.rest);
    if (!taken) {
      out.error = taken.error().code;
      return out;
    }
    out.rest.erase(0, *taken);
  }
  if (closes && !parser.done()) {
    const auto ended = parser.end_of_stream();
    if (!ended) out.error = ended.error().code;
  }
  out.rest += bytes;
  out.done = parser.done();
  if (out.done) {
    out.keep_alive = parser.keep_alive();
    out.response = parser.take();
  }
  return out;
}

/// In one piece and byte by byte must come to the same.
void expect_body(std::string_view bytes, std::string_view body, Method method = Method::get,
                 bool closes = false) {
  for (const std::size_t step : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    const auto parsed = parse(bytes, step, method, closes);
    EXPECT_EQ(parsed.error, "") << bytes;
    EXPECT_TRUE(parsed.done) << bytes;
    EXPECT_EQ(parsed.response.body, body) << bytes;
    EXPECT_EQ(parsed.rest, "") << bytes;
  }
}

TEST(ResponseParser, ReadsStatusReasonAndFields) {
  const auto parsed = parse(
      "HTTP/1.1 404 The specified queue does not exist.\r\nx-ms-error-code: QueueNotFound\r\n"
      "A: 1\r\na:  2 \r\nContent-Length: 0\r\n\r\n",
      1000);
  ASSERT_TRUE(parsed.done);
  EXPECT_EQ(parsed.response.status, 404);
  EXPECT_EQ(parsed.response.reason, "The specified queue does not exist.");
  EXPECT_EQ(parsed.response.headers.find("X-MS-Error-Code"), "QueueNotFound");
  EXPECT_EQ(parsed.response.headers.count("a"), 2U);
  EXPECT_EQ(parsed.response.headers.find("A"), "1");
}

TEST(ResponseParser, ReadsBodiesHoweverTheyAreFramedAndCut) {
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello");
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
  expect_body("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok");
  expect_body(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
      "hello");
  expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "");
  expect_body("HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", Method::get, true);
  expect_body("HTTP/1.0 200 OK\r\n\r\n", "", Method::get, true);
}

TEST(ResponseParser, DropsTrailers) {
  const auto parsed = parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Late: 1\r\n\r\n", 3);
  ASSERT_TRUE(parsed.done);
  EXPECT_EQ(parsed.response.body, "ab");
  EXPECT_FALSE(parsed.response.headers.contains("X-Late"));
  EXPECT_TRUE(parsed.keep_alive);
}

TEST(ResponseParser, KnowsWhereNoBodyFollows) {
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", Method::head);
  expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", Method::head);
  expect_body("HTTP/1.1 200 Connection established\r\n\r\n", "", Method::connect);
  expect_body("HTTP/1.1 204 No Content\r\n\r\n", "");
  expect_body("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "");
}

TEST(ResponseParser, SkipsInterimAnswers) {
  expect_body(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      "x");
  const auto parsed =
      parse("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 1000);
  EXPECT_FALSE(parsed.response.headers.contains("Link"));
  std::string endless;
  for (int i = 0; i < 17; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(parse(endless, 25).error, "MalformedAnswer");
}

TEST(ResponseParser, LeavesWhatFollowsTheAnswer) {
  const auto parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1", 1000);
  EXPECT_TRUE(parsed.done);
  EXPECT_EQ(parsed.rest, "HTTP/1.1");
}

TEST(ResponseParser, KnowsWhetherTheConnectionStaysUsable) {
  struct Row {
    const char* bytes;
    bool keep_alive;
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
      {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\n\r\n", false},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false},
  };
  for (const auto& row : rows) {
    const auto parsed = parse(row.bytes, 1000, Method::get, true);
    ASSERT_TRUE(parsed.done) << row.bytes;
    EXPECT_EQ(parsed.keep_alive, row.keep_alive) << row.bytes;
  }
}

TEST(ResponseParser, RefusesWhatIsNotWellFormed) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 Odd\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"}) {
    EXPECT_EQ(parse(bytes, 1000).error, "MalformedAnswer") << bytes;
    EXPECT_EQ(parse(bytes, 1).error, "MalformedAnswer") << bytes;
  }
}

TEST(ResponseParser, LimitsHeaderBodyChunkLinesAndTrailers) {
  const std::string much(400, 'x');
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (const auto& bytes :
       {head + "A: " + much + "\r\n\r\n", "HTTP/1.1 200 " + much + "\r\n\r\n",
        head + "Content-Length: 65\r\n\r\n", head + "\r\n" + much.substr(0, 65),
        chunked + "41\r\nxyz", chunked + "40\r\n" + much.substr(0, 64) + "\r\n1\r\nx\r\n",
        chunked + "1;" + much, chunked + "0\r\nA: " + much}) {
    EXPECT_EQ(parse(bytes, 1000).error, "AnswerTooLarge") << bytes;
    EXPECT_EQ(parse(bytes, 1).error, "AnswerTooLarge") << bytes;
  }
  expect_body(head + "Content-Length: 64\r\n\r\n" + much.substr(0, 64), much.substr(0, 64));
}

TEST(ResponseParser, TellsWhenAnAnswerWasCutShort) {
  for (const char* bytes : {"HTTP/1.1", "HTTP/1.1 200 OK\r\nA: b\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                            "HTTP/1.1 100 Continue\r\n\r\n"}) {
    EXPECT_EQ(parse(bytes, 1000, Method::get, true).error, "AnswerCutShort") << bytes;
  }
}

}  // namespace
}  // namespace latchkey::http
