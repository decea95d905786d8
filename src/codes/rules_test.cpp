#include "codes/rules.hpp"

#include <gtest/gtest.h>

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using Action = Decision::Action;

constexpr UtcTime kIssued{1'586'969'688'816'549us};

struct Row {
  const char* name;
  std::chrono::microseconds age;  ///< of the code when the message is looked at
  std::int64_t dequeue_count;
  Action action;
  std::chrono::seconds hide_for;
};

TEST(Decide, FollowsTheTableOfTheLifecycle) {
  const LifetimeRules rules;  // 600 s, clocks within 1 s: spread 2 s
  const Row rows[] = {
      {"just issued", 0us, 1, Action::activate_and_hide, 602s},
      {"a fraction later rounds up", 1us, 1, Action::activate_and_hide, 602s},
      {"a second later", 1s, 1, Action::activate_and_hide, 601s},
      {"issued by a clock ahead of ours", -1s, 1, Action::activate_and_hide, 603s},
      {"its last microsecond", 600s - 1us, 1, Action::activate_and_hide, 3s},
      {"over", 600s, 1, Action::hide, 1s},
      {"over, not yet safe to forget", 602s - 1us, 2, Action::hide, 1s},
      {"safe to forget", 602s, 2, Action::forget, 0s},
      {"long over", 86'400s, 2, Action::forget, 0s},
      {"the fifth delivery is tried", 10s, 5, Action::activate_and_hide, 592s},
      {"the sixth is one too many", 10s, 6, Action::poison, 0s},
      {"many deliveries at the end are no harm", 601s, 60, Action::hide, 1s},
      {"many deliveries after the end neither", 700s, 60, Action::forget, 0s},
  };
  for (const Row& row : rows) {
    const auto decision = decide(kIssued, row.dequeue_count, kIssued + row.age, rules);
    EXPECT_EQ(decision.action, row.action) << row.name;
    EXPECT_EQ(decision.hide_for, row.hide_for) << row.name;
  }
}

TEST(Decide, WhatCannotBeParsedIsPoisonAtOnce) {
  EXPECT_EQ(decide(std::nullopt, 1, kIssued, {}).action, Action::poison);
}

TEST(Decide, HidesForNoMoreThanQueueStorageAllows) {
  const auto decision = decide(kIssued + std::chrono::days{9}, 1, kIssued, {});
  EXPECT_EQ(decision.action, Action::activate_and_hide);
  EXPECT_EQ(decision.hide_for, 604'800s);
}

TEST(Decide, RoundsASpreadOfMillisecondsUp) {
  LifetimeRules rules;
  rules.lifetime = 5s;
  rules.clock_error_max = 100ms;
  EXPECT_EQ(decide(kIssued, 1, kIssued, rules).hide_for, 6s);
  EXPECT_EQ(decide(kIssued, 1, kIssued + 5'199ms, rules).action, Action::hide);
  EXPECT_EQ(decide(kIssued, 1, kIssued + 5'200ms, rules).action, Action::forget);
}

TEST(EffectiveIssueTime, IsTheTimestampUnlessTheQueueSaysItIsTooLate) {
  const LifetimeRules rules;
  const UtcTime inserted{1'586'969'688s};
  // Whole seconds on the queue's side: a timestamp within that second is no difference at all.
  EXPECT_EQ(effective_issue_time(kIssued, inserted, rules), kIssued);
  EXPECT_EQ(effective_issue_time(inserted + 2s, inserted, rules), inserted + 2s);
  EXPECT_EQ(effective_issue_time(inserted + 2s + 1us, inserted, rules), inserted);
  EXPECT_EQ(effective_issue_time(inserted + 1h, inserted, rules), inserted);
  EXPECT_EQ(effective_issue_time(inserted - 1h, inserted, rules), inserted - 1h);
}

}  // namespace
}  // namespace latchkey::codes
