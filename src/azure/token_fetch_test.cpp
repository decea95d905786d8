#include "azure/token_fetch.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

const UtcTime kNow = from_epoch_seconds(1'600'000'000);
constexpr const char* kWho = "the endpoint";

http::Response answer(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(TokenFetch, ReadsAToken) {
  const auto token =
      token_from(answer(200, R"({"access_token":"abc","expires_in":"3600","token_type":"Bearer"})"),
                 kWho, kNow);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->value.reveal(), "abc");
  EXPECT_EQ(token->expires_on, kNow + 1h);
  EXPECT_EQ(token->refresh_on, kNow + 30min);
}

TEST(TokenFetch, TheEndpointsAdviceOnRefreshingWins) {
  const auto token = token_from(
      answer(200, R"({"access_token":"abc","expires_in":3600,"refresh_in":600})"), kWho, kNow);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->refresh_on, kNow + 10min);
}

TEST(TokenFetch, AdviceToRefreshAfterTheEndIsNoAdvice) {
  const auto token = token_from(
      answer(200, R"({"access_token":"abc","expires_in":3600,"refresh_in":7200})"), kWho, kNow);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->refresh_on, kNow + 30min);
}

TEST(TokenFetch, RefreshesAtHalfLife) {
  for (const std::chrono::minutes lifetime : {24h, 1h}) {
    EXPECT_EQ(token_refresh_time(kNow, kNow + lifetime), kNow + lifetime / 2) << lifetime.count();
  }
  EXPECT_EQ(token_refresh_time(kNow, kNow + 10s), kNow + 5s);
}

TEST(TokenFetch, AnAnswerThatIsTooLongIsNotRead) {
  std::string body = R"({"access_token":"abc","expires_in":3600)";
  body += std::string(kTokenAnswerBytesMax - body.size() - 1, ' ') + "}";
  EXPECT_TRUE(token_from(answer(200, body), kWho, kNow));
  const auto token = token_from(answer(200, body + " "), kWho, kNow);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::unavailable);
}

TEST(TokenFetch, SaysWhoFailedAndWhetherItWasARefusal) {
  struct Row {
    std::string what;
    Result<http::Response> given;
    ErrorKind kind;
  };
  const std::vector<Row> rows = {
      {"not JSON", answer(200, "<html>captive portal</html>"), ErrorKind::unavailable},
      {"empty", answer(200, ""), ErrorKind::unavailable},
      {"no token", answer(200, R"({"expires_in":3600})"), ErrorKind::unavailable},
      {"empty token", answer(200, R"({"access_token":"","expires_in":3600})"),
       ErrorKind::unavailable},
      {"no end", answer(200, R"({"access_token":"abc"})"), ErrorKind::unavailable},
      {"a header in the token",
       answer(200, R"({"access_token":"abc\r\nX-Evil: 1","expires_in":3600})"),
       ErrorKind::unavailable},
      {"a blank in the token", answer(200, R"({"access_token":"a b","expires_in":3600})"),
       ErrorKind::unavailable},
      {"expired", answer(200, R"({"access_token":"abc","expires_on":"1599999999"})"),
       ErrorKind::unavailable},
      {"ends now", answer(200, R"({"access_token":"abc","expires_on":"1600000000"})"),
       ErrorKind::unavailable},
      {"redirect", answer(302, ""), ErrorKind::unavailable},
      {"bad request", answer(400, R"({"error":"invalid_request"})"), ErrorKind::denied},
      {"unauthorized", answer(401, R"({"error":"invalid_client"})"), ErrorKind::denied},
      {"forbidden", answer(403, ""), ErrorKind::denied},
      {"nothing there", answer(404, ""), ErrorKind::unavailable},
      {"updating", answer(410, ""), ErrorKind::unavailable},
      {"throttled", answer(429, ""), ErrorKind::unavailable},
      {"broken", answer(500, "{"), ErrorKind::unavailable},
      {"unreachable", fail(ErrorKind::timeout, "ConnectTimeout", "no route"),
       ErrorKind::unavailable}};
  for (const Row& row : rows) {
    const auto token = token_from(row.given, kWho, kNow);
    ASSERT_FALSE(token) << row.what;
    EXPECT_EQ(token.error().kind, row.kind) << row.what;
    EXPECT_NE(token.error().message.find(kWho), std::string::npos) << row.what;
    EXPECT_EQ(token.error().message.find("abc"), std::string::npos) << row.what;
  }
}

}  // namespace
}  // namespace latchkey::azure
