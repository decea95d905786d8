#include "cloud/identity/authenticator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "base/encoding.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/time_text.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {
namespace {

using testing::kTestClient;
using testing::kTestIssuer;
using testing::kTestPrincipal;
using testing::kTestTenant;
using testing::test_claims;
using testing::test_key;
using testing::test_key_id;
using testing::test_token;

constexpr std::string_view kVault = "https://vault.azure.net";

class AuthenticatorTest : public ::testing::Test {
 protected:
  Result<Principal> ask(std::string_view token, std::string_view audience = kVault) {
    const std::array audiences{std::string_view("https://other.example"), audience};
    return authenticator_.authenticate(token, audiences);
  }
  std::string code_of(std::string_view token, std::string_view audience = kVault) {
    const auto result = ask(token, audience);
    if (!result) {
      EXPECT_EQ(result.error().kind, ErrorKind::denied);
      EXPECT_TRUE(token.empty() || result.error().message.find(token) == std::string::npos);
    }
    return result ? "" : result.error().code;
  }

  latchkey::testing::ManualClock clock_;
  SigningKeys keys_of_ours_{test_key(), clock_};
  Authenticator authenticator_{keys_of_ours_, std::string(kTestIssuer), clock_};
};

TEST_F(AuthenticatorTest, TellsWhoCalls) {
  const auto principal = ask(test_token(kVault, clock_));
  ASSERT_TRUE(principal) << principal.error().message;
  EXPECT_EQ(principal->object_id, kTestPrincipal);
  EXPECT_EQ(principal->client_id, kTestClient);
  EXPECT_EQ(principal->tenant_id, kTestTenant);
  EXPECT_EQ(principal->issuer, kTestIssuer);
}

TEST_F(AuthenticatorTest, TakesAnAudienceWithOrWithoutTheTrailingSlash) {
  EXPECT_EQ(code_of(test_token("https://vault.azure.net/", clock_)), "");
  EXPECT_EQ(code_of(test_token(kVault, clock_), "https://vault.azure.net/"), "");
}

TEST_F(AuthenticatorTest, RefusesClaimsThatAreNotForUs) {
  struct Row {
    const char* name;
    std::function<void(wire::TokenClaims&)> change;
    const char* code;
  };
  const std::array rows{
      Row{"audience", [](auto& c) { c.audience = "https://storage.azure.com"; }, "WrongAudience"},
      Row{"audience with ours in front", [](auto& c) { c.audience += ".evil.example"; },
          "WrongAudience"},
      Row{"no audience", [](auto& c) { c.audience = ""; }, "MalformedToken"},
      Row{"issuer", [](auto& c) { c.issuer = "https://sts.windows.net/other/"; }, "WrongIssuer"},
      Row{"tenant", [](auto& c) { c.tenant_id = "99999999-2222-4333-8444-555555555555"; },
          "WrongIssuer"},
      Row{"no tenant", [](auto& c) { c.tenant_id = ""; }, "MalformedToken"},
      Row{"expired", [](auto& c) { c.expires_at = c.issued_at; }, "TokenExpired"},
      Row{"too early", [](auto& c) { c.not_before += 301; }, "TokenNotYetValid"},
      Row{"early within the skew", [](auto& c) { c.not_before += 300; }, ""},
  };
  for (const auto& row : rows) {
    auto claims = test_claims(kVault, clock_);
    row.change(claims);
    const auto token = wire::sign_token(claims, test_key(), test_key_id());
    EXPECT_EQ(code_of(token), row.code) << row.name;
    EXPECT_EQ(code_of(token), row.code) << row.name << ", asked again";
  }
}

TEST_F(AuthenticatorTest, RefusesForgedTokens) {
  const auto good = test_token(kVault, clock_);
  const auto first = good.find('.');
  const auto second = good.rfind('.');
  const auto payload = good.substr(first + 1, second - first - 1);
  const auto signature = good.substr(second + 1);

  const RsaPrivateKey other = RsaPrivateKey::generate();
  const auto claims = test_claims(kVault, clock_);
  EXPECT_EQ(code_of(wire::sign_token(claims, other, test_key_id())), "BadSignature");
  EXPECT_EQ(code_of(wire::sign_token(claims, other, "another-key")), "UnknownKey");

  const auto none = to_base64url(R"({"alg":"none","typ":"JWT","kid":")" + test_key_id() + "\"}");
  EXPECT_EQ(code_of(none + "." + payload + "."), "UnsupportedAlgorithm");
  const auto hs256 = to_base64url(R"({"alg":"HS256","typ":"JWT","kid":")" + test_key_id() + "\"}");
  EXPECT_EQ(code_of(hs256 + "." + payload + "." + signature), "UnsupportedAlgorithm");

  auto decoded = from_base64url(payload);
  ASSERT_TRUE(decoded);
  std::string text(as_text(*decoded));
  const auto at = text.find(kTestPrincipal);
  ASSERT_NE(at, std::string::npos);
  text[at] = 'b';
  EXPECT_EQ(code_of(good.substr(0, first + 1) + to_base64url(text) + "." + signature),
            "BadSignature");

  for (const std::string& broken :
       {std::string(), std::string("x"), std::string("a.b.c"), good + ".x", good.substr(0, second),
        std::string(20'000, 'a')}) {
    EXPECT_EQ(code_of(broken), "MalformedToken");
  }
}

TEST_F(AuthenticatorTest, ARememberedTokenStillEndsInTime) {
  const auto token = test_token(kVault, clock_);
  EXPECT_EQ(code_of(token), "");
  clock_.advance(std::chrono::seconds{3599});
  EXPECT_EQ(code_of(token), "");
  clock_.advance(std::chrono::seconds{1});
  EXPECT_EQ(code_of(token), "TokenExpired");
}

TEST_F(AuthenticatorTest, ARememberedTokenIsStillForItsAudienceOnly) {
  const auto token = test_token(kVault, clock_);
  EXPECT_EQ(code_of(token), "");
  EXPECT_EQ(code_of(token, "https://storage.azure.com"), "WrongAudience");
  EXPECT_EQ(code_of(token), "");
}

TEST_F(AuthenticatorTest, ARememberedTokenIsRecognizedByAllOfItsBytes) {
  auto token = test_token(kVault, clock_);
  EXPECT_EQ(code_of(token), "");
  token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(code_of(token), "BadSignature");
}

}  // namespace
}  // namespace latchkey::cloud
