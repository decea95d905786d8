#include "cloud/test_controls/fault_plan.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"

namespace latchkey::cloud {
namespace {

class FaultPlanTest : public ::testing::Test {
 protected:
  void plan(Fault fault) { ASSERT_TRUE(plan_.set(fault)); }
  bool fails(FaultTarget target) { return plan_.draw(target).fault.has_value(); }

  latchkey::testing::SeededRandom random_{1};
  FaultPlan plan_{random_};
};

TEST_F(FaultPlanTest, MeetsItsTargetOnly) {
  plan({.target = FaultTarget::vault, .kind = FaultKind::broken});
  EXPECT_TRUE(fails(FaultTarget::vault));
  EXPECT_FALSE(fails(FaultTarget::queue));
  EXPECT_EQ(plan_.faults().front().hits, 1U);
}

TEST_F(FaultPlanTest, CountIsHowManyRequestsItMeets) {
  plan({.target = FaultTarget::queue, .kind = FaultKind::drop, .left = 2});
  EXPECT_TRUE(fails(FaultTarget::queue));
  EXPECT_TRUE(fails(FaultTarget::queue));
  EXPECT_FALSE(fails(FaultTarget::queue));
  EXPECT_EQ(plan_.faults().front().left, 0U);
}

TEST_F(FaultPlanTest, RateIsTheShareOfRequests) {
  plan({.target = FaultTarget::queue, .kind = FaultKind::unavailable, .rate = 0.25});
  int failed = 0;
  for (int i = 0; i < 10'000; ++i) failed += fails(FaultTarget::queue) ? 1 : 0;
  EXPECT_NEAR(failed, 2'500, 200);
}

TEST_F(FaultPlanTest, ARequestMayBeSlowAndFail) {
  plan({.target = FaultTarget::login, .kind = FaultKind::throttled});
  plan({.target = FaultTarget::login,
        .kind = FaultKind::slow,
        .delay = std::chrono::milliseconds{70}});
  const auto suffered = plan_.draw(FaultTarget::login);
  EXPECT_EQ(suffered.delay, std::chrono::milliseconds{70});
  ASSERT_TRUE(suffered.fault);
  EXPECT_EQ(suffered.fault->kind, FaultKind::throttled);
}

TEST_F(FaultPlanTest, TheSameAgainReplacesAndClearTakesAway) {
  plan({.target = FaultTarget::vault, .kind = FaultKind::broken, .left = 1});
  plan({.target = FaultTarget::vault, .kind = FaultKind::broken});
  plan({.target = FaultTarget::queue, .kind = FaultKind::broken});
  EXPECT_EQ(plan_.faults().size(), 2U);
  plan_.clear(FaultTarget::vault);
  EXPECT_FALSE(fails(FaultTarget::vault));
  EXPECT_TRUE(fails(FaultTarget::queue));
  plan_.clear(std::nullopt);
  EXPECT_TRUE(plan_.faults().empty());
}

TEST_F(FaultPlanTest, RefusesWhatCannotBe) {
  using std::chrono::seconds;
  const Fault rows[] = {{.rate = 0},
                        {.rate = 1.01},
                        {.rate = -1},
                        {.delay = seconds{31}},
                        {.delay = seconds{-1}},
                        {.retry_after = seconds{3601}},
                        {.target = FaultTarget::functions, .kind = FaultKind::ended_token}};
  for (const Fault& row : rows) {
    const auto set = plan_.set(row);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().kind, ErrorKind::invalid_argument);
  }
}

TEST(FaultNames, AreReadAsTheyAreWritten) {
  for (const char* name : {"identity", "login", "vault", "queue", "functions", "management"}) {
    const auto read = fault_target_from(name);
    ASSERT_TRUE(read);
    EXPECT_EQ(to_string(*read), name);
  }
  for (const char* name : {"429", "500", "503", "slow", "drop", "expired-token"}) {
    const auto read = fault_kind_from(name);
    ASSERT_TRUE(read);
    EXPECT_EQ(to_string(*read), name);
  }
  EXPECT_FALSE(fault_target_from("Vault"));
  const auto unknown = fault_kind_from("418");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("expired-token"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
