#include "service/telemetry/operator_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

using ::testing::HasSubstr;

http::Response ask(http::Router& router, std::string target, http::Headers headers = {}) {
  IoContext context;
  http::Request request;
  request.target = std::move(target);
  request.headers = std::move(headers);
  return latchkey::testing::await(context, router.route(request));
}

Task<Result<BearerClaims>> claims(Secret token) {
  const std::string role = token.equals("admin") ? "Codes.Admin" : "Codes.Issue";
  co_return BearerClaims{.client_id = "someone", .roles = {role}};
}

class OperatorRoutesTest : public testing::ApiTest {
 protected:
  OperatorRoutesTest() { metrics_.counter("calls_total", "Calls.").add(); }
  Metrics metrics_;
  http::Router router_;
};

TEST_F(OperatorRoutesTest, BesideTheApiMetricsAreForAdministrators) {
  Gatekeeper gatekeeper({.bearer = claims}, audit_);
  add_metrics_route(router_, metrics_, gatekeeper);
  EXPECT_EQ(ask(router_, "/metrics").status, 401);
  EXPECT_EQ(ask(router_, "/metrics", {{"Authorization", "Bearer issuer"}}).status, 403);
  const auto shown = ask(router_, "/metrics", {{"Authorization", "Bearer admin"}});
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr("calls_total 1\n"));
  EXPECT_EQ(shown.headers.find("Content-Type"), Metrics::kContentType);
}

TEST_F(OperatorRoutesTest, TheOperatorsPortTellsEverybodyWhoGetsThere) {
  Readiness readiness(clock_);
  add_operator_routes(router_, metrics_, readiness);
  EXPECT_THAT(ask(router_, "/metrics").body, HasSubstr("calls_total 1\n"));
  EXPECT_EQ(ask(router_, "/healthz").status, 200);
  EXPECT_EQ(ask(router_, "/readyz").status, 200);
  readiness.leave();
  EXPECT_EQ(ask(router_, "/readyz").status, 503);
  EXPECT_EQ(ask(router_, "/healthz").status, 200) << "alive until the end";
  EXPECT_EQ(ask(router_, "/api/v1/getcode").status, 404);
}

}  // namespace
}  // namespace latchkey::service
