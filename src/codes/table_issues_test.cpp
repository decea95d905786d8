#include <gtest/gtest.h>

#include "codes/testing/table_test.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

class TableIssues : public testing::TableTest {
 protected:
  CodeTable::InsertAnswer issue(int number) { return issue(number, ada()); }
  CodeTable::InsertAnswer issue(int number, Binding binding, UtcTime at = kIssued,
                                Limits limits = {}) {
    CodeRow row = row_of(number, std::move(binding));
    row.issued = at;
    row.expires = at + 600s;
    return insert(row, limits);
  }
};

TEST_F(TableIssues, ANewCodeRevokesTheOlderOnesOfItsSubjectAndPurpose) {
  issue(1);
  ASSERT_TRUE(activate(1));
  issue(2, of("ada", "payment"));
  issue(3, of("eve", "sign-in"));
  issue(4, {});
  const auto answer = issue(5);
  ASSERT_EQ(answer.superseded.size(), 1U);
  EXPECT_EQ(answer.superseded[0].id, id_of(1));
  EXPECT_EQ(answer.superseded[0].state, CodeState::valid);
  EXPECT_EQ(state(1), CodeState::revoked);
  for (const int other : {2, 3, 4, 5}) EXPECT_EQ(state(other), CodeState::pending) << other;
  EXPECT_EQ(issue(6).superseded.at(0).state, CodeState::pending);
}

TEST_F(TableIssues, OlderCodesStayWhenTheLimitsSaySo) {
  Limits limits;
  limits.newest_only = false;
  issue(1, ada(), kIssued, limits);
  EXPECT_TRUE(issue(2, ada(), kIssued, limits).superseded.empty());
  EXPECT_EQ(state(1), CodeState::pending);
}

TEST_F(TableIssues, WhatCanNoLongerBeUsedIsNotSuperseded) {
  issue(1);
  ASSERT_TRUE(activate(1));
  ASSERT_EQ(attempt(1).outcome, Attempted::yes);
  EXPECT_TRUE(issue(2).superseded.empty());
  EXPECT_EQ(state(1), CodeState::used);
  EXPECT_TRUE(issue(3, ada(), kExpires + kClocksApartMax).superseded.empty());
}

// I2: seen with real processes whose clocks were 1.6 s apart.
TEST_F(TableIssues, WhatAVerifierWithASlowClockWouldStillTakeIsSuperseded) {
  issue(1);
  ASSERT_TRUE(activate(1));
  EXPECT_EQ(issue(2, ada(), kExpires).superseded.size(), 1U);
  EXPECT_EQ(attempt(1, ada(), kExpires - 1s).outcome, Attempted::refused);
}

TEST_F(TableIssues, ASubjectGetsSoManyInAnyWindow) {
  for (int i = 0; i < 5; ++i) {
    const auto answer = issue(i, of("ada", std::to_string(i)), kIssued + i * 60s);
    EXPECT_EQ(answer.outcome, Inserted::inserted);
    EXPECT_EQ(answer.issues_left, 4 - i);
    EXPECT_EQ(answer.retry_after, 600s);
  }
  const auto refused = issue(5, ada(), kIssued + 300s);
  EXPECT_EQ(refused.outcome, Inserted::throttled);
  EXPECT_EQ(refused.retry_after, 300s);
  EXPECT_FALSE(find(5));
  EXPECT_EQ(issue(5, ada(), kIssued + 600s - 1us).retry_after, 1s);
  EXPECT_EQ(issue(5, ada(), kIssued + 600s).outcome, Inserted::inserted);
  // The window slides: the next one leaves a minute later.
  EXPECT_EQ(issue(6, ada(), kIssued + 600s).retry_after, 60s);
}

TEST_F(TableIssues, ARefusedIssueRevokesNothing) {
  for (int i = 0; i < 5; ++i) issue(i);
  ASSERT_EQ(issue(5).outcome, Inserted::throttled);
  EXPECT_EQ(state(4), CodeState::pending);
}

TEST_F(TableIssues, ACollisionIsNotCounted) {
  issue(1, of("eve", ""));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(issue(1).outcome, Inserted::exists);
  EXPECT_EQ(issue(2).issues_left, 4);
}

TEST_F(TableIssues, SubjectsDoNotCountForEachOtherAndCodesWithoutOneNotAtAll) {
  for (int i = 0; i < 5; ++i) issue(i);
  EXPECT_EQ(issue(10, of("eve", "sign-in")).issues_left, 4);
  for (int i = 20; i < 40; ++i) EXPECT_EQ(issue(i, {}).outcome, Inserted::inserted);
  EXPECT_EQ(state(20), CodeState::pending);
}

// The limit holds even when the codes themselves are forgotten sooner.
TEST_F(TableIssues, AreCountedLongerThanShortCodesLive) {
  for (int i = 0; i < 5; ++i) {
    CodeRow row = row_of(i);
    row.expires = kIssued + 1s;
    insert(row, {});
  }
  EXPECT_EQ(sweep(kIssued + 60s).size(), 5U);
  EXPECT_EQ(issue(5, ada(), kIssued + 60s).outcome, Inserted::throttled);
}

}  // namespace
}  // namespace latchkey::codes
