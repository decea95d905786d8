#include "service/telemetry/request_observer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/log.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string& log_lines() {
  static std::string lines;
  return lines;
}

Task<http::Response> answer(const http::Request& /*request*/, const http::Match& match) {
  if (match.parameters.front() == "defect") throw std::runtime_error("a defect");
  if (match.parameters.front() == "problem") {
    co_return problem_response({.status = 503, .name = "n", .title = "t", .detail = "d"});
  }
  co_return http::json_response(200, match.request_id + " " + to_traceparent(match.trace));
}

class RequestObserverTest : public ::testing::Test {
 protected:
  RequestObserverTest() {
    observer_.add_to(router_);
    router_.add(http::Method::get, "/things/{id}", answer);
    router_.add(http::Method::get, "/healthz", [](const http::Request&, const http::Match&) {
      return answered(http::text_response(200, ""));
    });
    log_lines().clear();
    log::set_sink([](std::string_view line) { log_lines().append(line).append("\n"); });
  }
  ~RequestObserverTest() override { log::set_sink(nullptr); }

  static Task<http::Response> answered(http::Response response) { co_return response; }
  http::Response get(std::string target, http::Headers headers = {}) {
    http::Request request;
    request.target = std::move(target);
    request.headers = std::move(headers);
    return latchkey::testing::await(context_, router_.route(request));
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  Metrics metrics_;
  Tracer tracer_{{.collects = true}, clock_, random_};
  RequestObserver observer_{metrics_, tracer_, clock_};
  http::Router router_;
};

TEST_F(RequestObserverTest, TakesOverIdAndTraceOfTheCaller) {
  const auto response = get("/things/a", {{"X-Request-Id", "job-7"}, {"traceparent", kParent}});
  EXPECT_THAT(response.body, HasSubstr("job-7 00-0af7651916cd43dd8448eb211c80319c-"));
  EXPECT_THAT(response.body, Not(HasSubstr("b7ad6b7169203331"))) << "a span of our own";
  EXPECT_EQ(response.headers.find("X-Request-Id"), "job-7");
}

TEST_F(RequestObserverTest, MakesBothWhereTheCallersAreNone) {
  for (const char* bad : {"", "two words", "quote\"", "line\nend", "\xc3\xa4"}) {
    const auto response = get("/things/a", {{"X-Request-Id", bad}, {"traceparent", "00-x"}});
    const std::string id(response.headers.find("X-Request-Id").value());
    EXPECT_EQ(id.size(), 32U) << bad;
    EXPECT_THAT(response.body, HasSubstr(id + " 00-" + id + "-"));
  }
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
  EXPECT_TRUE(is_request_id(std::string(128, 'a')));
}

TEST_F(RequestObserverTest, EveryAnswerHasTheIdAndProblemsHaveItInside) {
  const auto problem = get("/things/problem", {{"X-Request-Id", "job-7"}});
  EXPECT_THAT(problem.body, HasSubstr(R"(,"request_id":"job-7"})"));
  EXPECT_EQ(problem.headers.find("X-Request-Id"), "job-7");
  EXPECT_EQ(get("/none", {{"X-Request-Id", "job-8"}}).headers.find("X-Request-Id"), "job-8");
}

TEST_F(RequestObserverTest, TheLineNamesTheRouteAndNothingThatWasSent) {
  get("/things/id-in-path?code=ojE-161-pTv", {{"X-Request-Id", "job-7"}, {"traceparent", kParent}});
  EXPECT_THAT(log_lines(), HasSubstr("request method=GET route=/things/{id} status=200 ms="));
  EXPECT_THAT(log_lines(),
              HasSubstr("request_id=job-7 trace_id=0af7651916cd43dd8448eb211c80319c\n"));
  EXPECT_THAT(log_lines(), Not(HasSubstr("id-in-path")));
  EXPECT_THAT(log_lines(), Not(HasSubstr("ojE")));
}

TEST_F(RequestObserverTest, CountsByClassAndTracesWithTheRoute) {
  get("/things/a");
  get("/none");
  get("/things/problem");
  for (const char* line : {"{status=\"2xx\"} 1\n", "{status=\"3xx\"} 0\n", "{status=\"4xx\"} 1\n",
                           "{status=\"5xx\"} 1\n", "{status=\"none\"} 0\n"}) {
    EXPECT_THAT(metrics_.render(), HasSubstr(std::string("latchkey_http_requests_total") + line));
  }
  const auto spans = tracer_.take(9);
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0].name, "GET /things/{id}");
  EXPECT_FALSE(spans[0].failed);
  EXPECT_EQ(spans[1].name, "GET");
  EXPECT_FALSE(spans[1].failed) << "a client's mistake is no failure of ours";
  EXPECT_TRUE(spans[2].failed);
}

TEST_F(RequestObserverTest, ARequestWithoutAnAnswerCounts) {
  EXPECT_THROW(get("/things/defect"), std::runtime_error);
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_http_requests_total{status=\"none\"} 1\n"));
  EXPECT_THAT(log_lines(), HasSubstr("status=0"));
  ASSERT_EQ(tracer_.waiting(), 1U);
  EXPECT_TRUE(tracer_.take(1).front().failed);
}

TEST_F(RequestObserverTest, ProbesAreQuiet) {
  get("/healthz");
  EXPECT_EQ(log_lines(), "");
  EXPECT_EQ(tracer_.waiting(), 0U);
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_http_requests_total{status=\"2xx\"} 0\n"));
}

}  // namespace
}  // namespace latchkey::service
