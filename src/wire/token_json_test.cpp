#include "wire/token_json.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

using std::chrono::seconds;

const UtcTime kNow = *from_iso8601("2020-04-15T16:54:48Z");  // 1586969688

TokenAnswer answer(UtcTime refresh_on = {}) {
  return {.access_token = Secret("aaa.bbb-_.ccc"),
          .expires_on = kNow + seconds{86400},
          .refresh_on = refresh_on};
}

TEST(ManagedIdentityToken, HasItsNumbersAsText) {
  const std::string text =
      render_managed_identity_token(answer(), "https://vault.azure.net", "client-1", kNow);
  const auto object = json::parse_object(text);
  ASSERT_TRUE(object);
  EXPECT_EQ(json::text(*object, "access_token"), "aaa.bbb-_.ccc");
  EXPECT_EQ(json::text(*object, "token_type"), "Bearer");
  EXPECT_EQ(json::text(*object, "resource"), "https://vault.azure.net");
  EXPECT_EQ(json::text(*object, "client_id"), "client-1");
  EXPECT_EQ(json::text(*object, "expires_on"), "1587056088");
  EXPECT_EQ(json::text(*object, "expires_in"), "86400");
  EXPECT_EQ(json::text(*object, "not_before"), "1586969688");
  EXPECT_FALSE(object->contains("refresh_in"));
}

TEST(OAuthToken, HasItsNumbersAsNumbers) {
  const auto object = json::parse_object(render_oauth_token(answer(kNow + seconds{43200}), kNow));
  ASSERT_TRUE(object);
  EXPECT_EQ(json::text(*object, "token_type"), "Bearer");
  EXPECT_EQ(json::text(*object, "access_token"), "aaa.bbb-_.ccc");
  EXPECT_EQ(object->at("expires_in").as_int64(), 86400);
  EXPECT_EQ(object->at("ext_expires_in").as_int64(), 86400);
  EXPECT_EQ(object->at("refresh_in").as_int64(), 43200);
}

TEST(Token, ComesBackFromBothForms) {
  const UtcTime refresh = kNow + seconds{43200};
  for (const std::string& text : {render_oauth_token(answer(refresh), kNow),
                                  render_managed_identity_token(answer(refresh), "r", "c", kNow)}) {
    const auto parsed = parse_token(text, kNow);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->access_token.reveal(), "aaa.bbb-_.ccc");
    EXPECT_EQ(parsed->expires_on, kNow + seconds{86400});
    EXPECT_EQ(parsed->refresh_on, refresh);
  }
}

TEST(Token, IsReadInEveryFormThatEndpointsWrite) {
  struct Row {
    std::string_view members;
    std::int64_t expires_on;
    std::int64_t refresh_on;
  };
  const Row rows[] = {
      {R"("expires_in":60)", 1586969748, 0},
      {R"("expires_in":"60")", 1586969748, 0},
      {R"("expires_in":60.0)", 1586969748, 0},
      {R"("expires_in":0)", 1586969688, 0},
      {R"("expires_on":1586970000)", 1586970000, 0},
      {R"("expires_on":"1586970000")", 1586970000, 0},
      {R"("expires_on":"2020-04-15T17:00:00Z")", 1586970000, 0},
      {R"("expires_on":"2020-04-15T17:00:00.1234567+00:00")", 1586970000, 0},
      {R"("expires_on":"Wed, 15 Apr 2020 17:00:00 GMT")", 1586970000, 0},
      {R"("expires_in":60,"expires_on":"1")", 1586969748, 0},
      {R"("expires_in":null,"expires_on":"1586970000")", 1586970000, 0},
      {R"("expires_in":60,"refresh_in":30)", 1586969748, 1586969718},
      {R"("expires_in":60,"refresh_in":"30")", 1586969748, 1586969718},
      {R"("expires_in":60,"refresh_in":"soon")", 1586969748, 0},
      {R"("expires_in":60,"refresh_in":-1)", 1586969748, 0},
      {R"("expires_in":60,"refresh_in":{})", 1586969748, 0},
  };
  for (const Row& row : rows) {
    const auto parsed =
        parse_token(R"({"access_token":"t",)" + std::string(row.members) + "}", kNow);
    ASSERT_TRUE(parsed) << row.members << ": " << parsed.error().message;
    EXPECT_EQ(to_epoch_seconds(parsed->expires_on), row.expires_on) << row.members;
    EXPECT_EQ(to_epoch_seconds(parsed->refresh_on), row.refresh_on) << row.members;
  }
}

TEST(Token, AnythingElseIsAProtocolErrorThatNamesTheMember) {
  const std::string deep = R"({"access_token":)" + std::string(5000, '[');
  struct Row {
    std::string text;
    std::string_view named;
  };
  const Row rows[] = {
      {"", "JSON"},
      {"<html>", "JSON"},
      {"[]", "JSON"},
      {"\"text\"", "JSON"},
      {"{", "JSON"},
      {"{} {}", "JSON"},
      {deep, "JSON"},
      {"{\"access_token\":\"\xFF\",\"expires_in\":1}", "JSON"},
      {"{}", "access_token"},
      {R"({"access_token":5,"expires_in":60})", "access_token"},
      {R"({"access_token":"","expires_in":60})", "access_token"},
      {R"({"access_token":"a b","expires_in":60})", "access_token"},
      {R"({"access_token":"a\r\nX: y","expires_in":60})", "access_token"},
      {R"({"access_token":"\u00e4","expires_in":60})", "access_token"},
      {R"({"access_token":"t"})", "expires_in"},
      {R"({"access_token":"t","expires_in":"soon"})", "expires_in"},
      {R"({"access_token":"t","expires_in":-1})", "expires_in"},
      {R"({"access_token":"t","expires_in":1.5})", "expires_in"},
      {R"({"access_token":"t","expires_in":1e300})", "expires_in"},
      {R"({"access_token":"t","expires_in":9223372036854775807})", "expires_in"},
      {R"({"access_token":"t","expires_in":18446744073709551615})", "expires_in"},
      {R"({"access_token":"t","expires_in":[60]})", "expires_in"},
      {R"({"access_token":"t","expires_on":"tomorrow"})", "expires_on"},
      {R"({"access_token":"t","expires_on":9223372036854775807})", "expires_on"},
      {R"({"access_token":"t","expires_on":-1})", "expires_on"},
      {R"({"access_token":"t","expires_on":true})", "expires_on"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_token(row.text, kNow);
    ASSERT_FALSE(parsed) << row.text.substr(0, 80);
    EXPECT_EQ(parsed.error().kind, ErrorKind::protocol);
    EXPECT_EQ(parsed.error().code, "InvalidTokenAnswer");
    EXPECT_NE(parsed.error().message.find(row.named), std::string::npos) << parsed.error().message;
  }
}

TEST(Token, NoDamageToAnAnswerDoesHarm) {
  static constexpr std::uint64_t kSeed = 99;
  latchkey::testing::SeededRandom random(kSeed);
  const std::string whole = render_oauth_token(answer(kNow + seconds{5}), kNow);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    const auto parsed = parse_token(damaged, kNow);
    if (parsed) EXPECT_FALSE(parsed->access_token.empty()) << "seed " << kSeed << " " << round;
  }
}

TEST(OAuthError, HasEntraIdsShape) {
  const auto object = json::parse_object(render_oauth_error(
      "invalid_client", "Invalid client secret provided.", 7000215, "trace-1", kNow));
  ASSERT_TRUE(object);
  EXPECT_EQ(json::text(*object, "error"), "invalid_client");
  EXPECT_EQ(json::text(*object, "error_description"),
            "AADSTS7000215: Invalid client secret provided. Trace ID: trace-1 "
            "Correlation ID: trace-1 Timestamp: 2020-04-15 16:54:48Z");
  EXPECT_EQ(object->at("error_codes").as_array().at(0).as_int64(), 7000215);
  EXPECT_EQ(json::text(*object, "timestamp"), "2020-04-15 16:54:48Z");
  EXPECT_EQ(json::text(*object, "trace_id"), "trace-1");
  EXPECT_EQ(json::text(*object, "correlation_id"), "trace-1");
}

TEST(TokenErrors, OfTheIdentityEndpointsHaveTheirShapes) {
  EXPECT_EQ(render_app_service_error(400, "No \"x\""),
            R"({"statusCode":400,"message":"No \"x\""})");
  EXPECT_EQ(render_imds_error("invalid_request", "Identity not found"),
            R"({"error":"invalid_request","error_description":"Identity not found"})");
}

TEST(TokenError, IsUnderstoodInEveryShape) {
  struct Row {
    int status;
    std::string body;
    ErrorKind kind;
    std::string_view code, message;
  };
  const Row rows[] = {
      {400, render_imds_error("invalid_request", "Identity not found"), ErrorKind::invalid_argument,
       "invalid_request", "IMDS: Identity not found"},
      {401, render_app_service_error(401, "Wrong secret header"), ErrorKind::denied,
       "TokenRequestFailed", "IMDS: Wrong secret header"},
      {400, R"({"error":"invalid_client","error_description":"AADSTS7000215: Wrong.\r\nTrace: x"})",
       ErrorKind::denied, "invalid_client", "IMDS: AADSTS7000215: Wrong."},
      {400, R"({"error":"unauthorized_client"})", ErrorKind::denied, "unauthorized_client",
       "IMDS: unauthorized_client"},
      {400, R"({"error":{"code":"Bad","message":"Nested"}})", ErrorKind::invalid_argument, "Bad",
       "IMDS: Nested"},
      {400, R"({"error":5,"message":[]})", ErrorKind::invalid_argument, "TokenRequestFailed",
       "IMDS: HTTP 400 Bad Request"},
      {404, "", ErrorKind::not_found, "TokenRequestFailed", "IMDS: HTTP 404 Not Found"},
      {410, "", ErrorKind::unavailable, "TokenRequestFailed", "IMDS: HTTP 410 Gone"},
      {429, "<html>", ErrorKind::throttled, "TokenRequestFailed",
       "IMDS: HTTP 429 Too Many Requests"},
      {503, "{", ErrorKind::unavailable, "TokenRequestFailed",
       "IMDS: HTTP 503 Service Unavailable"},
  };
  for (const Row& row : rows) {
    http::Response response;
    response.status = row.status;
    response.body = row.body;
    response.headers.set("Retry-After", "2");
    const Error error = token_error_from(response, "IMDS");
    EXPECT_EQ(error.kind, row.kind) << row.body;
    EXPECT_EQ(error.code, row.code) << row.body;
    EXPECT_EQ(error.message, row.message) << row.body;
    EXPECT_EQ(error.http_status, row.status);
    EXPECT_EQ(error.retry_after, std::chrono::seconds{2});
  }
}

}  // namespace
}  // namespace latchkey::wire
