#include "cloud/queues/cors_rules.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

const std::vector<wire::CorsRule> kRules = {
    {.allowed_origins = "https://App.example, https://*.shop.example",
     .allowed_methods = "GET,PUT",
     .max_age_seconds = 60,
     .exposed_headers = "x-ms-meta-*,x-ms-request-id,Date",
     .allowed_headers = "x-ms-meta-a,x-ms-other-*"},
    {.allowed_origins = "*",
     .allowed_methods = "GET",
     .max_age_seconds = 5,
     .exposed_headers = "",
     .allowed_headers = "*"},
};

http::Request preflight(std::string_view origin, std::string_view method,
                        std::string_view headers = "") {
  http::Request request;
  request.method = http::Method::options;
  if (!origin.empty()) request.headers.set("Origin", origin);
  if (!method.empty()) request.headers.set("Access-Control-Request-Method", method);
  if (!headers.empty()) request.headers.set("Access-Control-Request-Headers", headers);
  return request;
}

std::string max_age(const http::Request& request) {
  const auto answer = answer_preflight(kRules, request);
  if (!answer) return answer.error().code;
  return std::string(answer->headers.find("Access-Control-Max-Age").value_or("none"));
}

TEST(CorsPreflight, TheFirstRuleThatMatchesWhollyAnswers) {
  struct Row {
    std::string_view origin, method, headers, expected;
  };
  const Row rows[] = {
      {"https://app.example", "PUT", "x-ms-meta-a", "60"},
      {"https://app.example", "put", "X-MS-Meta-A, x-ms-other-thing", "60"},
      {"https://eu.shop.example", "GET", "", "60"},
      {"https://shop.example", "PUT", "", "CorsPreflightFailure"},
      {"https://app.example.evil", "PUT", "", "CorsPreflightFailure"},
      {"https://app.example", "PUT", "x-ms-meta-b", "CorsPreflightFailure"},
      {"https://app.example", "GET", "x-ms-meta-b", "5"},
      {"https://anywhere.example", "GET", "anything", "5"},
      {"https://anywhere.example", "DELETE", "", "CorsPreflightFailure"},
      {"", "GET", "", "InvalidHeaderValue"},
      {"https://app.example", "", "", "InvalidHeaderValue"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(max_age(preflight(row.origin, row.method, row.headers)), row.expected)
        << row.origin << " " << row.method << " " << row.headers;
  }
  EXPECT_EQ(answer_preflight({}, preflight("https://a.example", "GET")).error().code,
            "CorsPreflightFailure");
}

TEST(CorsPreflight, TheAnswerRepeatsWhatWasAsked) {
  const auto answer =
      answer_preflight(kRules, preflight("https://app.example", "PUT", "x-ms-meta-a"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.find("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(answer->headers.find("Access-Control-Allow-Methods"), "PUT");
  EXPECT_EQ(answer->headers.find("Access-Control-Allow-Headers"), "x-ms-meta-a");
  EXPECT_EQ(answer->headers.find("Access-Control-Allow-Credentials"), "true");
  const auto plain = answer_preflight(kRules, preflight("https://app.example", "PUT"));
  EXPECT_FALSE(plain->headers.contains("Access-Control-Allow-Headers"));
}

http::Response answered(std::string_view origin, http::Method method,
                        const std::vector<wire::CorsRule>& rules) {
  http::Request request;
  request.method = method;
  if (!origin.empty()) request.headers.set("Origin", origin);
  http::Response response;
  response.headers = {{"x-ms-request-id", "1"}, {"x-ms-meta-a", "b"}, {"Server", "s"}};
  add_cors_headers(rules, request, response);
  return response;
}

TEST(CorsHeaders, NameTheOriginThatTheRuleNames) {
  const auto answer = answered("https://app.example", http::Method::put, kRules);
  EXPECT_EQ(answer.headers.find("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(answer.headers.find("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.headers.find("Vary"), "Origin");
  EXPECT_EQ(answer.headers.find("Access-Control-Expose-Headers"),
            "x-ms-request-id,x-ms-meta-a,Date");
}

TEST(CorsHeaders, AStarStaysAStarWithoutCredentials) {
  const auto answer = answered("https://anywhere.example", http::Method::get, kRules);
  EXPECT_EQ(answer.headers.find("Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(answer.headers.contains("Access-Control-Allow-Credentials"));
  EXPECT_FALSE(answer.headers.contains("Access-Control-Expose-Headers"));
  EXPECT_FALSE(answer.headers.contains("Vary"));
}

TEST(CorsHeaders, AreLeftOutWhereNoRuleMatches) {
  const auto other = answered("https://anywhere.example", http::Method::delete_, kRules);
  EXPECT_EQ(other.headers.find("Vary"), "Origin");
  EXPECT_FALSE(other.headers.contains("Access-Control-Allow-Origin"));
  EXPECT_EQ(answered("", http::Method::get, kRules).headers.size(), 3U);
  EXPECT_EQ(answered("https://app.example", http::Method::get, {}).headers.size(), 3U);
}

}  // namespace
}  // namespace latchkey::cloud
