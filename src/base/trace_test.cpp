#include "base/trace.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"

namespace latchkey {
namespace {

constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, ReadsWhatItWrites) {
  const auto trace = parse_traceparent(kParent);
  ASSERT_TRUE(trace);
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(to_traceparent(*trace), kParent);
  testing::SeededRandom random(7);
  for (const bool sampled : {true, false}) {
    const Trace made = make_trace(random, sampled);
    EXPECT_EQ(parse_traceparent(to_traceparent(made)), made);
  }
}

TEST(Traceparent, OfALaterVersionMayBeLonger) {
  const std::string later = "cc" + std::string(kParent).substr(2);
  EXPECT_TRUE(parse_traceparent(later));
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-brings"));
  EXPECT_FALSE(parse_traceparent(later + ".what"));
}

TEST(Traceparent, RefusesWhatTheRecommendationCallsInvalid) {
  for (const char* bad : {
           "",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
       }) {
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
}

TEST(Trace, AChildIsAnotherSpanOfTheSameTrace) {
  testing::SeededRandom random(7);
  const Trace parent = make_trace(random, true);
  const Trace child = child_of(parent, random);
  EXPECT_EQ(child.trace_id, parent.trace_id);
  EXPECT_NE(child.span_id, parent.span_id);
  EXPECT_TRUE(child.sampled);
  EXPECT_TRUE(child);
  EXPECT_FALSE(Trace{});
}

}  // namespace
}  // namespace latchkey
