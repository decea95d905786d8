#include "http/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

std::vector<std::string> names_of(const Headers& headers) {
  std::vector<std::string> names;
  for (const auto& field : headers) names.emplace_back(field.name);
  return names;
}

TEST(Method, NamesGoBothWays) {
  const std::pair<Method, std::string_view> rows[] = {
      {Method::get, "GET"},         {Method::head, "HEAD"},   {Method::post, "POST"},
      {Method::put, "PUT"},         {Method::patch, "PATCH"}, {Method::delete_, "DELETE"},
      {Method::options, "OPTIONS"}, {Method::trace, "TRACE"}, {Method::connect, "CONNECT"},
  };
  for (const auto& [method, name] : rows) {
    EXPECT_EQ(to_string(method), name);
    EXPECT_EQ(method_from(name), method) << name;
  }
}

TEST(Method, NameIsCaseSensitiveAndUnknownOnesAreOther) {
  EXPECT_EQ(method_from("get"), Method::other);
  EXPECT_EQ(method_from("BREW"), Method::other);
  EXPECT_EQ(method_from(""), Method::other);
  EXPECT_EQ(to_string(Method::other), "");
}

TEST(Method, OnlyIdempotentOnesMayBeRepeated) {
  for (const Method method :
       {Method::get, Method::head, Method::put, Method::delete_, Method::options, Method::trace}) {
    EXPECT_TRUE(is_idempotent(method)) << to_string(method);
  }
  for (const Method method : {Method::post, Method::patch, Method::connect, Method::other}) {
    EXPECT_FALSE(is_idempotent(method)) << to_string(method);
  }
}

TEST(Headers, FindsNamesWithoutCaseAndGivesTheFirst) {
  const Headers headers{{"Host", "a"}, {"X-Thing", "1"}, {"x-thing", "2"}};
  EXPECT_EQ(headers.find("host"), "a");
  EXPECT_EQ(headers.find("X-THING"), "1");
  EXPECT_EQ(headers.find("x-thin"), std::nullopt);
  EXPECT_EQ(headers.count("X-thing"), 2U);
  EXPECT_TRUE(headers.contains("HOST"));
}

TEST(Headers, KeepTheirOrderAndTheirSpelling) {
  Headers headers;
  headers.add("b", "1");
  headers.add("A", "2");
  headers.add("b", "");
  EXPECT_THAT(names_of(headers), testing::ElementsAre("b", "A", "b"));
  EXPECT_EQ(headers.at(1).value, "2");
  EXPECT_EQ(headers.at(2).value, "");
}

TEST(Headers, SetReplacesAllOfThatNameInPlaceOfTheFirst) {
  Headers headers{{"a", "1"}, {"B", "2"}, {"c", "3"}, {"b", "4"}};
  headers.set("b", "new");
  EXPECT_THAT(names_of(headers), testing::ElementsAre("a", "b", "c"));
  EXPECT_EQ(headers.find("B"), "new");
  headers.set("d", "5");
  EXPECT_EQ(headers.at(3).value, "5");
}

TEST(Headers, TakeTextThatLiesInThemselves) {
  Headers headers{{"source", std::string(40, 'x')}};
  for (int i = 0; i < 20; ++i) {
    headers.add("copy", *headers.find("source"));
    headers.set("other", *headers.find("copy"));
    headers.set(headers.at(0).name, headers.at(0).value);
  }
  EXPECT_EQ(headers.count("copy"), 20U);
  for (const auto& field : headers) EXPECT_EQ(field.value, std::string(40, 'x'));
}

TEST(Headers, RemoveTakesAllOfThatNameAndClearTakesEverything) {
  Headers headers{{"a", "1"}, {"A", "2"}, {"b", "3"}};
  headers.remove("a");
  EXPECT_THAT(names_of(headers), testing::ElementsAre("b"));
  headers.clear();
  EXPECT_EQ(headers.size(), 0U);
  EXPECT_EQ(headers.find("b"), std::nullopt);
}

TEST(Query, DecodesKeysAndValuesAndLeavesPlusAlone) {
  const auto query = parse_query("a=1&b%20c=d%2Fe+f&flag&empty=&&x=y=z");
  ASSERT_TRUE(query);
  ASSERT_EQ(query->size(), 5U);
  EXPECT_EQ(*find_parameter(*query, "a"), "1");
  EXPECT_EQ(*find_parameter(*query, "b c"), "d/e+f");
  EXPECT_EQ(*find_parameter(*query, "flag"), "");
  EXPECT_EQ(*find_parameter(*query, "empty"), "");
  EXPECT_EQ(*find_parameter(*query, "x"), "y=z");
}

TEST(Query, ParameterIsFoundWithoutCaseAndTheFirstCounts) {
  const auto query = parse_query("API-Version=7.4&api-version=2");
  ASSERT_TRUE(query);
  EXPECT_EQ(*find_parameter(*query, "api-version"), "7.4");
  EXPECT_EQ(find_parameter(*query, "api"), nullptr);
}

TEST(Query, MalformedPercentEncodingIsRefused) {
  for (const auto* text : {"a=%", "a=%4", "a=%zz", "%=1", "a=1&b=%%"}) {
    EXPECT_EQ(parse_query(text), std::nullopt) << text;
  }
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(RequestTarget, IsTakenApartAtTheFirstQuestionMark) {
  Request request;
  request.target = "/a%20b?c=d?e";
  EXPECT_EQ(request.path(), "/a%20b");
  EXPECT_EQ(request.query_text(), "c=d?e");
  request.target = "/a";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query_text(), "");
}

TEST(Responses, CarryTheirContentType) {
  const Response text = text_response(404, "no");
  EXPECT_EQ(text.status, 404);
  EXPECT_EQ(text.body, "no");
  EXPECT_EQ(text.headers.find("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(json_response(200, "{}").headers.find("Content-Type"), "application/json");
}

TEST(ReasonPhrase, IsTheStandardOne) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

}  // namespace
}  // namespace latchkey::http
