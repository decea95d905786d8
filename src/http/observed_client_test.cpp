#include "http/observed_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "http/testing/fake_http_client.hpp"
#include "http/testing/fetch.hpp"

namespace latchkey::http {
namespace {

using testing::get;
using ::testing::HasSubstr;

class ObservedClientTest : public ::testing::Test {
 protected:
  Result<Response> send(ClientRequest request) {
    return latchkey::testing::await(context_, client_.send(std::move(request)));
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  Metrics metrics_;
  Tracer tracer_{{.collects = true}, clock_, random_};
  testing::FakeHttpClient http_;
  ObservedClient client_{http_, "queue", metrics_, tracer_, clock_};
};

TEST_F(ObservedClientTest, CountsEachKindOfOutcomeAndItsTime) {
  struct Row {
    Result<Response> answer;
    const char* outcome;
  };
  const Row rows[] = {{text_response(204, ""), "ok"},
                      {text_response(404, ""), "refused"},
                      {text_response(429, ""), "throttled"},
                      {text_response(503, ""), "failed"},
                      {fail(ErrorKind::timeout, "ResponseTimeout", ""), "timeout"},
                      {fail(ErrorKind::unavailable, "ConnectionRefused", ""), "unreachable"},
                      {fail(ErrorKind::protocol, "NoHttp", ""), "protocol"}};
  for (const Row& row : rows) {
    const std::string series = std::string("latchkey_dependency_requests_total{") +
                               R"(dependency="queue",outcome=")" + row.outcome + "\"} ";
    EXPECT_THAT(metrics_.render(), HasSubstr(series + "0\n")) << "there from the start";
    http_.queue(row.answer);
    EXPECT_EQ(send(get("https://h/")).has_value(), row.answer.has_value());
    EXPECT_THAT(metrics_.render(), HasSubstr(series + "1\n"));
  }
  EXPECT_THAT(metrics_.render(),
              HasSubstr("latchkey_dependency_seconds_count{dependency=\"queue\"} 7\n"));
}

TEST_F(ObservedClientTest, TheDependencyGetsASpanOfItsOwnAsParent) {
  http_.answer_with([](const ClientRequest&) { return text_response(500, ""); });
  const Span parent = tracer_.begin(Span::Kind::server);
  ClientRequest request = get("https://store.example/messages?sig=secret");
  request.trace = parent.trace;
  (void)send(std::move(request));
  const auto spans = tracer_.take(9);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].parent_id, parent.trace.span_id);
  EXPECT_EQ(http_.calls.at(0).trace, spans[0].trace);
  EXPECT_EQ(spans[0].name, "GET queue");
  EXPECT_TRUE(spans[0].failed);
  for (const auto& [name, value] : spans[0].attributes) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      EXPECT_EQ(text->find("sig"), std::string::npos) << name;
    }
  }
}

TEST_F(ObservedClientTest, WhatBelongsToNoTraceStaysWithout) {
  http_.answer_with([](const ClientRequest&) { return text_response(200, ""); });
  (void)send(get("https://h/"));
  EXPECT_FALSE(http_.calls.at(0).trace);
  EXPECT_EQ(tracer_.waiting(), 0U);
}

}  // namespace
}  // namespace latchkey::http
