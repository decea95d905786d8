#include "http/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

TEST(Url, TakesAddressesApart) {
  struct Row {
    const char* text;
    const char* scheme;
    const char* host;
    int port;
    const char* path;
    const char* query;
  };
  const Row rows[] = {
      {"http://example.com", "http", "example.com", 80, "/", ""},
      {"https://example.com", "https", "example.com", 443, "/", ""},
      {"HTTPS://Example.COM/Path", "https", "example.com", 443, "/Path", ""},
      {"http://example.com:8080/a/b?c=d", "http", "example.com", 8080, "/a/b", "c=d"},
      {"http://example.com?c=d", "http", "example.com", 80, "/", "c=d"},
      {"http://example.com/?", "http", "example.com", 80, "/", ""},
      {"http://example.com:/x", "http", "example.com", 80, "/x", ""},
      {"http://127.0.0.1:10001/acc/q", "http", "127.0.0.1", 10001, "/acc/q", ""},
      {"http://[::1]:5/x", "http", "::1", 5, "/x", ""},
      {"https://[2001:DB8::1]", "https", "2001:db8::1", 443, "/", ""},
      {"http://a_b-c.localhost/%2F+%20", "http", "a_b-c.localhost", 80, "/%2F+%20", ""},
      {"http://h/a?sig=a%2Bb/c?d@e", "http", "h", 80, "/a", "sig=a%2Bb/c?d@e"},
      {"http://h/me@here", "http", "h", 80, "/me@here", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto url = parse_url(row.text);
    ASSERT_TRUE(url.has_value()) << url.error().message;
    EXPECT_EQ(url->scheme, row.scheme);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->path, row.path);
    EXPECT_EQ(url->query, row.query);
  }
}

TEST(Url, RefusesWhatIsNoAbsoluteHttpAddress) {
  struct Row {
    const char* text;
    const char* why;
  };
  const Row rows[] = {
      {"", "must begin with http"},
      {"example.com/x", "must begin with http"},
      {"ftp://example.com", "must begin with http"},
      {"http:/example.com", "must begin with http"},
      {"http://", "host is missing"},
      {"http:///x", "host is missing"},
      {"http://:80/x", "host is missing"},
      {"http://user@h/x", "user name or password"},
      {"http://user:password@h/x", "user name or password"},
      {"http://h/x#part", "fragment"},
      {"http://h/a b", "percent-encoded"},
      {"http://h/a\r\nX: y", "percent-encoded"},
      {"http://h/\xc3\xa4", "percent-encoded"},
      {"http://h:0/", "port"},
      {"http://h:65536/", "port"},
      {"http://h:-1/", "port"},
      {"http://h:80x/", "port"},
      {"http://h:1:2/", "port"},
      {"http://[::1", "bracket"},
      {"http://[nonsense]/", "IPv6"},
      {"http://[127.0.0.1]/", "IPv6"},
      {"http://[::1]80/", "behind the bracket"},
      {"http://a\"b/", "host"},
      {"http://a%20b/", "host"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto url = parse_url(row.text);
    ASSERT_FALSE(url.has_value());
    EXPECT_EQ(url.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(url.error().code, "InvalidUrl");
    EXPECT_THAT(url.error().message, ::testing::HasSubstr(row.why));
  }
}

TEST(Url, RefusalsNeverRepeatPasswordsOrQueries) {
  for (const char* text : {"http://u:hidden@h/", "ftp://h/?sig=hidden", "http://h:x/?sig=hidden",
                           "http://h/#hidden", "ftp://u:hid@den@h/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value());
    EXPECT_THAT(url.error().message, ::testing::Not(::testing::HasSubstr("hid"))) << text;
  }
}

TEST(Url, NamesThePortOnlyWhereItIsNotTheSchemesOwn) {
  EXPECT_EQ(parse_url("http://h:80/")->authority(), "h");
  EXPECT_EQ(parse_url("https://h:443/")->authority(), "h");
  EXPECT_EQ(parse_url("https://h:80/")->authority(), "h:80");
  EXPECT_EQ(parse_url("http://[::1]/")->authority(), "[::1]");
  EXPECT_EQ(parse_url("http://[::1]:81/")->authority(), "[::1]:81");
  EXPECT_EQ(parse_url("https://h:80/")->origin(), "https://h:80");
}

TEST(Url, GivesBackWhatWasWritten) {
  EXPECT_EQ(parse_url("http://h/a%2fb?c=%41+d")->to_string(), "http://h/a%2fb?c=%41+d");
  EXPECT_EQ(parse_url("http://h/a%2fb?c=%41+d")->target(), "/a%2fb?c=%41+d");
  EXPECT_EQ(parse_url("http://h")->target(), "/");
}

TEST(Url, AnotherPathDropsTheQuery) {
  const auto url = parse_url("https://h:1/a?b=c");
  EXPECT_EQ(url->with_path("/x/y").to_string(), "https://h:1/x/y");
  EXPECT_EQ(url->to_string(), "https://h:1/a?b=c");
}

TEST(Url, AddsParametersPercentEncoded) {
  auto url = *parse_url("https://h/a");
  url.add_parameter("api-version", "7.4");
  url.add_parameter("a b", "x&y=z+1/\xc3\xa4");
  EXPECT_EQ(url.query, "api-version=7.4&a%20b=x%26y%3Dz%2B1%2F%C3%A4");
}

TEST(Url, KnowsLoopbackHosts) {
  for (const char* host : {"localhost", "LOCALHOST", "localhost.", "a.b.localhost", "127.0.0.1",
                           "127.255.0.9", "::1"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"", "example.com", "localhost.example.com", "notlocalhost", "128.0.0.1",
                           "127.0.0.1.example.com", "::2", "10.0.0.1"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

}  // namespace
}  // namespace latchkey::http
