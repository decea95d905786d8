#include <gtest/gtest.h>

#include "codes/testing/table_test.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

class TableAttempts : public testing::TableTest {};

// I2, I3
TEST_F(TableAttempts, TakesAValidCodeOnce) {
  insert_valid(1);
  auto asked = request_of(1, ada(), kIssued + 10s);
  asked.used_by = "first";
  const auto answer = attempt(asked);
  EXPECT_EQ(answer.outcome, Attempted::yes);
  EXPECT_EQ(answer.expires, kExpires);
  EXPECT_EQ(answer.id, id_of(1));
  EXPECT_EQ(answer.reason, "");
  EXPECT_EQ(find(1)->used_at, asked.now);
  EXPECT_EQ(find(1)->used_by, "first");
  const auto again = attempt(1);
  EXPECT_EQ(again.outcome, Attempted::refused);
  EXPECT_EQ(again.reason, "used");
}

// I1, I7, I8
TEST_F(TableAttempts, SaysWhyNot) {
  insert_valid(1);
  insert(row_of(2));
  insert(row_of(3));
  ASSERT_TRUE(revoke(3));
  struct Row {
    const char* reason;
    int number;
    std::string subject, purpose;
    UtcTime now;
    Attempted outcome = Attempted::refused;
  };
  const Row rows[] = {
      {"unknown", 9, "ada", "sign-in", kIssued},
      {"other_binding", 1, "eve", "sign-in", kIssued},
      {"other_binding", 1, "ada", "payment", kIssued},
      {"other_binding", 1, "ADA", "sign-in", kIssued},
      {"other_binding", 1, "ada ", "sign-in", kIssued},
      {"other_binding", 1, "", "", kIssued},
      {"other_binding", 1, std::string("ada\0", 4), "sign-in", kIssued},
      {"expired", 1, "ada", "sign-in", kExpires},
      {"expired", 1, "ada", "sign-in", kExpires + 1h},
      {"pending", 2, "ada", "sign-in", kIssued, Attempted::not_active_yet},
      {"other_binding", 2, "eve", "sign-in", kIssued},
      {"expired", 2, "ada", "sign-in", kExpires},
      {"revoked", 3, "ada", "sign-in", kIssued},
      {"", 1, "ada", "sign-in", kExpires - 1us, Attempted::yes},
  };
  for (const Row& row : rows) {
    const Binding asked_for = row.subject.empty() ? Binding{} : of(row.subject, row.purpose);
    auto asked = request_of(row.number, asked_for, row.now);
    asked.limits.attempts_per_code = 1'000;
    const auto answer = attempt(asked);
    EXPECT_EQ(answer.outcome, row.outcome) << row.reason << row.number;
    EXPECT_EQ(answer.reason, row.reason) << row.number;
    EXPECT_EQ(answer.id, row.number == 9 ? "" : id_of(row.number)) << row.reason;
  }
}

TEST_F(TableAttempts, FindsACodeUnderAnyOfItsKeys) {
  insert_valid(1);
  auto asked = request_of(1);
  asked.keys = {key_of(77), key_of(1)};
  EXPECT_EQ(attempt(asked).outcome, Attempted::yes);
}

// I3: a retry after a lost answer is no second acceptance.
TEST_F(TableAttempts, ARepeatedOneGetsTheSameAnswerForAWhile) {
  insert_valid(1);
  auto asked = request_of(1);
  asked.used_by = "mine";
  ASSERT_EQ(attempt(asked).outcome, Attempted::yes);
  asked.now += kRepeatWindow;
  EXPECT_EQ(attempt(asked).reason, "repeated");
  EXPECT_EQ(attempt(asked).outcome, Attempted::yes);
  auto other = asked;
  other.used_by = "yours";
  EXPECT_EQ(attempt(other).reason, "used");
  other = asked;
  other.binding = of("eve", "sign-in");
  EXPECT_EQ(attempt(other).reason, "other_binding");
  asked.now += 1us;
  EXPECT_EQ(attempt(asked).reason, "used");
}

// I1
TEST_F(TableAttempts, NothingIsRepeatedAfterTheCodesEnd) {
  insert_valid(1);
  auto asked = request_of(1, ada(), kExpires - 1s);
  asked.used_by = "mine";
  ASSERT_EQ(attempt(asked).outcome, Attempted::yes);
  asked.now = kExpires;
  EXPECT_EQ(attempt(asked).outcome, Attempted::refused);
}

TEST_F(TableAttempts, AnEmptyIdempotencyKeyRepeatsNothing) {
  insert_valid(1);
  ASSERT_EQ(attempt(1).outcome, Attempted::yes);
  EXPECT_EQ(attempt(1).outcome, Attempted::refused);
}

// I6
TEST_F(TableAttempts, TheLastOneAllowedRevokesTheCode) {
  insert_valid(1);
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(attempt(900 + i).exhausted.empty());
  EXPECT_EQ(find(1)->attempts, 4);
  EXPECT_EQ(state(1), CodeState::valid);
  const auto last = attempt(905);
  ASSERT_EQ(last.exhausted.size(), 1U);
  EXPECT_EQ(last.exhausted[0].id, id_of(1));
  EXPECT_EQ(last.exhausted[0].binding, ada());
  EXPECT_EQ(last.exhausted[0].state, CodeState::valid);
  EXPECT_EQ(last.outcome, Attempted::refused);
  const auto right = attempt(1);
  EXPECT_EQ(right.outcome, Attempted::refused);
  EXPECT_EQ(right.reason, "revoked");
}

// I6
TEST_F(TableAttempts, TheRightCodeIsStillTakenAfterAllButTheLastGuess) {
  insert_valid(1);
  fail_times(4);
  EXPECT_EQ(attempt(1).outcome, Attempted::yes);
}

// I6
TEST_F(TableAttempts, AGuessCountsOnPendingCodesToo) {
  insert(row_of(1));
  fail_times(5);
  EXPECT_EQ(state(1), CodeState::revoked);
  EXPECT_FALSE(activate(1));
}

// I6, I4: a guess at one subject's codes costs nobody else's.
TEST_F(TableAttempts, AGuessCountsOnEveryUsableCodeOfItsSubjectAndPurposeOnly) {
  insert_valid(1);
  insert_valid(2);
  insert_valid(3, of("ada", "payment"));
  insert_valid(4, of("eve", "sign-in"));
  insert_valid(5, {});
  fail_times(5);
  EXPECT_EQ(state(1), CodeState::revoked);
  EXPECT_EQ(state(2), CodeState::revoked);
  for (const int other : {3, 4, 5}) {
    EXPECT_EQ(state(other), CodeState::valid) << other;
    EXPECT_EQ(find(other)->attempts, 0) << other;
  }
}

// I6: stuffing one code under many names.
TEST_F(TableAttempts, ACodeTriedUnderOtherNamesIsRevokedToo) {
  insert_valid(1);
  for (int i = 0; i < 4; ++i) attempt(1, of("eve" + std::to_string(i), "sign-in"));
  EXPECT_EQ(state(1), CodeState::valid);
  const auto last = attempt(1, of("eve", "payment"));
  ASSERT_EQ(last.exhausted.size(), 1U);
  EXPECT_EQ(last.exhausted[0].binding, ada());
  EXPECT_EQ(state(1), CodeState::revoked);
}

// I6: codes without a subject belong together by nothing; their guesses count for the caller.
TEST_F(TableAttempts, WithoutASubjectOnlyTheCallersCountGrows) {
  insert_valid(1, {});
  insert_valid(2, {});
  fail_times(20, {});
  EXPECT_EQ(attempt(9, {}).failures_left, 79);
  EXPECT_EQ(attempt(1, {}).outcome, Attempted::yes);
  EXPECT_EQ(find(2)->attempts, 0);
}

TEST_F(TableAttempts, ACodeThatIsNotActiveYetIsNoFailure) {
  insert(row_of(1));
  for (int i = 0; i < 10; ++i) {
    const auto answer = attempt(1);
    EXPECT_EQ(answer.outcome, Attempted::not_active_yet);
    EXPECT_EQ(answer.failures_left, 100);
  }
  EXPECT_EQ(find(1)->attempts, 0);
}

TEST_F(TableAttempts, FailuresInARowCountDownToTheDelay) {
  EXPECT_EQ(attempt(9).failures_left, 99);
  fail_times(98);
  const auto hundredth = attempt(9);
  EXPECT_EQ(hundredth.failures_left, 0);
  EXPECT_EQ(hundredth.outcome, Attempted::refused);
  EXPECT_EQ(attempt(9).outcome, Attempted::throttled);
}

TEST_F(TableAttempts, WhileTheDelayLastsNothingIsComparedOrCounted) {
  fail_times(100);
  insert_valid(1);
  const auto early = attempt(1, ada(), kIssued + 29s + 1us);
  EXPECT_EQ(early.outcome, Attempted::throttled);
  EXPECT_EQ(early.reason, "throttled");
  EXPECT_EQ(early.retry_after, 1s);
  EXPECT_EQ(early.id, "");
  EXPECT_EQ(state(1), CodeState::valid);
  EXPECT_EQ(attempt(9, ada(), kIssued + 1s).outcome, Attempted::throttled);
  EXPECT_EQ(find(1)->attempts, 0);
}

TEST_F(TableAttempts, ADelayIsNoLock) {
  fail_times(100);
  insert_valid(1);
  EXPECT_EQ(attempt(1, ada(), kIssued + 30s).outcome, Attempted::yes);
}

TEST_F(TableAttempts, WithoutADelayACopyWhoseClockIsBehindIsNotThrottled) {
  fail_times(99);
  EXPECT_EQ(attempt(9, ada(), kIssued - 2s).outcome, Attempted::refused);
}

TEST_F(TableAttempts, ADelayBlocksNobodyElse) {
  fail_times(100);
  insert_valid(1, of("ada", "payment"));
  insert_valid(2, of("eve", "sign-in"));
  EXPECT_EQ(attempt(1, of("ada", "payment")).outcome, Attempted::yes);
  EXPECT_EQ(attempt(2, of("eve", "sign-in")).outcome, Attempted::yes);
}

TEST_F(TableAttempts, EachFurtherFailureDoublesTheDelayUpToItsLongest) {
  fail_times(100);
  UtcTime now = kIssued;
  for (const auto delay : {30s, 60s, 120s, 240s, 480s, 900s, 900s}) {
    EXPECT_EQ(attempt(9, ada(), now).retry_after, delay);
    now += delay;
    EXPECT_EQ(attempt(9, ada(), now).outcome, Attempted::refused);
  }
}

TEST_F(TableAttempts, AnAcceptedCodeSetsTheCountBack) {
  fail_times(50);
  insert_valid(1);
  EXPECT_EQ(attempt(1).failures_left, 100);
  EXPECT_EQ(attempt(9).failures_left, 99);
}

TEST_F(TableAttempts, TheAnswerToARetryComesInSpiteOfADelay) {
  insert_valid(1);
  auto asked = request_of(1);
  asked.used_by = "mine";
  ASSERT_EQ(attempt(asked).outcome, Attempted::yes);
  fail_times(100);
  EXPECT_EQ(attempt(asked).reason, "repeated");
  asked.used_by = "yours";
  EXPECT_EQ(attempt(asked).outcome, Attempted::throttled);
}

// Enumeration: whether a subject has a code, or exists, shows in nothing.
TEST_F(TableAttempts, AnUnknownSubjectIsAnsweredAndCountedLikeAKnownOne) {
  insert_valid(1);
  const Binding nobody = of("nobody", "sign-in");
  for (int i = 0; i < 105; ++i) {
    const auto known = attempt(9, ada(), kIssued);
    const auto unknown = attempt(9, nobody, kIssued);
    EXPECT_EQ(known.outcome, unknown.outcome) << i;
    EXPECT_EQ(known.failures_left, unknown.failures_left) << i;
    EXPECT_EQ(known.retry_after, unknown.retry_after) << i;
  }
}

TEST_F(TableAttempts, CountsAreForgottenADayAfterTheLastFailure) {
  const Binding eve = of("eve", "sign-in");
  fail_times(50, ada());
  fail_times(50, eve);
  run(table->remove_expired(kIssued + 24h - 1us, 1'000));
  EXPECT_EQ(attempt(9, ada(), kIssued + 24h - 1us).failures_left, 49);
  run(table->remove_expired(kIssued + 24h, 1'000));
  EXPECT_EQ(attempt(9, eve, kIssued + 24h).failures_left, 99);
}

}  // namespace
}  // namespace latchkey::codes
