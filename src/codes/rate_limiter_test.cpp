#include "codes/rate_limiter.hpp"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::ManualClock;

constexpr Rate kNoLimit{.count = 0};
constexpr Rate kThreeAMinute{.count = 3, .window = 60s};

class RateLimiterTest : public ::testing::Test {
 protected:
  int take_all(RateLimiter& limiter, std::string_view name, int most = 1'000) {
    int taken = 0;
    while (taken < most && limiter.take(name).allowed) ++taken;
    return taken;
  }
  ManualClock clock;
};

TEST_F(RateLimiterTest, AllowsSoManyAtOnceThenOneByOne) {
  RateLimiter limiter(clock, kThreeAMinute, kNoLimit);
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  EXPECT_EQ(limiter.take("ada").retry_after, 20s);
  clock.advance(19s);
  EXPECT_EQ(limiter.take("ada").retry_after, 1s);
  clock.advance(1s);
  EXPECT_EQ(take_all(limiter, "ada"), 1);
  clock.advance(1h);
  EXPECT_EQ(take_all(limiter, "ada"), 3);
}

TEST_F(RateLimiterTest, NamesDoNotCountForEachOther) {
  RateLimiter limiter(clock, kThreeAMinute, kNoLimit);
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  EXPECT_EQ(take_all(limiter, "eve"), 3);
}

TEST_F(RateLimiterTest, AllTogetherHaveARateOfTheirOwn) {
  RateLimiter limiter(clock, kThreeAMinute, {.count = 4, .window = 60s});
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  EXPECT_EQ(take_all(limiter, "eve"), 1);
  EXPECT_EQ(limiter.take("bob").retry_after, 15s);
}

TEST_F(RateLimiterTest, WhatIsRefusedCostsNothing) {
  RateLimiter limiter(clock, kThreeAMinute, {.count = 4, .window = 60s});
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.take("ada").allowed);
  EXPECT_EQ(take_all(limiter, "eve"), 1);  // Ada's refusals took nothing from all together.
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.take("bob").allowed);
  clock.advance(60s);
  EXPECT_EQ(take_all(limiter, "bob"), 3);  // And those of all together nothing from Bob.
}

TEST_F(RateLimiterTest, GivesBackWhatWasNoFailure) {
  RateLimiter limiter(clock, kThreeAMinute, {.count = 3, .window = 60s});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(limiter.take("ada").allowed) << i;
    limiter.give_back("ada");
  }
  for (int i = 0; i < 100; ++i) limiter.give_back("ada");
  EXPECT_EQ(take_all(limiter, "ada"), 3);  // Never more than the rate has.
  EXPECT_EQ(take_all(limiter, "eve"), 0);
}

TEST_F(RateLimiterTest, NoLimitIsNone) {
  RateLimiter limiter(clock, kNoLimit, kNoLimit);
  EXPECT_EQ(take_all(limiter, "ada"), 1'000);
  limiter.give_back("ada");
  EXPECT_EQ(limiter.names(), 0U);
}

TEST_F(RateLimiterTest, ForgetsTheNameUnusedLongest) {
  RateLimiter limiter(clock, kThreeAMinute, kNoLimit, 2);
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  EXPECT_EQ(take_all(limiter, "eve"), 3);
  EXPECT_FALSE(limiter.take("ada").allowed);  // Used again: eve is now the oldest.
  EXPECT_EQ(take_all(limiter, "bob"), 3);
  EXPECT_EQ(limiter.names(), 2U);
  EXPECT_FALSE(limiter.take("ada").allowed);
  EXPECT_TRUE(limiter.take("eve").allowed);
}

TEST_F(RateLimiterTest, AClockSetBackChangesNothing) {
  RateLimiter limiter(clock, kThreeAMinute, kNoLimit);
  EXPECT_EQ(take_all(limiter, "ada"), 3);
  clock.jump(-1h);
  EXPECT_FALSE(limiter.take("ada").allowed);
  clock.advance(20s);
  EXPECT_TRUE(limiter.take("ada").allowed);
}

}  // namespace
}  // namespace latchkey::codes
