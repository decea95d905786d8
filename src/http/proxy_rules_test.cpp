#include "http/proxy_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

TEST(ProxyAddress, IsTakenApart) {
  struct Row {
    const char* text;
    const char* host;
    int port;
    const char* authorization;
  };
  const Row rows[] = {
      {"http://proxy.example:3128", "proxy.example", 3128, ""},
      {"HTTP://Proxy.example:3128/", "proxy.example", 3128, ""},
      {"proxy.example:3128", "proxy.example", 3128, ""},
      {"http://proxy.example", "proxy.example", 80, ""},
      {"http://[::1]:8080", "::1", 8080, ""},
      {"http://user:word@proxy:1", "proxy", 1, "Basic dXNlcjp3b3Jk"},
      {"http://us%40er:p%3aw@proxy:1", "proxy", 1, "Basic dXNAZXI6cDp3"},
      {"http://user:a@b@proxy:1", "proxy", 1, "Basic dXNlcjphQGI="},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto proxy = parse_proxy(row.text);
    ASSERT_TRUE(proxy.has_value()) << proxy.error().message;
    EXPECT_EQ(proxy->host, row.host);
    EXPECT_EQ(proxy->port, row.port);
    EXPECT_EQ(proxy->authorization.reveal(), row.authorization);
  }
}

TEST(ProxyAddress, ThatCannotBeUsedIsRefusedWithoutRepeatingIt) {
  for (const char* text : {"https://hidden@p:1", "socks5://hidden@p:1", "http://hidden%zz@p:1",
                           "http://hidden@", "http://hidden:word@p:notaport"}) {
    const auto proxy = parse_proxy(text);
    ASSERT_FALSE(proxy.has_value()) << text;
    EXPECT_EQ(proxy.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(proxy.error().message, ::testing::Not(::testing::HasSubstr("hidden")));
    EXPECT_THAT(proxy.error().message, ::testing::HasSubstr("http://host:port"));
  }
}

TEST(ProxyRules, ChooseByScheme) {
  const ProxyRules rules("http://secure:1", "http://plain:2", "");
  EXPECT_EQ((*rules.proxy_for(*parse_url("https://x/")))->host, "secure");
  EXPECT_EQ((*rules.proxy_for(*parse_url("http://x/")))->host, "plain");
  const ProxyRules none("", " ", "");
  EXPECT_EQ(*none.proxy_for(*parse_url("https://x/")), nullptr);
  EXPECT_EQ(*none.proxy_for(*parse_url("http://x/")), nullptr);
}

TEST(ProxyRules, DoNotExceptLoopbackUnlessToldTo) {
  const ProxyRules rules("", "http://p:1", "");
  EXPECT_NE(*rules.proxy_for(*parse_url("http://localhost/")), nullptr);
}

TEST(ProxyRules, ABrokenAddressFailsOnlyTheRequestsThatNeedIt) {
  const ProxyRules rules("https://p:1", "http://p:1", "direct.example");
  EXPECT_FALSE(rules.proxy_for(*parse_url("https://x/")).has_value());
  EXPECT_TRUE(rules.proxy_for(*parse_url("http://x/")).has_value());
  EXPECT_EQ(*rules.proxy_for(*parse_url("https://direct.example/")), nullptr);
}

TEST(ProxyRules, NoProxyExceptsHosts) {
  struct Row {
    const char* no_proxy;
    const char* url;
    bool direct;
  };
  const Row rows[] = {
      {"*", "http://anything/", true},
      {"example.com", "http://example.com/", true},
      {"example.com", "http://EXAMPLE.com./", true},
      {"example.com", "http://a.example.com/", true},
      {"example.com", "http://notexample.com/", false},
      {"example.com", "http://example.com.evil/", false},
      {".example.com", "http://a.example.com/", true},
      {".example.com", "http://example.com/", true},
      {".example.com", "http://notexample.com/", false},
      {"Example.COM.", "http://example.com/", true},
      {"localhost,127.0.0.1", "http://127.0.0.1:10000/", true},
      {"localhost,127.0.0.1", "http://queue.localhost/", true},
      {"localhost,127.0.0.1", "http://127.0.0.2/", false},
      {"127.0.0.1", "http://7.0.0.1/", false},
      {"::1", "http://[::1]:5/", true},
      {"[::1]:5", "http://[::1]:5/", true},
      {"[::1]:6", "http://[::1]:5/", false},
      {"example.com:81", "http://example.com:81/", true},
      {"example.com:81", "http://example.com:82/", false},
      {"example.com:80", "http://example.com/", true},
      {"example.com:x", "http://example.com/", false},
      {"a.b c.d", "http://c.d/", true},
      {" a.b , c.d ", "http://a.b/", true},
      {",,", "http://a.b/", false},
      {"", "http://a.b/", false},
  };
  for (const auto& row : rows) {
    const ProxyRules rules("", "http://p:1", row.no_proxy);
    const auto proxy = rules.proxy_for(*parse_url(row.url));
    ASSERT_TRUE(proxy.has_value());
    EXPECT_EQ(*proxy == nullptr, row.direct) << row.no_proxy << " | " << row.url;
  }
}

}  // namespace
}  // namespace latchkey::http
