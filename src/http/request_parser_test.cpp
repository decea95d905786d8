#include "http/request_parser.hpp"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

using Progress = RequestParser::Progress;

struct Row {
  std::string name;
  std::string text;
  int status;  // 0: accepted
};

std::string get_with(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string post_with(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

ServerLimits small_limits() {
  ServerLimits limits;
  limits.header_bytes_max = 512;
  limits.target_bytes_max = 64;
  limits.body_bytes_max = 100;
  return limits;
}

// Feeds `text` in pieces and keeps what the parser leaves over, as a connection does.
Progress feed(RequestParser& parser, std::string_view text, std::size_t piece) {
  std::string left;
  Progress progress = Progress::need_more;
  while (!text.empty() && progress == Progress::need_more) {
    left += text.substr(0, piece);
    text.remove_prefix(std::min(piece, text.size()));
    do {
      std::string_view view = left;
      progress = parser.parse(view);
      left = std::string(view);
    } while (progress == Progress::expects_continue);
  }
  return progress;
}

int status_after(std::string_view text, std::size_t piece) {
  const ServerLimits limits = small_limits();
  RequestParser parser(limits);
  const Progress progress = feed(parser, text, piece);
  if (progress == Progress::complete) return 0;
  return progress == Progress::refused ? parser.refusal().status : -1;
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

std::vector<Row> accepted_rows() {
  return {
      {"plain get", get_with(""), 0},
      {"empty line before the request", "\r\n" + get_with(""), 0},
      {"http 1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0},
      {"absolute form", "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 0},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0},
      {"authority form", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 0},
      {"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
      {"length and body", post_with("Content-Length: 3\r\n", "abc"), 0},
      {"no length", post_with("", ""), 0},
      {"chunks", post_with(kChunked, "1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"), 0},
      {"chunks with trailer", post_with(kChunked, "1\r\na\r\n0\r\nX-T: v\r\n\r\n"), 0},
      {"coding in capitals", post_with("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 0},
  };
}

std::vector<Row> malformed_rows() {
  const std::string nul(1, '\0');
  return {
      {"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"odd method", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {"lower case version", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
      {"target without slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"control character in target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"NUL in target", "GET /" + nul + " HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"bare LF behind the line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
      {"bare LF behind a field", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400},
      {"bare CR in a field", get_with("A: b\rc\r\n"), 400},
      {"bare CR behind the line", "GET / HTTP/1.1\rHost: h\r\n\r\n", 400},
      {"NUL in a value", get_with("A: b" + nul + "c\r\n"), 400},
      {"NUL in a name", get_with("A" + nul + ": b\r\n"), 400},
      {"blank before the colon", get_with("A : b\r\n"), 400},
      {"no colon", get_with("Abc\r\n"), 400},
      {"empty name", get_with(": b\r\n"), 400},
      {"folded value", get_with("A: b\r\n c\r\n"), 400},
      {"folded with tab", get_with("A: b\r\n\tc\r\n"), 400},
      {"folded behind nothing", get_with("A:\r\n c\r\n"), 400},
      {"folded into nothing", get_with("A: b\r\n \r\n"), 400},
      {"line that begins with a blank", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
  };
}

std::vector<Row> host_rows() {
  return {
      {"no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
      {"two hosts", get_with("Host: h\r\n"), 400},
      {"host with blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"two hosts on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
  };
}

// The forms by which one server reads one request and the next server two.
std::vector<Row> framing_rows() {
  return {
      {"same length twice", post_with("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {"two lengths", post_with("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), 400},
      {"length list", post_with("Content-Length: 3, 3\r\n", "abc"), 400},
      {"negative length", post_with("Content-Length: -3\r\n", "abc"), 400},
      {"length with plus", post_with("Content-Length: +3\r\n", "abc"), 400},
      {"hexadecimal length", post_with("Content-Length: 0x3\r\n", "abc"), 400},
      {"empty length", post_with("Content-Length:\r\n", "abc"), 400},
      {"length beyond 64 bits", post_with("Content-Length: 99999999999999999999\r\n", ""), 400},
      {"length and chunked", post_with("Content-Length: 3\r\n" + kChunked, "0\r\n\r\n"), 400},
      {"chunked and length", post_with(kChunked + "Content-Length: 3\r\n", "0\r\n\r\n"), 400},
      {"length and unknown coding",
       post_with("Transfer-Encoding: x\r\nContent-Length: 3\r\n", "abc"), 400},
      {"chunked twice", post_with(kChunked + kChunked, "0\r\n\r\n"), 400},
      {"gzip field, chunked field", post_with("Transfer-Encoding: gzip\r\n" + kChunked, ""), 400},
      {"chunked on 1.0", "POST / HTTP/1.0\r\nHost: h\r\n" + kChunked + "\r\n0\r\n\r\n", 400},
      {"gzip", post_with("Transfer-Encoding: gzip\r\n", ""), 501},
      {"gzip, chunked", post_with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked, gzip", post_with("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 501},
      {"chunked, chunked", post_with("Transfer-Encoding: chunked, chunked\r\n", ""), 501},
      {"xchunked", post_with("Transfer-Encoding: xchunked\r\n", ""), 501},
      {"identity", post_with("Transfer-Encoding: identity\r\n", ""), 501},
      {"empty coding", post_with("Transfer-Encoding:\r\n", ""), 501},
      {"quoted coding", post_with("Transfer-Encoding: \"chunked\"\r\n", ""), 501},
      {"vertical tab before coding", post_with("Transfer-Encoding: \vchunked\r\n", ""), 400},
  };
}

std::vector<Row> chunk_rows() {
  return {
      {"chunk size missing", post_with(kChunked, "\r\nabc\r\n0\r\n\r\n"), 400},
      {"chunk size with prefix", post_with(kChunked, "0x1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size negative", post_with(kChunked, "-1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size with blank", post_with(kChunked, "1 \r\na\r\n0\r\n\r\n"), 400},
      {"chunk size too large", post_with(kChunked, "11111111111111111\r\na\r\n0\r\n\r\n"), 400},
      {"chunk longer than said", post_with(kChunked, "1\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk line with bare LF", post_with(kChunked, "1\na\r\n0\r\n\r\n"), 400},
      {"extension with bare LF", post_with(kChunked, "1;a=\"\n\"\r\na\r\n0\r\n\r\n"), 400},
      {"trailer folded", post_with(kChunked, "0\r\nA: b\r\n c\r\n\r\n"), 400},
      {"trailer with length", post_with(kChunked, "0\r\nContent-Length: 5\r\n\r\n"), 400},
  };
}

std::vector<Row> limit_rows() {
  return {
      {"unknown expectation", post_with("Expect: miracle\r\n", ""), 417},
      {"unknown beside known expectation",
       post_with("Expect: miracle\r\nExpect: 100-continue\r\n", ""), 417},

      {"target at its limit", "GET /" + std::string(63, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 0},
      {"target too long", "GET /" + std::string(64, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"endless line", "GET /" + std::string(2000, 'a'), 414},
      {"one field too large", get_with("A: " + std::string(600, 'a') + "\r\n"), 431},
      {"endless field", "GET / HTTP/1.1\r\nA: " + std::string(2000, 'a'), 431},
      {"body at its limit", post_with("Content-Length: 100\r\n", std::string(100, 'a')), 0},
      {"body too large", post_with("Content-Length: 101\r\n", std::string(101, 'a')), 413},
      {"chunk too large", post_with(kChunked, "65\r\n" + std::string(101, 'a')), 413},
      {"chunks too large together",
       post_with(kChunked, "32\r\n" + std::string(50, 'a') + "\r\n33\r\n" + std::string(51, 'a')),
       413},
      {"endless chunk extension", post_with(kChunked, "1;" + std::string(2000, 'a')), 431},
      {"endless trailer", post_with(kChunked, "0\r\nA: " + std::string(2000, 'a')), 431},
  };
}

TEST(RequestParser, AcceptsAndRefusesWhereverTheBytesAreCut) {
  std::vector<Row> rows;
  for (const auto& part : {accepted_rows(), malformed_rows(), host_rows(), framing_rows(),
                           chunk_rows(), limit_rows()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  for (const Row& row : rows) {
    for (const std::size_t piece : {row.text.size(), std::size_t{1}, std::size_t{7}}) {
      EXPECT_EQ(status_after(row.text, piece), row.status) << row.name << ", pieces of " << piece;
    }
  }
}

TEST(RequestParser, HeaderMayFillItsLimitAndNotAByteMore) {
  const std::size_t rest = small_limits().header_bytes_max - get_with("A: \r\n").size();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    EXPECT_EQ(status_after(get_with("A: " + std::string(rest, 'a') + "\r\n"), piece), 0);
    EXPECT_EQ(status_after(get_with("A: " + std::string(rest + 1, 'a') + "\r\n"), piece), 431);
  }
}

TEST(RequestParser, GivesTheRequestAsItCame) {
  const ServerLimits limits = small_limits();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{4096}}) {
    RequestParser parser(limits);
    const std::string text =
        "PUT /a%20b?c=d HTTP/1.1\r\nHost: h:80\r\nX-Two:  \t v w \t\r\nx-two:\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n4\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n";
    ASSERT_EQ(feed(parser, text, piece), Progress::complete);
    const Request& request = parser.request();
    EXPECT_EQ(request.method, Method::put);
    EXPECT_EQ(request.method_name, "PUT");
    EXPECT_EQ(request.target, "/a%20b?c=d");
    EXPECT_EQ(request.headers.find("host"), "h:80");
    EXPECT_EQ(request.headers.find("X-Two"), "v w");
    EXPECT_EQ(request.headers.count("X-Two"), 2U);
    EXPECT_FALSE(request.headers.contains("X-T")) << "trailers must not become headers";
    EXPECT_EQ(request.body, "abcdefg");
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_FALSE(parser.is_http10());
  }
}

TEST(RequestParser, TakesOneRequestAfterTheOtherFromTheSameBytes) {
  const ServerLimits limits = small_limits();
  RequestParser parser(limits);
  const std::string text = post_with("Content-Length: 3\r\nConnection: close\r\n", "abc") +
                           "BREW /2 HTTP/1.0\r\n\r\n" + get_with("A: b\r\n");
  std::string_view left = text;
  ASSERT_EQ(parser.parse(left), Progress::complete);
  EXPECT_EQ(parser.request().body, "abc");
  EXPECT_FALSE(parser.keep_alive());
  parser.next();
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.parse(left), Progress::complete);
  EXPECT_EQ(parser.request().method, Method::other);
  EXPECT_EQ(parser.request().method_name, "BREW");
  EXPECT_EQ(parser.request().headers.size(), 0U);
  EXPECT_EQ(parser.request().body, "");
  EXPECT_TRUE(parser.is_http10());
  EXPECT_FALSE(parser.keep_alive());
  parser.next();
  ASSERT_EQ(parser.parse(left), Progress::complete);
  EXPECT_EQ(parser.request().headers.find("a"), "b");
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_TRUE(left.empty());
}

TEST(RequestParser, ContinueIsAskedForOnceAndOnlyWhenTheBodyIsAwaited) {
  const ServerLimits limits = small_limits();
  const std::string header = post_with("Expect: 100-Continue\r\nContent-Length: 3\r\n", "");
  RequestParser parser(limits);
  std::string_view left = header;
  ASSERT_EQ(parser.parse(left), Progress::expects_continue);
  EXPECT_EQ(parser.parse(left), Progress::need_more);
  left = "abc";
  EXPECT_EQ(parser.parse(left), Progress::complete);
  EXPECT_EQ(parser.request().body, "abc");

  const std::string at_once = header + "abc";
  parser.next();
  left = at_once;
  EXPECT_EQ(parser.parse(left), Progress::complete);

  const std::string without_body = get_with("Expect: 100-continue\r\n");
  parser.next();
  left = without_body;
  EXPECT_EQ(parser.parse(left), Progress::complete);

  const std::string on_http10 =
      "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  parser.next();
  left = on_http10;
  EXPECT_EQ(parser.parse(left), Progress::need_more);

  const std::string too_large = post_with("Expect: 100-continue\r\nContent-Length: 101\r\n", "");
  parser.next();
  left = too_large;
  EXPECT_EQ(parser.parse(left), Progress::refused);
  EXPECT_EQ(parser.refusal().status, 413);
}

TEST(RequestParser, NothingOfTheRequestIsSeenInAnEmptyLine) {
  const ServerLimits limits = small_limits();
  RequestParser parser(limits);
  std::string_view left = "\r\n";
  EXPECT_EQ(parser.parse(left), Progress::need_more);
  EXPECT_FALSE(parser.started());
  left = "\r\n\r\n";
  EXPECT_EQ(parser.parse(left), Progress::refused) << "one empty line, not any number";
}

}  // namespace
}  // namespace latchkey::http
