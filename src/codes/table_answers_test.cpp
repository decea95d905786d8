#include <gtest/gtest.h>

#include "codes/testing/table_test.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using Outcome = AnswerTable::Begun::Outcome;

class TableAnswers : public testing::TableTest {
 protected:
  static constexpr auto kLease = 60s;

  AnswerTable::Begun begin(int key, UtcTime now = kIssued, int fingerprint = 100) {
    return run(tables.answers->begin(key_of(key), key_of(fingerprint), now, kLease));
  }
  void keep(int key, const std::string& sealed, UtcTime until = kExpires) {
    ASSERT_TRUE(
        latchkey::testing::await(context, tables.answers->keep(key_of(key), sealed, until)));
  }
  void drop(int key) {
    ASSERT_TRUE(latchkey::testing::await(context, tables.answers->drop(key_of(key))));
  }
  void remove_expired(UtcTime now) {
    ASSERT_TRUE(latchkey::testing::await(context, tables.answers->remove_expired(now)));
  }
};

TEST_F(TableAnswers, TheFirstStartsAndLaterOnesGetWhatWasKept) {
  EXPECT_EQ(begin(1).outcome, Outcome::started);
  EXPECT_EQ(begin(1).outcome, Outcome::in_progress);
  EXPECT_EQ(begin(1).sealed, "");
  const std::string any_bytes("\0\r\n\xff sealed", 11);
  keep(1, any_bytes);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(begin(1).outcome, Outcome::answered);
    EXPECT_EQ(begin(1).sealed, any_bytes);
  }
  EXPECT_EQ(begin(2).outcome, Outcome::started);
}

TEST_F(TableAnswers, AnotherFingerprintUnderTheSameKeyIsSeen) {
  begin(1);
  EXPECT_EQ(begin(1, kIssued, 101).outcome, Outcome::other_request);
  keep(1, "sealed");
  EXPECT_EQ(begin(1, kIssued, 101).outcome, Outcome::other_request);
  EXPECT_EQ(begin(1, kIssued, 101).sealed, "");
  EXPECT_EQ(begin(1).outcome, Outcome::answered);
}

TEST_F(TableAnswers, WhatWasDroppedStartsAnew) {
  begin(1);
  drop(1);
  EXPECT_EQ(begin(1, kIssued, 101).outcome, Outcome::started);
  drop(2);  // What never began.
  EXPECT_EQ(begin(2).outcome, Outcome::started);
}

TEST_F(TableAnswers, ADropDoesNotTakeAnAnswerAway) {
  begin(1);
  keep(1, "sealed");
  drop(1);
  EXPECT_EQ(begin(1).outcome, Outcome::answered);
}

TEST_F(TableAnswers, AStartWhoseProcessDiedEndsWithItsLease) {
  begin(1);
  EXPECT_EQ(begin(1, kIssued + kLease - 1us).outcome, Outcome::in_progress);
  EXPECT_EQ(begin(1, kIssued + kLease, 101).outcome, Outcome::started);
  EXPECT_EQ(begin(1, kIssued + kLease, 101).outcome, Outcome::in_progress);
}

TEST_F(TableAnswers, OfTwoThatDidTheWorkTheFirstAnswerStands) {
  begin(1);
  begin(1, kIssued + kLease);
  keep(1, "second");
  keep(1, "slow");
  EXPECT_EQ(begin(1, kIssued + kLease).sealed, "second");
}

TEST_F(TableAnswers, AnAnswerIsKeptUntilItsTimeIsOver) {
  begin(1);
  keep(1, "sealed");
  EXPECT_EQ(begin(1, kExpires - 1us).outcome, Outcome::answered);
  EXPECT_EQ(begin(1, kExpires).outcome, Outcome::started);
}

TEST_F(TableAnswers, RemoveExpiredLeavesWhatIsNotOver) {
  begin(1);
  keep(1, "sealed", kIssued + 1s);
  begin(2);
  keep(2, "sealed");
  remove_expired(kIssued + 1s);
  EXPECT_EQ(begin(1, kIssued + 1s).outcome, Outcome::started);
  EXPECT_EQ(begin(2, kIssued + 1s).outcome, Outcome::answered);
}

}  // namespace
}  // namespace latchkey::codes
