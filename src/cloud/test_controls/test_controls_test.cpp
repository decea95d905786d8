#include "cloud/test_controls/test_controls.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cloud/testing/ask.hpp"
#include "cloud/testing/cloud_store.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "http/drop_connection.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::header_of;
using testing::json_member;
using testing::test_token;

constexpr std::string_view kManagement = "https://management.azure.com";
constexpr std::string_view kStorage = "https://storage.azure.com";

Task<http::Response> say(std::string text) {
  co_return http::json_response(200, std::move(text));
}

class TestControlsTest : public ::testing::Test {
 protected:
  TestControlsTest() { own(); }
  void own() {
    store_.assign(testing::kTestPrincipal, "Owner", store_.tenancy.subscription_scope());
  }
  TestControls make(bool allowed) {
    return TestControls({.tenancy = store_.tenancy,
                         .gate = gate_,
                         .keys = store_.keys,
                         .clock = clock_,
                         .random = store_.random},
                        allowed);
  }
  http::Response control(Method method, std::string_view path, std::string body = {}) {
    return control_of(controls_, method, path, std::move(body));
  }
  http::Response control_of(TestControls& controls, Method method, std::string_view path,
                            std::string body = {}) {
    auto target = fmt::format("{}/providers/Latchkey.TestControls/{}?api-version=1",
                              store_.tenancy.resource_group_scope(), path);
    const auto management = [](const http::Request&) { return say("management"); };
    return ask(controls.before(management), method, std::move(target),
               {{"Authorization", "Bearer " + test_token(kManagement, store_.clock)}},
               std::move(body));
  }
  http::Response call(FaultTarget target, std::string path = "/") {
    const auto service = [](const http::Request&) { return say("served"); };
    return ask(controls_.around(target, service), Method::get, std::move(path));
  }
  void plan(std::string_view path, std::string body = "{}") {
    const auto answer = control(Method::put, path, std::move(body));
    ASSERT_EQ(answer.status, 200) << answer.body;
  }

  testing::CloudStore store_;
  MovableClock clock_{store_.clock};
  ArmGate gate_{store_.tenancy, *store_.roles, store_.authenticator};
  TestControls controls_ = make(true);
};

TEST_F(TestControlsTest, OffTheyAreRefusedAndCostNothing) {
  auto off = make(false);
  for (const auto* path : {"clock", "faults", "faults/vault/429"}) {
    const auto answer = control_of(off, Method::get, path);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(json_member(answer.body, "error.code"), "TestControlsOff");
    EXPECT_NE(answer.body.find("--test-controls"), std::string::npos);
  }
  EXPECT_EQ(control_of(off, Method::post, "clock", R"({"by":"+10m"})").status, 403);
  EXPECT_EQ(clock_.offset().count(), 0);
}

TEST_F(TestControlsTest, AreForWhoeverMayWriteThere) {
  const auto path = store_.tenancy.resource_group_scope() +
                    "/providers/Latchkey.TestControls/clock?api-version=1";
  const auto handler = controls_.before([](const http::Request&) { return say("management"); });
  EXPECT_EQ(ask(handler, Method::get, path).status, 401);
  const auto others = {std::pair<std::string, std::string>{
      "Authorization", "Bearer " + test_token(kStorage, store_.clock)}};
  EXPECT_EQ(ask(handler, Method::get, path, others).status, 401);
  testing::CloudStore poor;
  ArmGate poor_gate(poor.tenancy, *poor.roles, poor.authenticator);
  TestControls not_ours({.tenancy = store_.tenancy,
                         .gate = poor_gate,
                         .keys = store_.keys,
                         .clock = clock_,
                         .random = store_.random},
                        true);
  EXPECT_EQ(control_of(not_ours, Method::post, "clock", R"({"by":"1m"})").status, 403);
  EXPECT_EQ(ask(handler, Method::get, "/subscriptions/s/other").body, "management");
}

TEST_F(TestControlsTest, FaultsHaveTheServicesOwnShape) {
  struct Row {
    const char* plan;
    FaultTarget target;
    const char* path;
    int status;
    const char* member;
    const char* value;
  };
  const Row rows[] = {
      {"vault/429", FaultTarget::vault, "/secrets/n", 429, "error.code", "Throttled"},
      {"vault/500", FaultTarget::vault, "/secrets/n", 500, "error.code", "InternalServerError"},
      {"vault/503", FaultTarget::vault, "/secrets/n", 503, "error.code", "ServiceUnavailable"},
      {"login/429", FaultTarget::login, "/t/oauth2/v2.0/token", 429, "error",
       "temporarily_unavailable"},
      {"login/503", FaultTarget::login, "/t/oauth2/v2.0/token", 503, "error_codes.0", "90033"},
      {"login/500", FaultTarget::login, "/t/oauth2/v2.0/token", 500, "error", "server_error"},
      {"identity/429", FaultTarget::identity, "/msi/token", 429, "statusCode", "429"},
      {"identity/503", FaultTarget::identity, "/metadata/identity/oauth2/token", 503, "error",
       "service_unavailable"},
      {"management/429", FaultTarget::management, "/x", 429, "error.code", "TooManyRequests"},
      {"functions/500", FaultTarget::functions, "/api/f", 500, "", "(none)"}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.plan);
    plan(fmt::format("faults/{}", row.plan), R"({"retryAfter":7})");
    const auto answer = call(row.target, row.path);
    EXPECT_EQ(answer.status, row.status);
    EXPECT_EQ(json_member(answer.body, row.member), row.value);
    EXPECT_EQ(header_of(answer, "Retry-After"), row.status == 500 ? "" : "7");
    control(Method::delete_, "faults");
  }
}

TEST_F(TestControlsTest, QueueFaultsAreXml) {
  const std::pair<const char*, const char*> rows[] = {{"faults/queue/503", "ServerBusy"},
                                                      {"faults/queue/500", "InternalError"},
                                                      {"faults/queue/429", "TooManyRequests"}};
  for (const auto& [path, code] : rows) {
    plan(path);
    const auto answer = call(FaultTarget::queue);
    EXPECT_EQ(header_of(answer, "x-ms-error-code"), code);
    EXPECT_NE(answer.body.find(fmt::format("<Code>{}</Code>", code)), std::string::npos);
    control(Method::delete_, "faults/queue");
  }
}

TEST_F(TestControlsTest, AfterItsCountTheServiceAnswersAgain) {
  plan("faults/vault/503", R"({"count":1})");
  EXPECT_EQ(call(FaultTarget::vault).status, 503);
  EXPECT_EQ(call(FaultTarget::vault).body, "served");
  const auto listed = control(Method::get, "faults");
  EXPECT_EQ(json_member(listed.body, "value.0.hits"), "1");
  EXPECT_EQ(json_member(listed.body, "value.0.left"), "0");
}

TEST_F(TestControlsTest, DropThrowsWhatClosesTheConnection) {
  plan("faults/queue/drop");
  EXPECT_THROW(call(FaultTarget::queue), http::DropConnection);
}

TEST_F(TestControlsTest, ManagementTokensAreSparedSoThatAFaultCanBeTakenBack) {
  plan("faults/identity/500");
  EXPECT_EQ(call(FaultTarget::identity, "/msi/token?resource=https://vault.azure.net").status, 500);
  EXPECT_EQ(
      call(FaultTarget::identity, "/msi/token?resource=https%3A%2F%2Fmanagement.azure.com").body,
      "served");
}

TEST_F(TestControlsTest, AnEndedTokenReachesTheServiceWhichRefusesIt) {
  plan("faults/queue/expired-token");
  const std::string_view audiences[] = {kStorage};
  const auto service = [&](const http::Request& request) {
    const auto field = *request.headers.find("Authorization");
    const auto who = store_.authenticator.authenticate(field.substr(7), audiences);
    return say(who ? "served" : who.error().code);
  };
  const auto handler = controls_.around(FaultTarget::queue, service);
  const auto bearer = "Bearer " + test_token(kStorage, store_.clock);
  EXPECT_EQ(ask(handler, Method::get, "/", {{"Authorization", bearer}}).body, "TokenExpired");
  // What is no token of ours goes on as it is.
  EXPECT_EQ(ask(handler, Method::get, "/", {{"Authorization", "Bearer x"}}).body, "MalformedToken");
}

TEST_F(TestControlsTest, TheTokenServicesGiveEndedTokens) {
  plan("faults/identity/expired-token", R"({"count":1})");
  const auto good = test_token(kStorage, store_.clock);
  const auto service = [&](const http::Request&) {
    return say(
        fmt::format(R"({{"access_token":"{}","expires_on":"2000000000","expires_in":9}})", good));
  };
  const auto handler = controls_.around(FaultTarget::identity, service);
  const auto answer = ask(handler, Method::get, "/msi/token");
  const auto token = json_member(answer.body, "access_token");
  const std::string_view audiences[] = {kStorage};
  const auto who = store_.authenticator.authenticate(token, audiences);
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().code, "TokenExpired");
  EXPECT_EQ(json_member(answer.body, "expires_in"), "0");
  EXPECT_LT(json_member(answer.body, "expires_on"), "2000000000");
  EXPECT_EQ(json_member(ask(handler, Method::get, "/msi/token").body, "access_token"), good);
}

TEST_F(TestControlsTest, TheClockMovesAndComesBack) {
  const auto before = clock_.now();
  const auto moved = control(Method::post, "clock", R"({"by":"+10m"})");
  EXPECT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(clock_.now() - before, std::chrono::minutes{10});
  EXPECT_EQ(
      json_member(control(Method::post, "clock", R"({"by":"-5s"})").body, "offsetMilliseconds"),
      "595000");
  EXPECT_EQ(clock_.steady_now(), store_.clock.steady_now());
  control(Method::delete_, "clock");
  EXPECT_EQ(clock_.now(), before);
}

TEST_F(TestControlsTest, BadOrdersAreRefusedWithoutEffect) {
  const std::tuple<Method, const char*, const char*> rows[] = {
      {Method::post, "clock", R"({"by":"soon"})"},
      {Method::post, "clock", "{}"},
      {Method::post, "clock", R"({"by":"+367d"})"},
      {Method::post, "clock", R"({"by":10})"},
      {Method::put, "faults/vault/418", "{}"},
      {Method::put, "faults/oven/429", "{}"},
      {Method::put, "faults/vault/429", "[]"},
      {Method::put, "faults/vault/429", "no"},
      {Method::put, "faults/vault/429", R"({"rate":"x"})"},
      {Method::put, "faults/vault/429", R"({"rate":2})"},
      {Method::put, "faults/vault/429", R"({"count":-1})"},
      {Method::put, "faults/vault/429", R"({"retryAfter":1.5})"},
      {Method::put, "faults/vault/slow", R"({"delay":"2"})"},
      {Method::put, "faults/functions/expired-token", "{}"}};
  for (const auto& [method, path, body] : rows) {
    const auto answer = control(method, path, body);
    EXPECT_EQ(answer.status, 400) << path << " " << body << " " << answer.body;
  }
  EXPECT_EQ(clock_.offset().count(), 0);
  EXPECT_EQ(json_member(control(Method::get, "faults").body, "value"), "[]");
  EXPECT_EQ(control(Method::put, "clock").status, 405);
  EXPECT_EQ(control(Method::post, "faults").status, 405);
  EXPECT_EQ(control(Method::get, "other").status, 404);
}

}  // namespace
}  // namespace latchkey::cloud
