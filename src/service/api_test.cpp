#include "service/api.hpp"

#include "service/random_number.hpp"
#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

using http::Method;
using testing::ApiTest;

TEST_F(ApiTest, UnknownPathsAndMethodsHaveProblemDetails) {
  EXPECT_EQ(problem(get("/api/v2/getcode")), "no-such-path");
  const auto wrong = get("/api/v1/verify");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.find("Allow"), "POST");
  EXPECT_EQ(problem(wrong), "method-not-allowed");
  EXPECT_EQ(call(Method::head, "/api/v1/getcode").status, 405) << "HEAD must not issue a code";
  EXPECT_EQ(get("/api/v1/codes").status, 405);
}

TEST_F(ApiTest, HomePageLinksToTheApi) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("href=\"/api/v1/getcode\""), std::string::npos);
  EXPECT_NE(page.body.find("href=\"/openapi.json\""), std::string::npos);
}

TEST_F(ApiTest, DescribesItself) {
  const auto description = get("/openapi.json");
  EXPECT_EQ(description.headers.find("Content-Type"), "application/json");
  const auto document = boost::json::parse(description.body);
  EXPECT_TRUE(document.at("paths").as_object().contains("/api/v1/verify"));
}

TEST_F(ApiTest, FurtherRoutesMayBeMounted) {
  api_.router().add(Method::get, "/more",
                    [](const http::Request&, const http::Match&) -> Task<http::Response> {
                      co_return http::text_response(200, "more");
                    });
  EXPECT_EQ(get("/more").body, "more");
}

Task<Result<>> fine() {
  co_return Result<>{};
}
Task<Result<>> broken(int& asked) {
  ++asked;
  co_return fail(ErrorKind::unavailable, "QueueUnavailable",
                 "queue code-requests cannot be reached");
}

TEST_F(ApiTest, ReadinessNamesWhatIsMissingAndAsksOncePerWhile) {
  int asked = 0;
  readiness_.add("table", [] { return fine(); });
  readiness_.add("queue", [&asked] { return broken(asked); });
  const auto answer = get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("queue code-requests cannot be reached"), std::string::npos);
  get("/readyz");
  EXPECT_EQ(asked, 1);
  clock_.advance(std::chrono::seconds{2});
  get("/readyz");
  EXPECT_EQ(asked, 2);
}

TEST_F(ApiTest, WhoLeavesIsNotReadyButAnswersAndEndsConnections) {
  readiness_.add("table", [] { return fine(); });
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_FALSE(get("/healthz").headers.find("Connection"));
  readiness_.leave();
  const auto ready = get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("stopping"), std::string::npos);
  const auto alive = get("/healthz");
  EXPECT_EQ(alive.status, 200);
  EXPECT_EQ(alive.headers.find("Connection"), "close");
}

TEST_F(ApiTest, TheNumberFunctionGivesOneToAThousand) {
  const auto handler = random_number_function(random_);
  const http::Request request;
  bool seen_one = false;
  bool seen_thousand = false;
  for (int i = 0; i < 20'000; ++i) {
    const auto response = latchkey::testing::await(context_, handler(request));
    seen_one |= response.body == R"({"value": 1})";
    seen_thousand |= response.body == R"({"value": 1000})";
    ASSERT_NE(response.body, R"({"value": 0})");
    ASSERT_NE(response.body, R"({"value": 1001})");
  }
  EXPECT_TRUE(seen_one && seen_thousand);
}

}  // namespace
}  // namespace latchkey::service
