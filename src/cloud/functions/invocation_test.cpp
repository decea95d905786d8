#include "cloud/functions/invocation.hpp"

#include <gtest/gtest.h>

#include <string>

#include "cloud/testing/ask.hpp"

namespace latchkey::cloud {
namespace {

using testing::json_member;

FunctionJson function_with(std::vector<QueueBinding> outputs,
                           std::optional<std::string> http_output = "res") {
  FunctionJson function;
  function.name = "work";
  function.trigger = "item";
  function.http_output = std::move(http_output);
  function.queue_outputs = std::move(outputs);
  return function;
}

QueueBinding output(std::string name, bool is_binary = false) {
  return {.name = std::move(name), .queue = "out", .connection = "", .is_binary = is_binary};
}

http::Response answer(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

wire::QueueMessage message() {
  wire::QueueMessage made;
  made.id = "the-id";
  made.insertion_time = UtcTime{std::chrono::seconds{1'586'969'688}};
  made.pop_receipt = "the-receipt";
  made.dequeue_count = 2;
  return made;
}

TEST(Invocation, AMessageIsJsonInATextAndItsMembersJoinTheMetadata) {
  const InvocationFacts facts{.function = "work", .now = {}, .random_id = "r"};
  const auto function = function_with({}, std::nullopt);
  const auto plain = render_queue_invocation(function, message(), "a \"b\"", facts);
  EXPECT_EQ(json_member(plain, "Data.item"), R"("a \"b\"")");
  EXPECT_EQ(json_member(plain, "Metadata.DequeueCount"), "2");
  EXPECT_EQ(json_member(plain, "Metadata.Id"), "\"the-id\"");
  EXPECT_EQ(json_member(plain, "Metadata.PopReceipt"), "\"the-receipt\"");
  EXPECT_EQ(json_member(plain, "Metadata.InsertionTime"), "2020-04-15T16:54:48+00:00");
  EXPECT_EQ(json_member(plain, "Metadata.sys.MethodName"), "work");

  const auto object = render_queue_invocation(
      function, message(), R"({"id":"theirs","n":1,"o":{"x":2},"list":[1],"none":null})", facts);
  EXPECT_EQ(json_member(object, "Metadata.Id"), "\"theirs\"");
  EXPECT_EQ(json_member(object, "Metadata.n"), "\"1\"");
  EXPECT_EQ(json_member(object, "Metadata.o.x"), "2");
  EXPECT_EQ(json_member(object, "Metadata.list"), "(none)");
  EXPECT_EQ(json_member(object, "Metadata.none"), "(none)");
}

TEST(Invocation, ABinaryTriggerGetsPlainBase64) {
  auto function = function_with({}, std::nullopt);
  function.queue = output("item", true);
  const auto json = render_queue_invocation(function, message(), "abc",
                                            {.function = "work", .now = {}, .random_id = "r"});
  EXPECT_EQ(json_member(json, "Data.item"), "YWJj");
}

TEST(Invocation, ARequestIsToldWithAllItHas) {
  http::Request request;
  request.method = http::Method::post;
  request.method_name = "POST";
  request.target = "/api/work/7?a=1%202";
  request.headers = {{"Host", "app.azurewebsites.net"}, {"X-Two", "1"}, {"x-two", "2"}};
  request.body = "text";
  request.over_tls = true;
  const auto function = function_with({});
  auto json = render_http_invocation(function, request, {{"id", "7"}});
  EXPECT_EQ(json_member(json, "Data.item.Url"), "https://app.azurewebsites.net/api/work/7?a=1%202");
  EXPECT_EQ(json_member(json, "Data.item.Method"), "POST");
  EXPECT_EQ(json_member(json, "Data.item.Query.a"), "1 2");
  EXPECT_EQ(json_member(json, "Data.item.Params.id"), "7");
  EXPECT_EQ(json_member(json, "Data.item.Body"), "text");
  EXPECT_EQ(json_member(json, "Data.item.Headers.Host"), R"(["app.azurewebsites.net"])");
  EXPECT_EQ(json_member(json, "Metadata.id"), "\"7\"");
  request.headers.set("Content-Type", "application/octet-stream");
  json = render_http_invocation(function, request, {});
  EXPECT_EQ(json_member(json, "Data.item.Body"), "dGV4dA==");
}

TEST(Invocation, OutputsToQueuesRowByRow) {
  struct Row {
    const char* name;
    const char* value;
    bool is_binary;
    MessageEncoding encoding;
    std::vector<std::string> texts;
  };
  using enum MessageEncoding;
  const Row rows[] = {{"an object", R"({"a": 1})", false, none, {R"({"a":1})"}},
                      {"a text", R"("some text!")", false, none, {"some text!"}},
                      {"a number", "7", false, none, {"7"}},
                      {"nothing", "null", false, none, {}},
                      {"a list", R"(["abcd",{"a":1},2])", false, none, {"abcd", R"({"a":1})", "2"}},
                      {"Base64 is bytes", R"("aGVsbG8=")", false, none, {"hello"}},
                      {"with blanks", R"(" aGVs bG8= \n")", false, none, {"hello"}},
                      {"but not where it is binary", R"("aGVsbG8=")", true, none, {"aGVsbG8="}},
                      {"encoded", R"("some text!")", false, base64, {"c29tZSB0ZXh0IQ=="}},
                      {"bytes, encoded", R"("aGVsbG8=")", false, base64, {"aGVsbG8="}},
                      {"eight letters", R"("ojEXpTvx")", false, base64, {"ojEXpTvx"}},
                      {"an empty text", R"("")", false, none, {""}}};
  for (const Row& row : rows) {
    const auto function = function_with({output("msg", row.is_binary)});
    const auto result = read_invocation_result(
        function, answer(R"({"Outputs":{"msg":)" + std::string(row.value) + "}}"), row.encoding);
    ASSERT_TRUE(result) << row.name << ": " << result.error().message;
    std::vector<std::string> texts;
    for (const auto& made : result->messages) texts.push_back(made.text);
    EXPECT_EQ(texts, row.texts) << row.name;
  }
}

TEST(Invocation, BytesThatAreNoTextAreRefusedWithTheReason) {
  const auto function = function_with({output("msg")});
  const auto result = read_invocation_result(function, answer(R"({"Outputs":{"msg":"ojEXpTvx"}})"),
                                             MessageEncoding::none);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("output msg is Base64"), std::string::npos);
}

TEST(Invocation, TheHttpOutputIsTheAnswer) {
  struct Row {
    const char* value;
    int status;
    const char* type;
    const char* body;
  };
  const Row rows[] = {
      {R"({"statusCode":201,"body":{"a":1}})", 201, "application/json; charset=utf-8",
       R"({"a":1})"},
      {R"({"status":"404","body":"gone"})", 404, "text/plain; charset=utf-8", "gone"},
      {R"({"headers":{"content-type":"text/html"},"body":"<p>"})", 200, "text/html", "<p>"},
      {R"({"statusCode":204})", 204, "", ""},
      {R"({"other":1})", 200, "application/json; charset=utf-8", R"({"other":1})"},
      {R"("aGVsbG8=")", 200, "text/plain; charset=utf-8", "aGVsbG8="}};
  for (const Row& row : rows) {
    const auto result = read_invocation_result(
        function_with({}), answer(R"({"Outputs":{"res":)" + std::string(row.value) + "}}"),
        MessageEncoding::none);
    ASSERT_TRUE(result) << row.value;
    EXPECT_EQ(result->response.status, row.status) << row.value;
    EXPECT_EQ(testing::header_of(result->response, "Content-Type"), row.type) << row.value;
    EXPECT_EQ(result->response.body, row.body) << row.value;
  }
  const auto returned = read_invocation_result(
      function_with({}, "$return"), answer(R"({"returnvalue":"aGVsbG8="})"), MessageEncoding::none);
  EXPECT_EQ(returned->response.body, "hello") << "a returned text goes the way of the outputs";
}

TEST(Invocation, AnswersThatAreFailures) {
  const auto function = function_with({output("msg")});
  const http::Response rows[] = {answer(R"({"Outputs":{"msg":1}})", 500),
                                 answer(R"({"Outputs":{"msg":1}})", 302),
                                 answer(""),
                                 answer("[]"),
                                 answer(R"({"Outputs":[]})"),
                                 answer(R"({"Logs":"x"})"),
                                 answer(R"({"Outputs":{"res":{"statusCode":99}}})"),
                                 answer(R"({"Outputs":{"res":{"status":"many"}}})")};
  for (const auto& row : rows) {
    EXPECT_FALSE(read_invocation_result(function, row, MessageEncoding::none)) << row.body;
  }
}

TEST(Invocation, MessagesAreDecodedAsHostJsonSays) {
  EXPECT_EQ(decode_message("aGVsbG8=", MessageEncoding::base64), "hello");
  EXPECT_EQ(decode_message("aGVsbG8=", MessageEncoding::none), "aGVsbG8=");
  EXPECT_EQ(decode_message("{plain}", MessageEncoding::base64), std::nullopt);
}

}  // namespace
}  // namespace latchkey::cloud
