#include "azure/retry_policy.hpp"

#include <gtest/gtest.h>

#include "azure/testing/stepper.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using std::chrono::milliseconds;

Task<Result<http::ClientRequest>> make_request(int* prepared) {
  ++*prepared;
  http::ClientRequest request;
  request.headers.add("x-attempt", std::to_string(*prepared));
  co_return request;
}

Task<Result<http::ClientRequest>> refuse_request() {
  co_return fail(ErrorKind::denied, "NoToken", "no token");
}

Task<Result<http::ClientRequest>> make_request_slowly(Clock* clock, milliseconds delay) {
  co_await clock->sleep_for(delay);
  co_return http::ClientRequest{};
}

http::Response answer(int status, http::Headers headers = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  return response;
}

struct RetryPolicyTest : ::testing::Test {
  Result<http::Response> send(RetryOptions options = {}) {
    RetryPolicy policy(http, clock, random, options);
    started = clock.steady_now();
    return testing::run_through(context, clock,
                                policy.send([this] { return make_request(&prepared); }));
  }
  milliseconds elapsed() const {
    return std::chrono::duration_cast<milliseconds>(clock.steady_now() - started);
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{7};
  http::testing::FakeHttpClient http;
  int prepared = 0;
  SteadyTime started{};
};

TEST_F(RetryPolicyTest, RepeatsExactlyTheStatusesThatMayPass) {
  const std::vector<std::pair<int, int>> rows = {
      {200, 1}, {201, 1}, {304, 1}, {400, 1}, {401, 1}, {403, 1}, {404, 1}, {408, 4}, {409, 1},
      {410, 1}, {412, 1}, {429, 4}, {500, 4}, {501, 1}, {502, 4}, {503, 4}, {504, 4}, {505, 1}};
  for (const auto& [status, attempts] : rows) {
    http.calls.clear();
    http.answer_with([expected = status](const http::ClientRequest&) { return answer(expected); });
    const auto got = send();
    ASSERT_TRUE(got) << status;
    EXPECT_EQ(got->status, status);
    EXPECT_EQ(http.calls.size(), static_cast<std::size_t>(attempts)) << status;
  }
}

TEST_F(RetryPolicyTest, RepeatsWhatIsMissingOnlyWhenTold) {
  for (const int status : {404, 410}) {
    http.calls.clear();
    http.answer_with([status](const http::ClientRequest&) { return answer(status); });
    ASSERT_TRUE(send({.while_missing = true}));
    EXPECT_EQ(http.calls.size(), 4U) << status;
  }
}

TEST_F(RetryPolicyTest, RepeatsTransportFaultsButNotABadCertificateOrNonsense) {
  const std::vector<std::tuple<ErrorKind, std::string, std::size_t>> rows = {
      {ErrorKind::unavailable, "ConnectionReset", 4},
      {ErrorKind::unavailable, "ConnectionRefused", 4},
      {ErrorKind::timeout, "ResponseTimeout", 4},
      {ErrorKind::unavailable, "TlsVerificationFailed", 1},
      {ErrorKind::protocol, "MalformedAnswer", 1},
      {ErrorKind::internal, "Defect", 1}};
  for (const auto& [kind, code, attempts] : rows) {
    http.calls.clear();
    http.answer_with([error = kind, text = code](const http::ClientRequest&) {
      return Result<http::Response>(fail(error, text, "it broke"));
    });
    const auto got = send();
    ASSERT_FALSE(got) << code;
    EXPECT_EQ(got.error().code, code);
    EXPECT_EQ(http.calls.size(), attempts) << code;
  }
}

TEST_F(RetryPolicyTest, MakesTheRequestAnewForEachAttempt) {
  http.queue(answer(503));
  http.queue(answer(500));
  http.queue(answer(200));
  const auto got = send();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 200);
  ASSERT_EQ(http.calls.size(), 3U);
  EXPECT_EQ(http.calls[2].headers.find("x-attempt"), "3");
}

TEST_F(RetryPolicyTest, DelaysDoubleWithinHalfAndOneAndAHalf) {
  http.answer_with([](const http::ClientRequest&) { return answer(503); });
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(send({.first_delay = 100ms}));
    // 100 + 200 + 400 ms, each +-50 %.
    EXPECT_GE(elapsed(), 350ms - 3ms);
    EXPECT_LE(elapsed(), 1050ms);
  }
}

TEST_F(RetryPolicyTest, DelaysStayBelowTheirLimit) {
  http.answer_with([](const http::ClientRequest&) { return answer(503); });
  ASSERT_TRUE(send({.attempts_max = 40, .first_delay = 10ms, .delay_max = 20ms}));
  EXPECT_EQ(http.calls.size(), 40U);
  EXPECT_LE(elapsed(), 39 * 30ms);
}

TEST_F(RetryPolicyTest, WaitsAsLongAsTheServiceAsks) {
  const std::string date = to_rfc1123(clock.now() + 5s);
  const std::vector<std::tuple<std::string, std::string, milliseconds>> rows = {
      {"Retry-After", "3", 3s},
      {"Retry-After", "0", 0s},
      {"x-ms-retry-after-ms", "1234", 1234ms},
      {"retry-after-ms", "17", 17ms}};
  for (const auto& [name, value, wait] : rows) {
    http.queue(answer(429, {{name, value}}));
    http.queue(answer(200));
    const auto got = send();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(elapsed(), wait) << name << ": " << value;
  }
}

TEST_F(RetryPolicyTest, AnswersAtOnceWhenTheAskedWaitPassesTheDeadline) {
  http.answer_with([](const http::ClientRequest&) { return answer(429, {{"Retry-After", "31"}}); });
  const auto got = send();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 429);
  EXPECT_EQ(http.calls.size(), 1U);
  EXPECT_EQ(elapsed(), 0ms);
}

TEST_F(RetryPolicyTest, TheDeadlineHoldsForAllAttemptsTogether) {
  http.answer_with([](const http::ClientRequest&) { return answer(503, {{"Retry-After", "4"}}); });
  ASSERT_TRUE(send({.attempts_max = 100, .deadline = 10s}));
  EXPECT_EQ(http.calls.size(), 3U);
  EXPECT_EQ(elapsed(), 8s);
  EXPECT_EQ(http.calls[0].timeout, 10s);
  EXPECT_EQ(http.calls[2].timeout, 2s) << "an attempt may not outlast the call";
}

TEST_F(RetryPolicyTest, AnAttemptHasItsOwnTimeout) {
  http.queue(answer(200));
  ASSERT_TRUE(send({.attempt_timeout = 700ms}));
  EXPECT_EQ(http.calls.at(0).timeout, 700ms);
}

TEST_F(RetryPolicyTest, TimeSpentOnPreparingCountsTowardsTheDeadline) {
  http.answer_with([](const http::ClientRequest&) { return answer(503); });
  RetryPolicy policy(http, clock, random, {.deadline = 5s});
  const auto got = testing::run_through(
      context, clock, policy.send([this] { return make_request_slowly(&clock, 6s); }));
  ASSERT_TRUE(got);
  EXPECT_EQ(http.calls.size(), 1U);
  EXPECT_EQ(http.calls[0].timeout, 100ms);
}

TEST_F(RetryPolicyTest, AnErrorOfPreparingEndsTheCall) {
  RetryPolicy policy(http, clock, random);
  const auto got =
      testing::run_through(context, clock, policy.send([] { return refuse_request(); }));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "NoToken");
  EXPECT_TRUE(http.calls.empty());
}

TEST(RetryAfter, ReadsEveryFormAndNothingElse) {
  const UtcTime now = from_epoch_seconds(1'600'000'000);
  const std::vector<std::tuple<std::string, std::string, std::optional<milliseconds>>> rows = {
      {"Retry-After", "12", 12s},
      {"Retry-After", " 12 ", 12s},
      {"Retry-After", to_rfc1123(now + 9s), 9s},
      {"Retry-After", to_rfc1123(now - 9s), 0s},
      {"Retry-After", "999999999999", 24h},
      {"Retry-After", "-1", std::nullopt},
      {"Retry-After", "soon", std::nullopt},
      {"Retry-After", "", std::nullopt},
      {"x-ms-retry-after-ms", "250", 250ms},
      {"x-ms-retry-after-ms", "-250", std::nullopt},
      {"X-Other", "5", std::nullopt}};
  for (const auto& [name, value, expected] : rows) {
    EXPECT_EQ(retry_after_of({{name, value}}, now), expected) << name << ": " << value;
  }
}

}  // namespace
}  // namespace latchkey::azure
