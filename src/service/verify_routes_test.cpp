#include "service/verify_routes.hpp"

#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

using std::chrono::seconds;
using testing::ApiTest;

constexpr const char* kUnknown = "zzz-9-zzz";

TEST_F(ApiTest, AValidCodeIsAcceptedOnceAndThenRefused) {
  const auto issued = issue();
  watch();
  const auto first = verify(text(issued, "code"));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, R"({"accepted":true,"id":")" + text(issued, "id") + "\"}");
  EXPECT_EQ(first.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(problem(verify(text(issued, "code"))), "code-refused");
}

TEST_F(ApiTest, UnknownUsedRevokedExpiredAndMisformedCodesGetTheSameAnswer) {
  const auto used = issue();
  const auto revoked = issue();
  const auto expired = issue(R"({"lifetime":60})");
  watch();
  verify(text(used, "code"));
  post("/api/v1/codes/" + text(revoked, "id") + "/revoke");
  clock_.advance(seconds{60});
  const auto unknown = verify(kUnknown);
  EXPECT_EQ(unknown.status, 403);
  for (const std::string& code : {text(used, "code"), text(revoked, "code"), text(expired, "code"),
                                  std::string("no code"), std::string()}) {
    EXPECT_EQ(verify(code).body, unknown.body) << code;
  }
}

TEST_F(ApiTest, AUserFasterThanTheWatcherIsToldToTryAgain) {
  const auto answer = verify(text(issue(), "code"));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(problem(answer), "code-not-active-yet");
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
}

TEST_F(ApiTest, FailuresLeftAreToldAndThenADelay) {
  EXPECT_EQ(verify(kUnknown, R"(,"subject":"ada")").headers.find("RateLimit"),
            R"("failures";r=99)");
  for (int i = 2; i <= 99; ++i) verify(kUnknown, R"(,"subject":"ada")");
  const auto last = verify(kUnknown, R"(,"subject":"ada")");
  EXPECT_EQ(last.status, 403) << "the hundredth is still compared";
  EXPECT_EQ(last.headers.find("RateLimit-Policy"), R"("failures";q=100)");
  const auto delayed = verify(kUnknown, R"(,"subject":"ada")");
  EXPECT_EQ(delayed.status, 429);
  EXPECT_EQ(problem(delayed), "too-many-attempts");
  EXPECT_EQ(delayed.headers.find("Retry-After"), "30");
  EXPECT_EQ(delayed.headers.find("RateLimit"), R"("failures";r=0)");
  EXPECT_EQ(verify(kUnknown, R"(,"subject":"bob")").status, 403) << "nobody else is delayed";
  clock_.advance(seconds{30});
  EXPECT_EQ(verify(kUnknown, R"(,"subject":"ada")").status, 403) << "a delay is no lock";
}

TEST_F(ApiTest, WithoutASubjectFailuresCountAgainstTheCaller) {
  verify(kUnknown);
  EXPECT_EQ(verify(kUnknown).headers.find("RateLimit"), R"("failures";r=98)");
  EXPECT_EQ(audit_.callers.back(), "address:192.0.2.7");
}

TEST_F(ApiTest, AMalformedRequestIsNoAttempt) {
  EXPECT_EQ(post("/api/v1/verify", R"({"code":"zzz-9-zzz","subjct":"ada"})").status, 400);
  EXPECT_EQ(verify(kUnknown, {}, {{"Idempotency-Key", "short"}}).status, 400);
  EXPECT_EQ(verify(kUnknown).headers.find("RateLimit"), R"("failures";r=99)");
}

TEST_F(ApiTest, ATableThatDoesNotAnswerFailsClosed) {
  const auto code = text(issue(), "code");
  watch();
  table_.failure = fail(ErrorKind::storage, "Disk", "said by a test").value();
  const auto answer = verify(code);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(problem(answer), "table-unavailable");
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
}

TEST_F(ApiTest, WhoseAnswerWasLostMayAskAgainWithTheSameKey) {
  const auto code = text(issue(), "code");
  watch();
  const http::Headers key{{"Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324"}};
  const http::Headers other{{"Idempotency-Key", "11111111-40d5-43dd-bc93-6894a57f9324"}};
  const auto first = verify(code, {}, key);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(verify(code, {}, key).body, first.body);
  EXPECT_EQ(verify(code, {}, other).status, 403);
  EXPECT_EQ(verify(code).status, 403);
}

TEST_F(ApiTest, ACodeThatIsNotActiveYetIsWaitedFor) {
  const std::string code = text(issue(), "code");
  http::Request request;
  request.method = http::Method::post;
  request.target = "/api/v1/verify";
  request.headers = {
      {"Content-Type", "application/json"}, {"Content-Length", "22"}, {"Prefer", "wait=30"}};
  request.body = R"({"code":")" + code + "\"}";
  std::optional<http::Response> answer;
  TaskGroup tasks(context_.get_executor());
  const http::Handler handler = api_.handler();
  tasks.spawn("verify", latchkey::testing::store_result(handler(request), answer));
  context_.restart();
  while (clock_.sleepers() == 0 && !answer) context_.run_one();
  EXPECT_FALSE(answer);
  watch();
  clock_.advance(seconds{1});
  latchkey::run_to_end(context_, tasks.join());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->headers.find("Preference-Applied"), "wait=5") << "more is cut";
}

TEST_F(ApiTest, WithoutThePreferenceNobodyWaits) {
  const auto answer = verify(text(issue(), "code"), {}, {{"Prefer", "wait=soon"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_FALSE(answer.headers.contains("Preference-Applied"));
}

}  // namespace
}  // namespace latchkey::service
