#include "cloud/proxy/azure_proxy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/testing/manual_clock.hpp"
#include "cloud/testing/ask.hpp"
#include "http/tunnel.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::HeaderFields;

Task<http::Response> say(std::string text) {
  co_return http::text_response(200, std::move(text));
}

/// Says which service was asked, what for, and as whom.
http::Handler service(std::string name) {
  return [name](const http::Request& request) {
    return say(fmt::format("{} {} host={} as={} proxy={}", name, request.target,
                           request.headers.find("Host").value_or("-"),
                           request.headers.find("X-IDENTITY-HEADER").value_or("-"),
                           request.headers.contains("Proxy-Authorization")));
  };
}

class AzureProxyTest : public ::testing::Test {
 protected:
  static HeaderFields fields(std::string host, std::string user_and_password = "app:the-header") {
    return {{"Host", std::move(host)},
            {"Proxy-Authorization", "Basic " + to_base64(user_and_password)}};
  }
  http::Response connect(const std::string& authority) {
    return ask(proxy_.handler(), Method::connect, authority, fields(authority));
  }
  /// What a request inside a tunnel to `authority` gets.
  http::Response ask_inside(const std::string& authority, std::string target, std::string host,
                            bool over_tls = true) {
    const auto opened = connect(authority);
    if (!opened.tunnel) return opened;
    const http::Handler handler = [&](const http::Request& request) {
      const_cast<http::Request&>(request).over_tls = over_tls;
      return opened.tunnel->handler(request);
    };
    return ask(handler, Method::get, std::move(target), {{"Host", std::move(host)}});
  }

  latchkey::testing::ManualClock clock_;
  AzureProxy proxy_{
      {.login = service("login"),
       .management = service("management"),
       .vault = service("vault"),
       .queue = service("queue"),
       .functions = service("functions"),
       .metadata = service("metadata")},
      LeafCertificates(http::make_authority("test", clock_.now(), std::chrono::days{30}), clock_),
      [](std::string_view name, std::string_view header) {
        return name == "app" && header == "the-header";
      }};
};

TEST_F(AzureProxyTest, EveryServiceIsReachedByItsProductionName) {
  const std::pair<const char*, const char*> names[] = {
      {"login", "login.microsoftonline.com"},
      {"management", "management.azure.com"},
      {"vault", "latchkey.vault.azure.net"},
      {"queue", "devstoreaccount1.queue.core.windows.net"},
      {"functions", "numbers.azurewebsites.net"}};
  for (const auto& [name, host] : names) {
    EXPECT_EQ(ask_inside(fmt::format("{}:443", host), "/x?y", host).body,
              fmt::format("{} /x?y host={} as=- proxy=false", name, host));
  }
}

TEST_F(AzureProxyTest, AnyPortAndAnyCaseWillDo) {
  EXPECT_TRUE(connect("LATCHKEY.Vault.Azure.Net:8443").tunnel);
}

TEST_F(AzureProxyTest, OtherNamesAreRefusedInAWayThatSaysWhy) {
  for (const auto* authority :
       {"example.com:443", "localhost:22", "127.0.0.1:80", "[::1]:80", "graph.microsoft.com:443",
        "latchkey.vault.azure.net.evil.org:443"}) {
    const auto answer = connect(authority);
    EXPECT_FALSE(answer.tunnel) << authority;
    EXPECT_EQ(answer.status, 403) << authority;
    EXPECT_NE(answer.body.find("is not served here"), std::string::npos);
    EXPECT_NE(answer.reason.find("is not served by the local cloud"), std::string::npos);
  }
  const auto plain = ask(proxy_.handler(), Method::get, "http://example.com/", fields("x"));
  EXPECT_EQ(plain.status, 403);
}

TEST_F(AzureProxyTest, ConnectWithoutAPortIsBad) {
  for (const auto* authority : {"latchkey.vault.azure.net", "latchkey.vault.azure.net:", ":443",
                                "latchkey.vault.azure.net:0", "latchkey.vault.azure.net:70000"}) {
    EXPECT_EQ(connect(authority).status, 400) << authority;
  }
}

TEST_F(AzureProxyTest, WithoutTheRightCredentialsThereIsNothing) {
  const std::string host = "latchkey.vault.azure.net:443";
  const HeaderFields none{{"Host", host}};
  const HeaderFields other_scheme{{"Host", host}, {"Proxy-Authorization", "Bearer the-header"}};
  const HeaderFields garbage{{"Host", host}, {"Proxy-Authorization", "Basic %%%"}};
  for (const auto& sent :
       {none, other_scheme, garbage, fields(host, "app:wrong"), fields(host, "other:the-header"),
        fields(host, "app"), fields(host, ":the-header")}) {
    const auto refused = ask(proxy_.handler(), Method::connect, host, sent);
    EXPECT_EQ(refused.status, 407);
    EXPECT_FALSE(refused.tunnel);
    EXPECT_EQ(header_of(refused, "Proxy-Authenticate"), "Basic realm=\"latchkey\"");
  }
  const auto metadata = ask(proxy_.handler(), Method::get, "http://169.254.169.254/metadata", none);
  EXPECT_EQ(metadata.status, 407) << "plain requests as well";
}

TEST_F(AzureProxyTest, MetadataIsAnsweredAsTheIdentityOfTheCredentials) {
  const std::string expected =
      "metadata /metadata/x?y host=169.254.169.254 as=the-header proxy=false";
  const auto absolute = ask(proxy_.handler(), Method::get, "http://169.254.169.254/metadata/x?y",
                            fields("something.else"));
  EXPECT_EQ(absolute.body, expected);
  const auto origin =
      ask(proxy_.handler(), Method::get, "/metadata/x?y", fields("169.254.169.254"));
  EXPECT_EQ(origin.body, expected);
  EXPECT_EQ(ask_inside("169.254.169.254:80", "/metadata/x?y", "169.254.169.254", false).body,
            "metadata /metadata/x?y host=169.254.169.254 as=the-header proxy=false");
}

TEST_F(AzureProxyTest, WhatIsHttpsOnlyInAzureIsSoHere) {
  const auto plain = ask(proxy_.handler(), Method::get, "http://latchkey.vault.azure.net/secrets",
                         fields("latchkey.vault.azure.net"));
  EXPECT_EQ(plain.status, 400);
  EXPECT_EQ(
      ask_inside("login.microsoftonline.com:80", "/", "login.microsoftonline.com", false).status,
      400);
}

TEST_F(AzureProxyTest, ATunnelIsForOneHost) {
  EXPECT_EQ(ask_inside("latchkey.vault.azure.net:443", "/", "other.vault.azure.net").status, 421);
}

TEST(LeafCertificates, AreKeptForAWhileAndLimitedInNumber) {
  latchkey::testing::ManualClock clock;
  LeafCertificates leaves(http::make_authority("test", clock.now(), std::chrono::days{30}), clock);
  const auto first = leaves.of("a.vault.azure.net");
  ASSERT_TRUE(first);
  EXPECT_EQ(leaves.of("a.vault.azure.net")->impl, first->impl);
  clock.jump(LeafCertificates::kLifetime / 2 + std::chrono::seconds{1});
  EXPECT_NE(leaves.of("a.vault.azure.net")->impl, first->impl);
  for (std::size_t i = 0; i < LeafCertificates::kKeptMax + 5; ++i) {
    ASSERT_TRUE(leaves.of(fmt::format("n{}.vault.azure.net", i)));
  }
  EXPECT_EQ(leaves.size(), LeafCertificates::kKeptMax);
  EXPECT_FALSE(leaves.of("no name"));
}

}  // namespace
}  // namespace latchkey::cloud
