#include "service/issue_routes.hpp"

#include <fmt/format.h>

#include "base/time_text.hpp"
#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

using codes::testing::FakeQueues;
using std::chrono::seconds;
using testing::ApiTest;

constexpr const char* kKey = "8e03978e-40d5-43dd-bc93-6894a57f9324";

Error error_of(ErrorKind kind, std::string code, int http_status) {
  return {.kind = kind,
          .code = std::move(code),
          .message = "said by a test",
          .retry_after = {},
          .request_id = {},
          .http_status = http_status};
}

TEST(FailedGetCode, GivesTheNumberApisOwnErrorStatusAndTheWalkthroughsSentence) {
  for (const int status : {400, 401, 403, 404, 429, 500, 503}) {
    const auto answer = answer_for_failed_getcode(error_of(ErrorKind::unavailable, "X", status));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, "Could not get you a code.");
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
  }
}

TEST(FailedGetCode, IsABadGatewayOrATimeoutWhenNoErrorStatusCame) {
  const std::tuple<ErrorKind, int, int> rows[] = {{ErrorKind::unavailable, 0, 502},
                                                  {ErrorKind::protocol, 200, 502},
                                                  {ErrorKind::protocol, 302, 502},
                                                  {ErrorKind::timeout, 0, 504}};
  for (const auto& [kind, upstream, status] : rows) {
    const auto answer = answer_for_failed_getcode(error_of(kind, "X", upstream));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, kNoCode);
  }
}

TEST(FailedIssue, OfOurOwnStoresIsUnavailableWithARetryTime) {
  for (const char* code : {"QueueUnavailable", "TableUnavailable"}) {
    for (const auto& answer : {answer_for_failed_getcode(error_of(ErrorKind::denied, code, 403)),
                               problem_for_failed_issue(error_of(ErrorKind::denied, code, 403))}) {
      EXPECT_EQ(answer.status, 503) << code;
      EXPECT_EQ(answer.headers.find("Content-Type"), "application/problem+json");
      EXPECT_EQ(answer.headers.find("Retry-After"), "1");
    }
  }
}

TEST(FailedIssue, NeverPassesOnTheNumberApisStatusForItWouldReadAsOurs) {
  for (const int upstream : {0, 401, 404, 429, 503}) {
    EXPECT_EQ(problem_for_failed_issue(error_of(ErrorKind::unavailable, "X", upstream)).status,
              502);
  }
  EXPECT_EQ(problem_for_failed_issue(error_of(ErrorKind::timeout, "X", 504)).status, 502);
  EXPECT_EQ(problem_for_failed_issue(error_of(ErrorKind::timeout, "X", 0)).status, 504);
}

TEST(FailedIssue, OverALimitSaysWhenToTryAgainInWholeSecondsRoundedUp) {
  Error error = error_of(ErrorKind::throttled, "IssueLimit", 0);
  error.retry_after = std::chrono::milliseconds{59'001};
  for (const auto& answer : {answer_for_failed_getcode(error), problem_for_failed_issue(error)}) {
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.headers.find("Retry-After"), "60");
  }
}

TEST_F(ApiTest, GetCodeAnswersAsInTheWalkthrough) {
  const auto answer = get("/api/v1/getcode");
  EXPECT_EQ(answer.status, 200);
  const auto document = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(document.size(), 2U);
  EXPECT_EQ(text(answer, "timestamp"), to_python_utc(clock_.now()));
  EXPECT_EQ(text(answer, "code").substr(3, 5), "-161-");
  EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
}

TEST_F(ApiTest, AnUnreachableNumberApiGivesTheSentenceAndNoCode) {
  number_http_.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
    return fail(ErrorKind::unavailable, "ConnectionRefused", "said by a test");
  });
  const auto answer = get("/api/v1/getcode");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.body, kNoCode);
  EXPECT_EQ(problem(post("/api/v1/codes", "{}")), "number-api-failed");
}

TEST_F(ApiTest, ACodeIsIssuedForASubjectAndPurposeForItsLifetime) {
  const auto answer = issue(R"({"subject":"ada","purpose":"sign-in","lifetime":60})");
  EXPECT_EQ(answer.headers.find("Location"), "/api/v1/codes/" + text(answer, "id"));
  EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(text(answer, "timestamp"), to_python_utc(clock_.now()));
  EXPECT_EQ(text(answer, "expires"), to_python_utc(clock_.now() + seconds{60}));
  watch();
  EXPECT_EQ(verify(text(answer, "code")).status, 403) << "it is bound";
  EXPECT_EQ(verify(text(answer, "code"), R"(,"subject":"ada","purpose":"sign-in")").status, 200);
}

TEST_F(ApiTest, WithoutALifetimeTheRulesCount) {
  EXPECT_EQ(text(issue(), "expires"), to_python_utc(clock_.now() + seconds{600}));
  EXPECT_EQ(problem(post("/api/v1/codes", R"({"lifetime":601})")), "bad-body");
}

TEST_F(ApiTest, ASubjectSeesWhatIsLeftOfItsCodesAndThenALimit) {
  for (int left = 4; left >= 0; --left) {
    const auto answer = issue(R"({"subject":"ada"})");
    EXPECT_EQ(answer.headers.find("RateLimit-Policy"), R"("issue";q=5;w=600)");
    EXPECT_EQ(answer.headers.find("RateLimit"), fmt::format(R"("issue";r={};t=600)", left));
  }
  const auto over = post("/api/v1/codes", R"({"subject":"ada","purpose":"other"})");
  EXPECT_EQ(over.status, 429);
  EXPECT_EQ(problem(over), "issue-limit");
  EXPECT_EQ(over.headers.find("Retry-After"), "600");
  EXPECT_EQ(issue(R"({"subject":"bob"})").status, 201) << "nobody else is limited";
  EXPECT_FALSE(issue().headers.contains("RateLimit")) << "codes without a subject have no limit";
}

TEST_F(ApiTest, AFailingQueueGivesAProblem) {
  queues_.refuse = [](const FakeQueues::Call&) { return http::text_response(500, ""); };
  EXPECT_EQ(problem(post("/api/v1/codes", "{}")), "queue-unavailable");
  EXPECT_EQ(problem(get("/api/v1/getcode")), "queue-unavailable");
}

TEST_F(ApiTest, AFailingTableGivesAProblem) {
  table_.failure = error_of(ErrorKind::storage, "Disk", 0);
  EXPECT_EQ(problem(post("/api/v1/codes", "{}")), "table-unavailable");
  EXPECT_EQ(problem(get("/api/v1/getcode")), "table-unavailable");
}

TEST_F(ApiTest, ARepeatedIssueGetsTheSameCodeAndNoSecondOneIsMade) {
  const http::Headers headers{{"Idempotency-Key", kKey}};
  const auto first = post("/api/v1/codes", R"({"subject":"ada"})", headers);
  ASSERT_EQ(first.status, 201);
  EXPECT_FALSE(first.headers.contains("Idempotency-Replayed"));
  clock_.advance(seconds{599});
  const auto second = post("/api/v1/codes", R"({"subject":"ada"})", headers);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.headers.find("Location"), first.headers.find("Location"));
  EXPECT_EQ(second.headers.find("Idempotency-Replayed"), "true");
  EXPECT_EQ(queues_.count(FakeQueues::Step::put), 1);
}

TEST_F(ApiTest, AKeyThatComesWithAnotherBodyIsRefused) {
  const http::Headers headers{{"Idempotency-Key", kKey}};
  ASSERT_EQ(post("/api/v1/codes", R"({"subject":"ada"})", headers).status, 201);
  const auto other = post("/api/v1/codes", R"({"subject":"bob"})", headers);
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(problem(other), "idempotency-key-reused");
}

TEST_F(ApiTest, AMalformedKeyIsRefusedAndNothingIsIssued) {
  const auto answer = post("/api/v1/codes", "{}", {{"Idempotency-Key", "short"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(problem(answer), "bad-idempotency-key");
  EXPECT_EQ(queues_.count(FakeQueues::Step::put), 0);
}

TEST_F(ApiTest, AFailedIssueMayBeRepeatedWithItsKey) {
  const http::Headers headers{{"Idempotency-Key", kKey}};
  queues_.refuse = [](const FakeQueues::Call&) { return http::text_response(500, ""); };
  ASSERT_EQ(post("/api/v1/codes", "{}", headers).status, 503);
  queues_.refuse = nullptr;
  const auto again = post("/api/v1/codes", "{}", headers);
  EXPECT_EQ(again.status, 201);
  EXPECT_FALSE(again.headers.contains("Idempotency-Replayed"));
}

TEST_F(ApiTest, AKeyWhoseFirstRequestIsUnderWayIsToldToWait) {
  const auto claim = latchkey::testing::await(
      context_, idempotency_.claim("issue", "address:192.0.2.7", kKey, "{}"));
  ASSERT_TRUE(claim);
  const auto second = post("/api/v1/codes", "{}", {{"Idempotency-Key", kKey}});
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(problem(second), "request-in-progress");
  EXPECT_EQ(second.headers.find("Retry-After"), "1");
}

}  // namespace
}  // namespace latchkey::service
