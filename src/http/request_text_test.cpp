#include "http/request_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/testing/fetch.hpp"

namespace latchkey::http {
namespace {

using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::post;

std::string head_of(const ClientRequest& request, const Proxy* proxy = nullptr) {
  std::string out;
  append_head(request, request.url.authority(), proxy, out);
  return out;
}

TEST(RequestText, SaysTargetHostAndFieldsInTheirOrder) {
  auto request = get("http://h:81/a%2Fb?c=d%20e");
  request.headers.add("x-ms-version", "2021-02-12");
  request.headers.add("Accept", "");
  EXPECT_EQ(head_of(request),
            "GET /a%2Fb?c=d%20e HTTP/1.1\r\nHost: h:81\r\nx-ms-version: 2021-02-12\r\nAccept: "
            "\r\n\r\n");
}

TEST(RequestText, CarriesTheTraceItBelongsTo) {
  auto request = get("http://h/");
  EXPECT_THAT(head_of(request), Not(HasSubstr("traceparent")));
  const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  request.trace = parse_traceparent(parent).value();
  EXPECT_THAT(head_of(request), HasSubstr("\r\ntraceparent: " + parent + "\r\n"));
}

TEST(RequestText, SaysALengthWhereServersExpectOne) {
  struct Row {
    Method method;
    const char* body;
    bool chunked;
    const char* expected;
  };
  const Row rows[] = {
      {Method::get, "", false, ""},
      {Method::delete_, "", false, ""},
      {Method::head, "", false, ""},
      {Method::post, "", false, "Content-Length: 0\r\n"},
      {Method::put, "", false, "Content-Length: 0\r\n"},
      {Method::patch, "", false, "Content-Length: 0\r\n"},
      {Method::post, "12345", false, "Content-Length: 5\r\n"},
      {Method::get, "12345", false, "Content-Length: 5\r\n"},
      {Method::post, "12345", true, "Transfer-Encoding: chunked\r\n"},
  };
  for (const auto& row : rows) {
    auto request = post("http://h/", row.body);
    request.method = row.method;
    request.chunked = row.chunked;
    EXPECT_EQ(head_of(request), std::string(to_string(row.method)) + " / HTTP/1.1\r\nHost: h\r\n" +
                                    row.expected + "\r\n");
  }
  EXPECT_EQ(chunk_line(5), "5\r\n");
  EXPECT_EQ(chunk_line(70'000), "11170\r\n");
}

TEST(RequestText, LeavesOutTheFieldsThatAreTheClientsOwn) {
  auto request = post("http://h/", "x");
  request.headers.add("HOST", "other");
  request.headers.add("content-length", "7");
  request.headers.add("Connection", "close");
  request.headers.add("Transfer-Encoding", "gzip");
  request.headers.add("Hosts", "stays");
  EXPECT_EQ(head_of(request),
            "POST / HTTP/1.1\r\nHost: h\r\nHosts: stays\r\nContent-Length: 1\r\n\r\n");
}

TEST(RequestText, TakesTheAbsoluteFormForAProxy) {
  const auto proxy = parse_proxy("http://user:word@p:1");
  EXPECT_EQ(head_of(get("http://h:81/a?b"), &*proxy),
            "GET http://h:81/a?b HTTP/1.1\r\nHost: h:81\r\nProxy-Authorization: Basic "
            "dXNlcjp3b3Jk\r\n\r\n");
  EXPECT_EQ(connect_request("h:443", *proxy),
            "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic "
            "dXNlcjp3b3Jk\r\n\r\n");
  EXPECT_EQ(connect_request("h:443", *parse_proxy("p:1")),
            "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
}

TEST(RequestText, RefusesWhatWouldBreakTheRequestApart) {
  EXPECT_TRUE(check_request(get("http://h/")).has_value());
  std::vector<ClientRequest> bad;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"A", "hidden\r\nB: c"},
                                                        {"A", "hidden\n"},
                                                        {"A", std::string("hidden\0", 7)},
                                                        {"", "hidden"},
                                                        {"A B", "hidden"},
                                                        {"A:", "hidden"},
                                                        {"A\r\nB", "hidden"}}) {
    bad.push_back(get("http://h/"));
    bad.back().headers.add(name, value);
  }
  bad.push_back(get("http://h/"));
  bad.back().url.path = "/hidden HTTP/1.1\r\n";
  bad.push_back(get("http://h/"));
  bad.back().url.query = "hidden\r\n";
  bad.push_back(get("http://h/"));
  bad.back().method = Method::other;
  bad.push_back(get("http://h/"));
  bad.back().method = Method::connect;
  for (const auto& request : bad) {
    const auto checked = check_request(request);
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(checked.error().message, ::testing::Not(::testing::HasSubstr("hidden")));
  }
}

}  // namespace
}  // namespace latchkey::http
