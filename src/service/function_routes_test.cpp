#include "service/function_routes.hpp"

#include "base/time_text.hpp"
#include "codes/testing/log_capture.hpp"
#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

namespace json = boost::json;

/// The API with a functions host in front of it.
class FunctionRoutesTest : public testing::ApiTest {
 protected:
  FunctionRoutesTest() { functions_.add_to(api_.router()); }

  /// What the host's caller gets, and the message that the host puts, for GET /api/v1/getcode.
  json::value get_code() {
    const auto answer = post("/getcode", R"({"Data":{"req":{"Url":"http://h/api/v1/getcode",
        "Method":"GET","Headers":{"x-api-key":["key"]}}},"Metadata":{}})");
    EXPECT_EQ(answer.status, 200);
    return json::parse(answer.body).at("Outputs");
  }
  http::Response trigger(std::string_view text) {
    const json::object body{
        {"Data", {{"message", text}}},
        {"Metadata",
         {{"Id", "an-id"},
          {"InsertionTime", to_iso8601(clock_.now())},
          {"ExpirationTime", to_iso8601(clock_.now() + std::chrono::hours{1})}}}};
    return post("/watch", json::serialize(body));
  }

  codes::WatcherOptions options_ = [] {
    codes::WatcherOptions options;
    options.host_deletes = true;
    return options;
  }();
  codes::Watcher host_watcher_{
      {queue_, table_, hasher_, server_clock_, audit_, clock_, random_, context_.get_executor()},
      options_};
  FunctionRoutes functions_{{issuer_, host_watcher_, gatekeeper_}};
  codes::testing::LogCapture log_;
};

TEST_F(FunctionRoutesTest, ACodeFromTheBindingBecomesValidByTheTrigger) {
  const auto outputs = get_code();
  EXPECT_TRUE(queues_.calls.empty());  // The message is the host's to put.
  const auto body = json::parse(outputs.at("res").at("body").as_string());
  EXPECT_EQ(body, outputs.at("msg"));
  const std::string code(std::string_view(body.at("code").as_string()));
  EXPECT_EQ(verify(code).status, 409);
  EXPECT_EQ(trigger(json::serialize(outputs.at("msg"))).status, 200);
  EXPECT_EQ(verify(code).status, 200);
  EXPECT_EQ(queues_.messages("code-requests").at(0).visible,
            clock_.now() + std::chrono::seconds{602});
}

TEST_F(FunctionRoutesTest, AFailingNumberApiIsAnAnswerAndNoMessage) {
  number_http_.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
    return http::text_response(500, "no");
  });
  const auto outputs = get_code();
  EXPECT_EQ(outputs.at("res").at("statusCode").as_int64(), 500);
  EXPECT_EQ(outputs.at("res").at("body").as_string(), kNoCode);
  EXPECT_FALSE(outputs.as_object().contains("msg"));
}

TEST_F(FunctionRoutesTest, WhileTheTableFailsThereIsNoCodeAndTheMessageComesAgain) {
  const auto message = json::serialize(get_code().at("msg"));
  table_.failure = Error{.kind = ErrorKind::unavailable,
                         .code = "Down",
                         .message = "down",
                         .retry_after = {},
                         .request_id = {},
                         .http_status = 0};
  EXPECT_EQ(trigger(message).status, 503);
  const auto outputs = get_code();
  EXPECT_EQ(outputs.at("res").at("statusCode").as_int64(), 503);
  EXPECT_FALSE(outputs.as_object().contains("msg"));
  table_.failure.reset();
  EXPECT_EQ(trigger(message).status, 200);
}

Task<Result<Secret>> no_keys(bool /*refused*/) {
  co_return Secret("[]");
}

TEST_F(FunctionRoutesTest, WhoMayNotCallGetsTheRefusalAndNoCode) {
  Gatekeeper strict({.open = false, .api_keys = no_keys}, audit_);
  FunctionRoutes functions({issuer_, host_watcher_, strict});
  http::Router router;
  functions.add_to(router);
  http::Request request;
  request.method = http::Method::post;
  request.method_name = "POST";
  request.target = "/getcode";
  request.body = R"({"Data":{"req":{"Url":"http://h/api/v1/getcode","Method":"GET",
      "Headers":{"x-api-key":["wrong"]}}}})";
  const http::Handler handler = router.handler();
  const auto answer = latchkey::testing::await(context_, handler(request));
  const auto outputs = json::parse(answer.body).at("Outputs");
  EXPECT_EQ(outputs.at("res").at("statusCode").as_int64(), 401);
  EXPECT_TRUE(outputs.at("res").at("headers").as_object().contains("WWW-Authenticate"));
  EXPECT_FALSE(outputs.as_object().contains("msg"));
  EXPECT_EQ(table_.calls, 0);
}

TEST_F(FunctionRoutesTest, WhatNoHostSendsIsRefused) {
  EXPECT_EQ(problem(post("/getcode", "{}")), "bad-invocation");
  EXPECT_EQ(problem(post("/watch", R"({"Data":{"message":"x"}})")), "bad-invocation");
  EXPECT_EQ(get("/getcode").status, 405);
}

}  // namespace
}  // namespace latchkey::service
