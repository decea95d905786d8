#include "codes/sqlite_code_table.hpp"

#include <gtest/gtest.h>

#include "codes/testing/table_test.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

class SqliteCodeTable : public testing::TableTest {};

TEST_F(SqliteCodeTable, KeepsEveryColumn) {
  CodeRow row = row_of(1, ada(), CodeState::used);
  row.attempts = 3;
  row.used_at = kIssued + 5s;
  row.used_by = "retry-7";
  ASSERT_EQ(insert(row).outcome, Inserted::inserted);
  const auto found = find(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, row.key);
  EXPECT_EQ(found->key_id, "v1");
  EXPECT_EQ(found->id, id_of(1));
  EXPECT_EQ(found->issued, kIssued);
  EXPECT_EQ(found->expires, kExpires);
  EXPECT_EQ(found->state, CodeState::used);
  EXPECT_EQ(found->binding, ada());
  EXPECT_EQ(found->attempts, 3);
  EXPECT_EQ(found->used_at, kIssued + 5s);
  EXPECT_EQ(found->used_by, "retry-7");
  EXPECT_EQ(run(table->find_id(id_of(1)))->key, row.key);
}

TEST_F(SqliteCodeTable, FindsNothingUnderNoKeyOrAnUnknownOne) {
  insert(row_of(1));
  EXPECT_FALSE(run(table->find({})));
  EXPECT_FALSE(find(2));
  EXPECT_FALSE(run(table->find_id(id_of(2))));
  EXPECT_FALSE(run(table->find_id("")));
  EXPECT_TRUE(run(table->find({key_of(2), key_of(1)})));
}

TEST_F(SqliteCodeTable, InsertLeavesAnExistingRowAlone) {
  insert_valid(1);
  for (const Binding& other : {Binding{"eve", "sign-in"}, ada(), Binding{}}) {
    CodeRow row = row_of(1, other);
    row.id = "another";
    EXPECT_EQ(insert(row).outcome, Inserted::exists);
  }
  EXPECT_EQ(find(1)->binding, ada());
  EXPECT_EQ(find(1)->id, id_of(1));
  EXPECT_EQ(state(1), CodeState::valid);
}

// I5: every step from every state, what it says and what the state is then.
TEST_F(SqliteCodeTable, StatesMoveForwardOnly) {
  struct Step {
    CodeState from;
    CodeState after_activate, after_revoke, after_attempt;
  };
  const Step steps[] = {
      {CodeState::pending, CodeState::valid, CodeState::revoked, CodeState::pending},
      {CodeState::valid, CodeState::valid, CodeState::revoked, CodeState::used},
      {CodeState::used, CodeState::used, CodeState::used, CodeState::used},
      {CodeState::revoked, CodeState::revoked, CodeState::revoked, CodeState::revoked},
  };
  int number = 0;
  for (const Step& step : steps) {
    const int first = number;
    for (int i = 0; i < 3; ++i) {
      insert(row_of(number++, ada(), step.from));
    }
    const char* from = to_string(step.from);
    EXPECT_EQ(activate(first), step.from != step.after_activate) << from;
    EXPECT_EQ(state(first), step.after_activate) << from;
    EXPECT_EQ(revoke(first + 1), step.from != step.after_revoke) << from;
    EXPECT_EQ(state(first + 1), step.after_revoke) << from;
    const bool used = attempt(first + 2).outcome == Attempted::yes;
    EXPECT_EQ(used, step.from != step.after_attempt) << from;
    EXPECT_EQ(state(first + 2), step.after_attempt) << from;
  }
  EXPECT_FALSE(activate(99));
  EXPECT_FALSE(revoke(99));
}

// I9
TEST_F(SqliteCodeTable, NothingBecomesValidOnceItIsOver) {
  insert(row_of(1));
  EXPECT_FALSE(activate(1, kExpires));
  EXPECT_EQ(state(1), CodeState::pending);
  EXPECT_TRUE(activate(1, kExpires - 1us));
}

TEST_F(SqliteCodeTable, ActivationTellsWhoseCodeItWas) {
  using Standing = CodeTable::Activation::Standing;
  insert(row_of(1));
  const auto first = run(table->activate({key_of(9), key_of(1)}, kIssued));
  EXPECT_EQ(first.standing, Standing::activated);
  EXPECT_EQ(first.facts.id, id_of(1));
  EXPECT_EQ(first.facts.binding, ada());
  EXPECT_EQ(first.facts.expires, kExpires);
  EXPECT_EQ(first.facts.state, CodeState::pending);
  const auto again = run(table->activate({key_of(9), key_of(1)}, kIssued));
  EXPECT_EQ(again.standing, Standing::known);
  EXPECT_EQ(again.facts.state, CodeState::valid);
  EXPECT_EQ(again.facts.expires, kExpires);
  EXPECT_EQ(run(table->activate({key_of(9)}, kIssued)).standing, Standing::unissued);
}

TEST_F(SqliteCodeTable, RevocationTellsWhatTheCodeWas) {
  insert_valid(1);
  EXPECT_FALSE(run(table->revoke_id(id_of(9))).facts);
  const auto first = run(table->revoke_id(id_of(1)));
  EXPECT_TRUE(first.revoked);
  EXPECT_EQ(first.facts->state, CodeState::valid);
  const auto again = run(table->revoke_id(id_of(1)));
  EXPECT_FALSE(again.revoked);
  EXPECT_EQ(again.facts->state, CodeState::revoked);
}

TEST_F(SqliteCodeTable, RevokesAllOfASubjectThatCouldStillBeUsed) {
  insert_valid(1);
  insert(row_of(2, {"ada", "payment"}));
  insert_valid(3, {"eve", "sign-in"});
  insert_valid(4, {});
  insert(row_of(5, ada(), CodeState::used));
  CodeRow over = row_of(6);
  over.expires = kIssued + 1s;
  insert(over);
  const UtcTime later = kIssued + 1s + kClocksApartMax;
  const auto payment = run(table->revoke_subject("ada", "payment", later));
  ASSERT_EQ(payment.size(), 1U);
  EXPECT_EQ(payment[0].id, id_of(2));
  EXPECT_EQ(payment[0].state, CodeState::pending);
  const auto all = run(table->revoke_subject("ada", std::nullopt, later));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, id_of(1));
  EXPECT_TRUE(run(table->revoke_subject("", std::nullopt, kIssued)).empty());
  for (const int other : {3, 4}) EXPECT_EQ(state(other), CodeState::valid) << other;
  EXPECT_EQ(state(5), CodeState::used);
}

// I4, and what is used cannot be forgotten and played again (I2).
TEST_F(SqliteCodeTable, RemoveWaitsUntilTheRowItselfIsOver) {
  insert_valid(1);
  const auto remove = [&](UtcTime expired_by) {
    return run(table->remove({key_of(9), key_of(1)}, expired_by));
  };
  EXPECT_FALSE(remove(kExpires - 1us));
  EXPECT_TRUE(find(1));
  const auto removed = remove(kExpires);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->id, id_of(1));
  EXPECT_EQ(removed->state, CodeState::valid);
  EXPECT_FALSE(find(1));
  EXPECT_FALSE(remove(kExpires));
}

TEST_F(SqliteCodeTable, RemoveExpiredTakesTheOldestUpToItsLimit) {
  for (int i = 0; i < 10; ++i) {
    CodeRow row = row_of(i);
    row.expires = kExpires + std::chrono::seconds{i};
    insert(row);
  }
  const auto sweep = [&](UtcTime expired_by, std::int64_t limit) {
    return run(table->remove_expired(expired_by, limit)).size();
  };
  EXPECT_EQ(sweep(kExpires - 1us, 100), 0U);
  EXPECT_EQ(sweep(kExpires + 5s, 4), 4U);
  EXPECT_FALSE(find(3));
  EXPECT_TRUE(find(4));
  EXPECT_EQ(sweep(kExpires + 5s, 100), 2U);
  EXPECT_EQ(sweep(kExpires + 1h, -1), 0U);
  EXPECT_EQ(take_out().total(), 4);
}

class Issues : public testing::TableTest {
 protected:
  CodeTable::InsertAnswer issue(int number, Binding binding = ada(), UtcTime at = kIssued,
                                Limits limits = {}) {
    CodeRow row = row_of(number, std::move(binding));
    row.issued = at;
    row.expires = at + 600s;
    return insert(row, limits);
  }
};

TEST_F(Issues, ANewCodeRevokesTheOlderOnesOfItsSubjectAndPurpose) {
  issue(1);
  ASSERT_TRUE(activate(1));
  issue(2, {"ada", "payment"});
  issue(3, {"eve", "sign-in"});
  issue(4, {});
  const auto answer = issue(5);
  ASSERT_EQ(answer.superseded.size(), 1U);
  EXPECT_EQ(answer.superseded[0].id, id_of(1));
  EXPECT_EQ(answer.superseded[0].state, CodeState::valid);
  EXPECT_EQ(state(1), CodeState::revoked);
  for (const int other : {2, 3, 4, 5}) EXPECT_EQ(state(other), CodeState::pending) << other;
  EXPECT_EQ(issue(6).superseded.at(0).state, CodeState::pending);
}

TEST_F(Issues, OlderCodesStayWhenTheLimitsSaySo) {
  Limits limits;
  limits.newest_only = false;
  issue(1, ada(), kIssued, limits);
  EXPECT_TRUE(issue(2, ada(), kIssued, limits).superseded.empty());
  EXPECT_EQ(state(1), CodeState::pending);
}

TEST_F(Issues, WhatCanNoLongerBeUsedIsNotSuperseded) {
  issue(1);
  ASSERT_TRUE(activate(1));
  ASSERT_EQ(attempt(1).outcome, Attempted::yes);
  EXPECT_TRUE(issue(2).superseded.empty());
  EXPECT_EQ(state(1), CodeState::used);
  EXPECT_TRUE(issue(3, ada(), kExpires + kClocksApartMax).superseded.empty());
}

// I2: seen with real processes whose clocks were 1.6 s apart.
TEST_F(Issues, WhatAVerifierWithASlowClockWouldStillTakeIsSuperseded) {
  issue(1);
  ASSERT_TRUE(activate(1));
  EXPECT_EQ(issue(2, ada(), kExpires).superseded.size(), 1U);
  EXPECT_EQ(attempt(1, ada(), kExpires - 1s).outcome, Attempted::refused);
}

TEST_F(Issues, ASubjectGetsSoManyInAnyWindow) {
  for (int i = 0; i < 5; ++i) {
    const auto answer = issue(i, {"ada", std::to_string(i)}, kIssued + i * 60s);
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

TEST_F(Issues, ARefusedIssueRevokesNothing) {
  for (int i = 0; i < 5; ++i) issue(i);
  ASSERT_EQ(issue(5).outcome, Inserted::throttled);
  EXPECT_EQ(state(4), CodeState::pending);
}

TEST_F(Issues, ACollisionIsNotCounted) {
  issue(1, {"eve", ""});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(issue(1).outcome, Inserted::exists);
  EXPECT_EQ(issue(2).issues_left, 4);
}

TEST_F(Issues, SubjectsDoNotCountForEachOtherAndCodesWithoutOneNotAtAll) {
  for (int i = 0; i < 5; ++i) issue(i);
  EXPECT_EQ(issue(10, {"eve", "sign-in"}).issues_left, 4);
  for (int i = 20; i < 40; ++i) EXPECT_EQ(issue(i, {}).outcome, Inserted::inserted);
  EXPECT_EQ(state(20), CodeState::pending);
}

// The limit holds even when the codes themselves are forgotten sooner.
TEST_F(Issues, AreCountedLongerThanShortCodesLive) {
  for (int i = 0; i < 5; ++i) {
    CodeRow row = row_of(i);
    row.expires = kIssued + 1s;
    insert(row, {});
  }
  EXPECT_EQ(run(table->remove_expired(kIssued + 60s, 100)).size(), 5U);
  EXPECT_EQ(issue(5, ada(), kIssued + 60s).outcome, Inserted::throttled);
}

}  // namespace
}  // namespace latchkey::codes
