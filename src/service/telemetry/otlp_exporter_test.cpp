#include "service/telemetry/otlp_exporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(OtlpJson, IsWhatCollectorsRead) {
  Span span{.trace = *parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            .parent_id = {1, 2, 3, 4, 5, 6, 7, 8},
            .kind = Span::Kind::client,
            .begun = UtcTime{std::chrono::microseconds{1'586'969'688'816'549}},
            .ended = UtcTime{std::chrono::microseconds{1'586'969'688'916'549}},
            .name = "GET queue"};
  span.set("http.response.status_code", std::int64_t{503});
  span.set("peer.service", "queue");
  span.failed = true;
  Span root = span;
  root.parent_id = {};
  root.failed = false;
  root.attributes.clear();
  const auto document = boost::json::parse(otlp_json({{"service.name", "codes"}}, {span, root}));
  EXPECT_EQ(document, boost::json::parse(R"({"resourceSpans":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"codes"}}]},
    "scopeSpans":[{"scope":{"name":"latchkey"},"spans":[
      {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
       "parentSpanId":"0102030405060708","name":"GET queue","kind":3,
       "startTimeUnixNano":"1586969688816549000","endTimeUnixNano":"1586969688916549000",
       "attributes":[{"key":"http.response.status_code","value":{"intValue":"503"}},
                     {"key":"peer.service","value":{"stringValue":"queue"}}],
       "status":{"code":2}},
      {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
       "name":"GET queue","kind":3,
       "startTimeUnixNano":"1586969688816549000","endTimeUnixNano":"1586969688916549000"}]}]}]})"));
}

class OtlpExporterTest : public ::testing::Test {
 protected:
  OtlpExporterTest() {
    tasks_.spawn("exporter", exporter_.run());
    turn();
  }
  ~OtlpExporterTest() override { stop(); }

  void stop() {
    tasks_.cancel();
    turn();
  }
  void turn() {
    context_.restart();
    context_.poll();
  }
  void advance(milliseconds by) {
    clock_.advance(by);
    turn();
  }
  void record(int spans) {
    for (int i = 0; i < spans; ++i) tracer_.end(tracer_.begin(Span::Kind::server));
  }
  void answer(int status, http::Headers headers = {}) {
    auto response = http::text_response(status, "");
    response.headers = std::move(headers);
    http_.queue(std::move(response));
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  Tracer tracer_{{.collects = true}, clock_, random_};
  http::testing::FakeHttpClient http_;
  OtlpExporter exporter_{tracer_,
                         http_,
                         clock_,
                         random_,
                         {.url = http::parse_url("http://collector:4318/v1/traces").value(),
                          .headers = {{"api-key", Secret("hidden")}},
                          .resource = {}}};
  TaskGroup tasks_{context_.get_executor()};
};

TEST_F(OtlpExporterTest, SendsWhatHasGatheredInBatches) {
  record(static_cast<int>(OtlpExporter::kBatchMax) + 1);
  answer(200);
  answer(202);
  EXPECT_TRUE(http_.calls.empty());
  advance(seconds{1});
  ASSERT_EQ(http_.calls.size(), 2U);
  EXPECT_EQ(http_.calls[0].headers.find("Content-Type"), "application/json");
  EXPECT_EQ(http_.calls[0].headers.find("api-key"), "hidden");
  EXPECT_FALSE(http_.calls[0].trace) << "no trace of traces";
  EXPECT_EQ(exporter_.exported(), OtlpExporter::kBatchMax + 1);
  EXPECT_EQ(tracer_.waiting(), 0U);
}

TEST_F(OtlpExporterTest, TriesAgainWhenItMayAndWaitsAsLongAsAsked) {
  record(1);
  answer(503, {{"Retry-After", "7"}});
  http_.queue(fail(ErrorKind::unavailable, "ConnectionRefused", "nobody there"));
  answer(200);
  advance(seconds{1});
  EXPECT_EQ(http_.calls.size(), 1U);
  advance(milliseconds{6'900});
  EXPECT_EQ(http_.calls.size(), 1U);
  advance(milliseconds{200});
  EXPECT_EQ(http_.calls.size(), 2U);
  advance(seconds{4});
  EXPECT_EQ(http_.calls.size(), 3U);
  EXPECT_EQ(exporter_.exported(), 1U);
  EXPECT_EQ(exporter_.failed(), 0U);
}

TEST_F(OtlpExporterTest, WhatIsRefusedIsGivenUpAtOnce) {
  record(3);
  answer(400);
  advance(seconds{1});
  EXPECT_EQ(http_.calls.size(), 1U);
  EXPECT_EQ(exporter_.failed(), 3U);
}

TEST_F(OtlpExporterTest, ACollectorThatStaysAwayCostsBatchesAndNoMemory) {
  http_.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
    return fail(ErrorKind::timeout, "ConnectTimeout", "nobody there");
  });
  record(1);
  for (int second = 0; second < 120; ++second) advance(seconds{1});
  EXPECT_EQ(http_.calls.size(), static_cast<std::size_t>(OtlpExporter::kTriesMax));
  EXPECT_EQ(exporter_.failed(), 1U);
}

TEST_F(OtlpExporterTest, AtTheEndWhatIsLeftIsSentOnceWithinTheLimit) {
  answer(503);
  record(2);
  advance(seconds{1});
  stop();
  record(1);
  http_.answer_with([](const http::ClientRequest&) { return http::text_response(200, ""); });
  tasks_.spawn("flush", exporter_.flush(seconds{2}));
  turn();
  EXPECT_EQ(exporter_.exported(), 3U) << "also the batch whose retry was waiting";
  EXPECT_LE(http_.calls.back().timeout, seconds{2});
}

}  // namespace
}  // namespace latchkey::service
