#include "base/tracer.hpp"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey {
namespace {

constexpr const char* kSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr const char* kUnsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

class TracerTest : public ::testing::Test {
 protected:
  Tracer tracer(TracerOptions options) { return Tracer(options, clock_, random_); }

  testing::ManualClock clock_;
  testing::SeededRandom random_{1};
};

TEST_F(TracerTest, ARequestJoinsTheTraceOfItsCaller) {
  auto tracer = this->tracer({.collects = true});
  const Span span = tracer.begin_request(kSampled);
  EXPECT_EQ(trace_id_text(span.trace), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span.parent_id, parse_traceparent(kSampled)->span_id);
  EXPECT_NE(span.trace.span_id, span.parent_id);
  EXPECT_TRUE(span.recorded());
  EXPECT_FALSE(tracer.begin_request(kUnsampled).recorded()) << "the caller decides";
}

TEST_F(TracerTest, ABadTraceparentStartsATraceOfItsOwn) {
  auto tracer = this->tracer({.collects = true});
  for (const char* bad : {"", "00-0-0-01", "nonsense"}) {
    const Span span = tracer.begin_request(bad);
    EXPECT_TRUE(span.trace) << bad;
    EXPECT_EQ(span.parent_id, Span{}.parent_id);
    EXPECT_TRUE(span.recorded());
  }
}

TEST_F(TracerTest, WithoutACollectorTracesArePassedOnAndNothingIsRecorded) {
  auto tracer = this->tracer({});
  const Span span = tracer.begin_request(kSampled);
  EXPECT_TRUE(span.trace.sampled) << "for those behind us";
  const Span child = tracer.begin_child(span.trace, Span::Kind::client);
  EXPECT_EQ(child.trace, span.trace);
  EXPECT_FALSE(tracer.begin(Span::Kind::consumer).trace.sampled);
  tracer.end(child);
  EXPECT_EQ(tracer.waiting(), 0U);
}

TEST_F(TracerTest, WorkWithoutATraceStaysWithout) {
  auto tracer = this->tracer({.collects = true});
  const Span span = tracer.begin_child({}, Span::Kind::client);
  EXPECT_FALSE(span.trace);
  EXPECT_FALSE(span.recorded());
}

TEST_F(TracerTest, TheRatioSaysHowManyTracesAreSampled) {
  auto tracer = this->tracer({.collects = true, .ratio = 0.25});
  int sampled = 0;
  for (int i = 0; i < 4000; ++i) sampled += tracer.begin(Span::Kind::server).recorded() ? 1 : 0;
  EXPECT_NEAR(sampled, 1000, 100);
  auto never = this->tracer({.collects = true, .parent_decides = false, .ratio = 0});
  EXPECT_FALSE(never.begin_request(kSampled).recorded());
  auto always = this->tracer({.collects = true, .parent_decides = false});
  EXPECT_TRUE(always.begin_request(kUnsampled).recorded());
}

TEST_F(TracerTest, SpansKeepTheirTimesAndOrder) {
  auto tracer = this->tracer({.collects = true});
  Span first = tracer.begin(Span::Kind::server);
  Span second = tracer.begin_child(first.trace, Span::Kind::client);
  clock_.advance(std::chrono::milliseconds{5});
  second.name = "second";
  tracer.end(std::move(second));
  clock_.advance(std::chrono::milliseconds{1});
  tracer.end(std::move(first));
  const auto taken = tracer.take(10);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].name, "second");
  EXPECT_EQ(taken[0].ended - taken[0].begun, std::chrono::milliseconds{5});
  EXPECT_EQ(taken[0].parent_id, taken[1].trace.span_id);
  EXPECT_EQ(taken[1].ended - taken[1].begun, std::chrono::milliseconds{6});
  EXPECT_TRUE(tracer.take(10).empty());
}

TEST_F(TracerTest, WhatHasNoPlaceIsCountedAndDropped) {
  auto tracer = this->tracer({.collects = true});
  for (std::size_t i = 0; i < Tracer::kSpansMax + 3; ++i) {
    tracer.end(tracer.begin(Span::Kind::server));
  }
  EXPECT_EQ(tracer.waiting(), Tracer::kSpansMax);
  EXPECT_EQ(tracer.dropped(), 3U);
}

}  // namespace
}  // namespace latchkey
