#include "service/function_invocation.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/time_text.hpp"

namespace latchkey::service {
namespace {

/// As the documentation shows it.
constexpr const char* kPlain = R"({
  "Data": {"message": "{\"code\": \"abc-1-def\"}"},
  "Metadata": {"DequeueCount": 1, "Id": "800ae4b3",
    "ExpirationTime": "2019-10-16T17:58:31+00:00", "InsertionTime": "2019-10-09T17:58:31+00:00",
    "NextVisibleTime": "2019-10-09T18:08:32+00:00", "PopReceipt": "AgAAAAMAAAA",
    "sys": {"MethodName": "QueueTrigger", "UtcNow": "2019-10-09T17:58:32.2205399Z"}}})";
/// As the host's source has it: texts and numbers are JSON within the JSON.
constexpr const char* kNested = R"({
  "Data": {"message": "\"{\\\"code\\\": \\\"abc-1-def\\\"}\""},
  "Metadata": {"DequeueCount": "1", "Id": "\"800ae4b3\"",
    "ExpirationTime": "2019-10-16T17:58:31+00:00", "InsertionTime": "2019-10-09T17:58:31+00:00",
    "PopReceipt": "\"AgAAAAMAAAA\""}})";

TEST(QueueTrigger, IsReadPlainAndWithJsonWithinTheJson) {
  for (const char* body : {kPlain, kNested}) {
    const auto message = read_queue_trigger(body);
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(message->text, R"({"code": "abc-1-def"})");
    EXPECT_EQ(message->id, "800ae4b3");
    EXPECT_EQ(message->insertion_time, from_iso8601("2019-10-09T17:58:31Z"));
    EXPECT_EQ(message->expiration_time, from_iso8601("2019-10-16T17:58:31Z"));
  }
}

TEST(QueueTrigger, TakesAMessageThatTheHostHasReadAsAnObject) {
  const auto message = read_queue_trigger(
      R"({"Data":{"m":{"code":"a"}},"Metadata":{"InsertionTime":"2019-10-09T17:58:31Z"}})");
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->text, R"({"code":"a"})");
}

TEST(QueueTrigger, WithoutWhatAVisitNeedsIsAnError) {
  for (const char* body : {"", "[]", "{}", R"({"Data":{}})", R"({"Data":[]})",
                           R"({"Data":{"m":"text"}})", R"({"Data":{"m":"text"},"Metadata":{}})",
                           R"({"Data":{"m":"text"},"Metadata":{"InsertionTime":"yesterday"}})"}) {
    const auto message = read_queue_trigger(body);
    ASSERT_FALSE(message) << body;
    EXPECT_EQ(message.error().kind, ErrorKind::protocol);
  }
}

TEST(HttpTrigger, IsTheRequestOfWhoeverCalledTheHost) {
  const auto request = read_http_trigger(R"({"Data":{"req":{
      "Url": "https://app.azurewebsites.net/api/v1/getcode?a=b", "Method": "GET", "Query": "{}",
      "Headers": {"x-api-key": ["one", "two"], "Accept": "text/plain"}, "Params": {},
      "Body": "\"a text\""}},"Metadata":{}})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->method, http::Method::get);
  EXPECT_EQ(request->target, "/api/v1/getcode?a=b");
  EXPECT_EQ(request->headers.count("X-Api-Key"), 2U);
  EXPECT_EQ(request->headers.find("Accept"), "text/plain");
  EXPECT_EQ(request->body, "a text");
}

TEST(HttpTrigger, WithoutARequestIsAnError) {
  for (const char* body :
       {"{", R"({"Data":{"req":"text"}})", R"({"Data":{"req":{"Method":"GET"}}})"}) {
    EXPECT_FALSE(read_http_trigger(body)) << body;
  }
}

TEST(Outputs, AMessageIsAnObjectForAHostReadsShortTextsAsBase64) {
  const codes::IssuedCode issued{
      .code = Secret("ojE-161-pTv"),
      .issued = UtcTime{std::chrono::microseconds{1'586'969'688'816'549}}};
  auto response = http::json_response(200, "{}");
  response.headers.set("Cache-Control", "no-store");
  const auto outputs = boost::json::parse(render_outputs(response, issued)).at("Outputs");
  EXPECT_EQ(boost::json::serialize(outputs.at("msg")),
            R"({"code":"ojE-161-pTv","timestamp":"2020-04-15 16:54:48.816549"})");
  EXPECT_EQ(outputs.at("res").at("statusCode").as_int64(), 200);
  EXPECT_EQ(outputs.at("res").at("body").as_string(), "{}");
  EXPECT_EQ(outputs.at("res").at("headers").at("Cache-Control").as_string(), "no-store");
}

TEST(Outputs, WithoutACodeThereIsNoMessage) {
  const auto outputs =
      boost::json::parse(render_outputs(http::text_response(502, "no"), {})).at("Outputs");
  EXPECT_FALSE(outputs.as_object().contains("msg"));
  EXPECT_EQ(outputs.at("res").at("statusCode").as_int64(), 502);
}

}  // namespace
}  // namespace latchkey::service
