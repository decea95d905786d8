#include "wire/tool_token.hpp"

#include <gtest/gtest.h>

namespace latchkey::wire {
namespace {
using namespace std::chrono_literals;

TEST(ToolToken, AzGivesEpochSecondsOrItsLocalTime) {
  const auto newer = parse_az_token(
      R"({"accessToken":"abc","expiresOn":"1999-01-01 00:00:00.000000","expires_on":1700000000,)"
      R"("subscription":"s","tenant":"t","tokenType":"Bearer"})");
  ASSERT_TRUE(newer) << newer.error().message;
  EXPECT_EQ(newer->access_token.reveal(), "abc");
  EXPECT_EQ(newer->expires_on, UtcTime{1'700'000'000s});
  const auto older =
      parse_az_token(R"({"accessToken":"abc","expiresOn":"2023-11-14 22:13:20.500000"})");
  ASSERT_TRUE(older) << older.error().message;
  EXPECT_EQ(older->expires_on, UtcTime{1'700'000'000'500ms});
}

TEST(ToolToken, AzdGivesIso8601) {
  const auto token = parse_azd_token(R"({"token":"abc","expiresOn":"2023-11-14T22:13:20Z"})");
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->access_token.reveal(), "abc");
  EXPECT_EQ(token->expires_on, UtcTime{1'700'000'000s});
}

TEST(ToolToken, AllElseIsNoToken) {
  for (const char* text :
       {"", "ERROR", "[]", "{}", R"({"accessToken":"abc","token":"abc"})",
        R"({"expires_on":1700000000,"expiresOn":"2023-11-14T22:13:20Z"})",
        R"({"accessToken":5,"token":5,"expires_on":1700000000,"expiresOn":"2023-11-14T22:13:20Z"})",
        R"({"accessToken":"abc","token":"abc","expires_on":-1,"expiresOn":"soon"})"}) {
    for (const auto parse : {parse_az_token, parse_azd_token}) {
      const auto token = parse(text);
      ASSERT_FALSE(token) << text;
      EXPECT_EQ(token.error().code, "InvalidTokenAnswer") << text;
    }
  }
}

}  // namespace
}  // namespace latchkey::wire
