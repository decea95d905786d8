#include "azure/token_validator.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "azure/testing/slow_http_client.hpp"
#include "azure/testing/stepper.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"
#include "http/testing/fake_http_client.hpp"
#include "wire/jwt.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

const std::string kTenant = "11111111-2222-4333-8444-55555555abcd";
const std::string kOtherTenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
const std::string kConfiguration = "/" + kTenant + "/v2.0/.well-known/openid-configuration";
const std::string kVersion2Issuer = "https://login.microsoftonline.com/" + kTenant + "/v2.0";

const RsaPrivateKey& first_key() {
  static const RsaPrivateKey kKey = RsaPrivateKey::generate();
  return kKey;
}
const RsaPrivateKey& second_key() {
  static const RsaPrivateKey kKey = RsaPrivateKey::generate();
  return kKey;
}

struct TokenValidatorTest : ::testing::Test {
  TokenValidatorTest() {
    http.answer_with([this](const http::ClientRequest& request) { return answer(request); });
  }

  Result<http::Response> answer(const http::ClientRequest& request) {
    if (request.url.path == kConfiguration) {
      return http::json_response(200, R"({"issuer":")" + kVersion2Issuer +
                                          R"(","jwks_uri":"https://login.example/keys"})");
    }
    if (down) return fail(ErrorKind::unavailable, "ConnectionRefused", "nobody there");
    return http::json_response(200, key_set);
  }
  void make(http::HttpClient& client, std::vector<std::string> audiences = {"api://latchkey"}) {
    validator = std::move(TokenValidator::create({.authority_host = "https://login.example",
                                                  .tenant_id = kTenant,
                                                  .audiences = std::move(audiences)},
                                                 client, clock, random, context.get_executor())
                              .value());
  }
  wire::TokenClaims claims() const {
    const auto now = to_epoch_seconds(clock.now());
    wire::TokenClaims made;
    made.issuer = "https://sts.windows.net/" + kTenant + "/";
    made.audience = "api://latchkey";
    made.tenant_id = kTenant;
    made.object_id = "object-1";
    made.client_id = "client-1";
    made.issued_at = now;
    made.not_before = now;
    made.expires_at = now + 3600;
    made.roles = {"Codes.Issue"};
    return made;
  }
  std::string token(const RsaPrivateKey& key = first_key(), std::string_view id = "k1") const {
    return wire::sign_token(claims(), key, id);
  }
  Result<TokenIdentity> check(const std::string& text) {
    return testing::run_through(context, clock, validator->validate(Secret(text)));
  }
  /// The error's code; "" when the token is good.
  std::string code_of(const std::string& text) {
    const auto checked = check(text);
    if (checked) return "";
    if (!text.empty()) EXPECT_EQ(checked.error().message.find(text), std::string::npos);
    return checked.error().code;
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  http::testing::FakeHttpClient http;
  std::string key_set = wire::render_jwks(first_key().public_key(), "k1");
  bool down = false;
  std::unique_ptr<TokenValidator> validator;
};

TEST_F(TokenValidatorTest, TakesOnlySettingsThatCanWork) {
  const auto code = [&](TokenValidatorSettings settings) {
    auto made =
        TokenValidator::create(std::move(settings), http, clock, random, context.get_executor());
    return made ? "" : made.error().code;
  };
  EXPECT_EQ(code({"", kTenant, {"api://latchkey"}}), "");
  EXPECT_EQ(code({"http://login.example", kTenant, {"api://a"}}), "BadTokenSettings");
  EXPECT_EQ(code({"login.example", kTenant, {"api://a"}}), "BadTokenSettings");
  EXPECT_EQ(code({"", "contoso.onmicrosoft.com", {"api://a"}}), "BadTokenSettings");
  EXPECT_EQ(code({"", "", {"api://a"}}), "BadTokenSettings");
  EXPECT_EQ(code({"", kTenant, {}}), "BadTokenSettings");
  EXPECT_EQ(code({"", kTenant, {"", "api://"}}), "BadTokenSettings");
}

TEST_F(TokenValidatorTest, AGoodTokenSaysWhoCallsAndWithWhichRoles) {
  make(http);
  const auto who = check(token());
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->client_id, "client-1");
  EXPECT_EQ(who->object_id, "object-1");
  EXPECT_EQ(who->roles, std::vector<std::string>{"Codes.Issue"});
  ASSERT_TRUE(check(token()));
  ASSERT_EQ(http.calls.size(), 2U) << "the keys are kept";
  EXPECT_EQ(http.calls[0].url.to_string(), "https://login.example" + kConfiguration);
  EXPECT_EQ(http.calls[1].url.to_string(), "https://login.example/keys");
}

TEST_F(TokenValidatorTest, EachClaimDecidesRowByRow) {
  struct Row {
    const char* name;
    std::function<void(wire::TokenClaims&)> change;
    const char* code;
  };
  const Row rows[] = {
      {"version 2", [](auto& c) { c.issuer = kVersion2Issuer; }, ""},
      {"China", [](auto& c) { c.issuer = "https://sts.chinacloudapi.cn/" + kTenant + "/"; }, ""},
      {"no roles", [](auto& c) { c.roles.clear(); }, ""},
      {"a slash behind", [](auto& c) { c.audience += "/"; }, ""},
      {"the bare id", [](auto& c) { c.audience = "latchkey"; }, ""},
      {"the other audience", [](auto& c) { c.audience = "0000-client"; }, ""},
      {"tenant", [](auto& c) { c.tenant_id = kOtherTenant; }, "WrongTenant"},
      {"other tenant's issuer",
       [](auto& c) { c.issuer = "https://sts.windows.net/" + kOtherTenant + "/"; }, "WrongIssuer"},
      {"issuer", [](auto& c) { c.issuer = "https://evil.example/" + kTenant + "/"; },
       "WrongIssuer"},
      {"issuer's end", [](auto& c) { c.issuer += "x"; }, "WrongIssuer"},
      {"version 2 elsewhere",
       [](auto& c) { c.issuer = "https://login.example/" + kTenant + "/v2.0"; }, "WrongIssuer"},
      {"audience", [](auto& c) { c.audience = "https://storage.azure.com"; }, "WrongAudience"},
      {"audience's start", [](auto& c) { c.audience = "api://latchkey2"; }, "WrongAudience"},
      {"just over", [](auto& c) { c.expires_at = c.issued_at - 299; }, ""},
      {"over", [](auto& c) { c.expires_at = c.issued_at - 300; }, "TokenExpired"},
      {"nearly there", [](auto& c) { c.not_before = c.issued_at + 300; }, ""},
      {"not yet", [](auto& c) { c.not_before = c.issued_at + 301; }, "TokenNotYetValid"},
  };
  make(http, {"api://latchkey", "0000-client"});
  for (const Row& row : rows) {
    auto changed = claims();
    row.change(changed);
    EXPECT_EQ(code_of(wire::sign_token(changed, first_key(), "k1")), row.code) << row.name;
  }
}

TEST_F(TokenValidatorTest, AForgedTokenIsRefused) {
  make(http);
  EXPECT_EQ(code_of(token(second_key(), "k1")), "BadSignature");
  EXPECT_EQ(code_of("not.a.token"), "MalformedToken");
  EXPECT_EQ(code_of(""), "MalformedToken");
}

TEST_F(TokenValidatorTest, AnUnknownKeyIsLookedForOnceInFiveMinutes) {
  make(http);
  ASSERT_EQ(code_of(token()), "");
  clock.advance(TokenValidator::kKeysSpacing - 1us);
  const auto before = http.calls.size();
  key_set = wire::render_jwks(second_key().public_key(), "k2");
  EXPECT_EQ(code_of(token(second_key(), "k2")), "UnknownKey");
  EXPECT_EQ(http.calls.size(), before) << "too early to ask again";
  clock.advance(1us);
  EXPECT_EQ(code_of(token(second_key(), "k2")), "");
  EXPECT_EQ(http.calls.size(), before + 2);
  EXPECT_EQ(code_of(token(first_key(), "k1")), "UnknownKey") << "withdrawn";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(code_of(token(second_key(), "made-up")), "UnknownKey");
  EXPECT_EQ(http.calls.size(), before + 2);
}

TEST_F(TokenValidatorTest, OneFetchServesAllWhoWait) {
  testing::SlowHttpClient slow(http, clock, 100ms);
  make(slow);
  std::vector<testing::Running<Result<TokenIdentity>>> waiting;
  for (int i = 0; i < 20; ++i) waiting.emplace_back(context, validator->validate(Secret(token())));
  testing::settle(context);
  for (int i = 0; i < 2; ++i) {
    clock.advance(100ms);
    testing::settle(context);
  }
  for (auto& one : waiting) EXPECT_TRUE(one.take());
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(TokenValidatorTest, KeysAreRenewedEachDayInTheBackground) {
  testing::SlowHttpClient slow(http, clock, 100ms);
  make(slow);
  ASSERT_EQ(code_of(token()), "");
  clock.advance(TokenValidator::kKeysFresh);
  key_set = wire::render_jwks(second_key().public_key(), "k2");
  EXPECT_EQ(code_of(token()), "") << "the old key serves meanwhile";
  EXPECT_EQ(code_of(token(second_key(), "k2")), "");
  EXPECT_EQ(http.calls.size(), 4U) << "one fetch for both";
  EXPECT_EQ(code_of(token()), "UnknownKey");
}

TEST_F(TokenValidatorTest, OldKeysAreTrustedForTwoDaysAndNoLonger) {
  make(http);
  ASSERT_EQ(code_of(token()), "");
  down = true;
  clock.advance(TokenValidator::kKeysTrusted - 1us);
  EXPECT_EQ(code_of(token()), "");
  testing::settle(context);
  clock.advance(30s);
  EXPECT_EQ(code_of(token()), "ConnectionRefused");
  down = false;
  clock.advance(TokenValidator::kFailureHold);
  EXPECT_EQ(code_of(token()), "");
}

TEST_F(TokenValidatorTest, WithoutKeysNobodyIsLetInAndTheFailureIsHeld) {
  down = true;
  make(http);
  const auto refused = check(token());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  const auto calls = http.calls.size();
  EXPECT_EQ(code_of(token()), "ConnectionRefused");
  EXPECT_EQ(http.calls.size(), calls);
  down = false;
  clock.advance(TokenValidator::kFailureHold);
  EXPECT_EQ(code_of(token()), "");
}

TEST_F(TokenValidatorTest, AnUnknownKeyIsNoRefusalWhileTheKeysCannotBeHad) {
  make(http);
  ASSERT_EQ(code_of(token()), "");
  down = true;
  clock.advance(TokenValidator::kKeysSpacing);
  EXPECT_EQ(code_of(token(second_key(), "k2")), "ConnectionRefused");
  EXPECT_EQ(code_of(token()), "") << "those that are known still work";
}

TEST_F(TokenValidatorTest, AnswersThatAreNoKeysAreErrors) {
  make(http);
  http.queue(http::json_response(404, "{}"));
  EXPECT_EQ(code_of(token()), "KeysNotFound");
  const std::pair<const char*, const char*> rows[] = {
      {"{}", "InvalidOpenIdConfiguration"},
      {R"({"issuer":"i","jwks_uri":"http://login.example/keys"})", "InvalidOpenIdConfiguration"},
      {R"({"issuer":"i","jwks_uri":"keys"})", "InvalidOpenIdConfiguration"}};
  for (const auto& [body, code] : rows) {
    clock.advance(TokenValidator::kFailureHold);
    http.queue(http::json_response(200, body));
    EXPECT_EQ(code_of(token()), code) << body;
  }
  clock.advance(TokenValidator::kFailureHold);
  key_set = "[]";
  EXPECT_EQ(code_of(token()), "InvalidKeySet");
}

TEST_F(TokenValidatorTest, AKeyOfAnotherTenantVouchesForNobody) {
  make(http);
  const auto with_issuer = [this](const std::string& issuer) {
    std::string set = wire::render_jwks(first_key().public_key(), "k1");
    set.replace(set.find(R"("kty")"), 0, R"("issuer":")" + issuer + R"(",)");
    key_set = set;
    clock.advance(TokenValidator::kKeysSpacing);
    return code_of(token());
  };
  const std::string host = "https://login.microsoftonline.com/";
  EXPECT_EQ(with_issuer(host + kOtherTenant + "/v2.0"), "UnknownKey");
  EXPECT_EQ(with_issuer(host + kTenant + "/v2.0"), "");
  EXPECT_EQ(with_issuer(host + "{tenantid}/v2.0"), "");
}

TEST_F(TokenValidatorTest, MayGoWhileItFetches) {
  testing::SlowHttpClient slow(http, clock, 100ms);
  make(slow);
  testing::Running<Result<TokenIdentity>> waiting(context, validator->validate(Secret(token())));
  testing::settle(context);
  validator.reset();
  testing::settle(context);
  ASSERT_TRUE(waiting.done());
  EXPECT_FALSE(waiting.take());
}

}  // namespace
}  // namespace latchkey::azure
