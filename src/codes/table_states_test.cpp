#include <gtest/gtest.h>

#include "codes/testing/table_test.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

class TableStates : public testing::TableTest {};

TEST_F(TableStates, KeepsEveryColumn) {
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

TEST_F(TableStates, FindsNothingUnderNoKeyOrAnUnknownOne) {
  insert(row_of(1));
  EXPECT_FALSE(run(table->find({})));
  EXPECT_FALSE(find(2));
  EXPECT_FALSE(run(table->find_id(id_of(2))));
  EXPECT_FALSE(run(table->find_id("")));
  EXPECT_TRUE(run(table->find({key_of(2), key_of(1)})));
}

TEST_F(TableStates, InsertLeavesAnExistingRowAlone) {
  insert_valid(1);
  for (const Binding& other : {of("eve", "sign-in"), ada(), Binding{}}) {
    CodeRow row = row_of(1, other);
    row.id = "another";
    EXPECT_EQ(insert(row).outcome, Inserted::exists);
  }
  EXPECT_EQ(find(1)->binding, ada());
  EXPECT_EQ(find(1)->id, id_of(1));
  EXPECT_EQ(state(1), CodeState::valid);
}

// I5: every step from every state, what it says and what the state is then.
TEST_F(TableStates, StatesMoveForwardOnly) {
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
TEST_F(TableStates, NothingBecomesValidOnceItIsOver) {
  insert(row_of(1));
  EXPECT_FALSE(activate(1, kExpires));
  EXPECT_EQ(state(1), CodeState::pending);
  EXPECT_TRUE(activate(1, kExpires - 1us));
}

TEST_F(TableStates, ActivationTellsWhoseCodeItWas) {
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

TEST_F(TableStates, RevocationTellsWhatTheCodeWas) {
  insert_valid(1);
  EXPECT_FALSE(run(table->revoke_id(id_of(9))).facts);
  const auto first = run(table->revoke_id(id_of(1)));
  EXPECT_TRUE(first.revoked);
  EXPECT_EQ(first.facts->state, CodeState::valid);
  const auto again = run(table->revoke_id(id_of(1)));
  EXPECT_FALSE(again.revoked);
  EXPECT_EQ(again.facts->state, CodeState::revoked);
}

TEST_F(TableStates, RevokesAllOfASubjectThatCouldStillBeUsed) {
  insert_valid(1);
  insert(row_of(2, of("ada", "payment")));
  insert_valid(3, of("eve", "sign-in"));
  insert_valid(4, {});
  insert(row_of(5, ada(), CodeState::used));
  CodeRow over = row_of(6);
  over.expires = kIssued + 1s;
  insert(over);
  const UtcTime later = kIssued + 1s + kClocksApartMax;
  const auto payment = run(table->revoke_subject(ada().subject, "payment", later));
  ASSERT_EQ(payment.size(), 1U);
  EXPECT_EQ(payment[0].id, id_of(2));
  EXPECT_EQ(payment[0].state, CodeState::pending);
  const auto all = run(table->revoke_subject(ada().subject, std::nullopt, later));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, id_of(1));
  EXPECT_TRUE(run(table->revoke_subject("", std::nullopt, kIssued)).empty());
  for (const int other : {3, 4}) EXPECT_EQ(state(other), CodeState::valid) << other;
  EXPECT_EQ(state(5), CodeState::used);
}

// I4, and what is used cannot be forgotten and played again (I2).
TEST_F(TableStates, RemoveWaitsUntilTheRowItselfIsOver) {
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

/// Long before anything that another case leaves behind.
constexpr UtcTime kLongAgo{1'000'000'000s};

TEST_F(TableStates, RemoveExpiredTakesTheOldestUpToItsLimit) {
  sweep(kLongAgo + 1h);
  for (int i = 0; i < 10; ++i) {
    CodeRow row = row_of(i);
    row.issued = kLongAgo - 600s;
    row.expires = kLongAgo + std::chrono::seconds{i};
    insert(row);
  }
  const auto removed = [&](UtcTime expired_by, std::int64_t limit) {
    return run(table->remove_expired(expired_by, limit)).size();
  };
  EXPECT_EQ(removed(kLongAgo - 1us, 100), 0U);
  EXPECT_EQ(removed(kLongAgo + 5s, 4), 4U);
  EXPECT_FALSE(find(3));
  EXPECT_TRUE(find(4));
  EXPECT_EQ(removed(kLongAgo + 5s, 100), 2U);
  EXPECT_EQ(removed(kLongAgo + 1h, -1), 0U);
  for (const int left : {6, 7, 8, 9}) EXPECT_TRUE(find(left)) << left;
}

// For the audit.
TEST_F(TableStates, RemoveExpiredTellsWhatTheCodesWere) {
  insert(row_of(1));
  insert_valid(2, of("eve", "payment"));
  const auto removed = sweep(kExpires);
  ASSERT_EQ(removed.size(), 2U);
  const CodeFacts& first = removed[removed[0].id == id_of(1) ? 0 : 1];
  const CodeFacts& second = removed[removed[0].id == id_of(1) ? 1 : 0];
  EXPECT_EQ(first.state, CodeState::pending);
  EXPECT_EQ(second.id, id_of(2));
  EXPECT_EQ(second.state, CodeState::valid);
  EXPECT_EQ(second.binding, of("eve", "payment"));
  EXPECT_EQ(second.expires, kExpires);
  EXPECT_FALSE(run(table->find_id(id_of(2))));
}

// What is asked while nothing is known yet, or to see whether the table is there.
TEST_F(TableStates, AnswersWhenNothingIsAskedFor) {
  EXPECT_FALSE(run(table->find({})));
  EXPECT_EQ(run(table->activate({}, kIssued)).standing, CodeTable::Activation::Standing::unissued);
  EXPECT_FALSE(run(table->remove({}, kIssued)));
}

}  // namespace
}  // namespace latchkey::codes
