#include <gtest/gtest.h>

#include <set>

#include "codes/run_all.hpp"
#include "codes/testing/table_test.hpp"
#include "codes/testing/temporary_folder.hpp"

// Several copies at once, each with tables of its own over one store. Every step of every copy is
// on its way before the first one is answered.
namespace latchkey::codes {
namespace {

class TableRaces : public testing::TableTest {
 protected:
  using Standing = CodeTable::Activation::Standing;
  static constexpr int kCopies = 4;

  template <class T>
  static Task<> keep_answer(Task<Result<T>> step, std::vector<T>& answers) {
    auto answer = co_await std::move(step);
    answers.push_back(std::move(answer).value());
  }
  /// Runs `step(copy, i)` `times` times on each copy, all beside each other; what they answered.
  template <class Step>
  auto from_all_sides(int times, Step step) {
    using T = typename decltype(step(*copies[0].codes, 0))::value_type::value_type;
    std::vector<T> answers;
    std::vector<Task<>> tasks;
    for (int i = 0; i < times; ++i) {
      for (CodeTables& copy : copies)
        tasks.push_back(keep_answer<T>(step(*copy.codes, i), answers));
    }
    run_beside(std::move(tasks));
    EXPECT_EQ(answers.size(), copies.size() * static_cast<std::size_t>(times));
    return answers;
  }
  void run_beside(std::vector<Task<>> tasks) {
    run_to_end(context, run_all(context.get_executor(), "race", std::move(tasks)));
  }
  AttemptRequest unlimited_request(int number) {
    AttemptRequest request = request_of(number);
    request.limits.attempts_per_code = 1'000;
    request.limits.failures_max = 1'000;
    return request;
  }

  testing::TemporaryFolder folder;
  std::vector<CodeTables> copies =
      testing::open_copies_under_test(context.get_executor(), kCopies, folder.path());

 private:
  void SetUp() override { table = copies[0].codes.get(); }
};

template <class T, class Predicate>
int count_of(const std::vector<T>& answers, Predicate predicate) {
  return static_cast<int>(std::count_if(answers.begin(), answers.end(), predicate));
}

/// True when no two are the same.
bool all_differ(const std::vector<std::string>& ids) {
  return std::set<std::string>(ids.begin(), ids.end()).size() == ids.size();
}

// I3
TEST_F(TableRaces, OfManyAttemptsExactlyOneTakesTheCode) {
  for (int code = 0; code < 5; ++code) {
    insert_valid(code);
    const auto answers = from_all_sides(
        5, [&](CodeTable& copy, int) { return copy.attempt(unlimited_request(code)); });
    EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Attempted::yes; }), 1) << code;
    EXPECT_EQ(count_of(answers, [](auto& it) { return it.reason == "used"; }), 19) << code;
  }
}

// I3: a caller that asks again from everywhere, since no answer came.
TEST_F(TableRaces, RepeatsOfOneVerificationAllGetItsYes) {
  insert_valid(1);
  AttemptRequest request = unlimited_request(1);
  request.used_by = "mine";
  const auto answers =
      from_all_sides(5, [&](CodeTable& copy, int) { return copy.attempt(request); });
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Attempted::yes; }), 20);
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.reason == "repeated"; }), 19);
}

// I6: no interleaving gives more guesses than the limit, and none is lost.
TEST_F(TableRaces, GuessesAreAllCounted) {
  insert_valid(1);
  insert_valid(2);
  const auto answers =
      from_all_sides(10, [&](CodeTable& copy, int i) { return copy.attempt(request_of(900 + i)); });
  EXPECT_EQ(find(1)->attempts, 5);
  EXPECT_EQ(find(2)->attempts, 5);
  EXPECT_EQ(state(1), CodeState::revoked);
  std::vector<std::string> exhausted;
  for (const auto& answer : answers) {
    for (const auto& code : answer.exhausted) exhausted.push_back(code.id);
  }
  EXPECT_EQ(exhausted.size(), 2U);
  EXPECT_TRUE(all_differ(exhausted));
  EXPECT_EQ(attempt(1).reason, "revoked");
  EXPECT_EQ(attempt(9).failures_left, 100 - 40 - 2);
}

// I6: the right code among so many wrong ones is taken only if few came before it.
TEST_F(TableRaces, ACodeIsEitherTakenOrExhausted) {
  for (int code = 0; code < 5; ++code) {
    const Binding binding = of("user" + std::to_string(code), "sign-in");
    insert_valid(code, binding);
    const auto answers = from_all_sides(5, [&](CodeTable& copy, int i) {
      return copy.attempt(request_of(i == 2 ? code : 900, binding));
    });
    const bool taken = count_of(answers, [](auto& it) { return it.outcome == Attempted::yes; }) > 0;
    const bool revoked = count_of(answers, [](auto& it) { return !it.exhausted.empty(); }) > 0;
    EXPECT_NE(taken, revoked) << code;
    EXPECT_EQ(state(code), taken ? CodeState::used : CodeState::revoked) << code;
    EXPECT_EQ(find(code)->attempts < 5, taken) << code;
  }
}

// I6: the right guess comes last of many at once, and may not always overtake the wrong ones, or
// the limit would be as many as are in flight together.
TEST_F(TableRaces, TheRightCodeDoesNotOvertakeTheGuessesBeforeIt) {
  constexpr int kRounds = 10;
  int taken = 0;
  for (int code = 0; code < kRounds; ++code) {
    const Binding binding = of("user" + std::to_string(code), "sign-in");
    insert_valid(code, binding);
    const CodeTable* last = copies.back().codes.get();
    from_all_sides(5, [&](CodeTable& copy, int i) {
      const bool right = i == 4 && &copy == last;
      return copy.attempt(request_of(right ? code : 900, binding));
    });
    taken += state(code) == CodeState::used ? 1 : 0;
  }
  EXPECT_LT(taken, kRounds);
}

// I6
TEST_F(TableRaces, DelaysHoldOnEveryCopy) {
  const auto answers =
      from_all_sides(30, [&](CodeTable& copy, int i) { return copy.attempt(request_of(900 + i)); });
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Attempted::refused; }), 100);
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Attempted::throttled; }), 20);
}

TEST_F(TableRaces, OfManyInsertsOfOneKeyExactlyOneIsDone) {
  for (const Binding& binding : {ada(), Binding{}}) {
    const int code = binding.subject.empty() ? 1 : 2;
    int ids = 100 * code;
    const auto answers = from_all_sides(3, [&](CodeTable& copy, int) {
      CodeRow row = row_of(code, binding);
      row.id = id_of(++ids);
      return copy.insert(std::move(row), Limits{});
    });
    EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Inserted::inserted; }), 1);
    EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Inserted::exists; }), 11);
  }
  EXPECT_EQ(insert(row_of(3), Limits{}).issues_left, 3) << "collisions were counted";
}

TEST_F(TableRaces, IssuesAreAllCounted) {
  int code = 0;
  const auto answers = from_all_sides(
      5, [&](CodeTable& copy, int) { return copy.insert(row_of(++code), Limits{}); });
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Inserted::inserted; }), 5);
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Inserted::throttled; }), 15);
}

TEST_F(TableRaces, OfManyNewCodesOneStaysGood) {
  Limits limits;
  limits.issues_max = 1'000;
  int code = 0;
  const auto answers =
      from_all_sides(5, [&](CodeTable& copy, int) { return copy.insert(row_of(++code), limits); });
  std::vector<std::string> superseded;
  for (const auto& answer : answers) {
    for (const auto& older : answer.superseded) superseded.push_back(older.id);
  }
  EXPECT_EQ(superseded.size(), 19U);
  EXPECT_TRUE(all_differ(superseded));
  int good = 0;
  for (int i = 1; i <= 20; ++i) good += state(i) == CodeState::pending ? 1 : 0;
  EXPECT_EQ(good, 1);
}

TEST_F(TableRaces, ACodeBecomesValidOnce) {
  insert(row_of(1));
  const auto answers =
      from_all_sides(5, [&](CodeTable& copy, int) { return copy.activate({key_of(1)}, kIssued); });
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.standing == Standing::activated; }), 1);
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.standing == Standing::known; }), 19);
}

// I5
TEST_F(TableRaces, ACodeIsEitherTakenOrRevoked) {
  for (int code = 0; code < 5; ++code) {
    insert_valid(code);
    std::vector<AttemptAnswer> attempts;
    std::vector<CodeTable::Revocation> revocations;
    std::vector<Task<>> tasks;
    for (CodeTables& copy : copies) {
      tasks.push_back(keep_answer(copy.codes->attempt(unlimited_request(code)), attempts));
      tasks.push_back(keep_answer(copy.codes->revoke_id(id_of(code)), revocations));
    }
    run_beside(std::move(tasks));
    const int taken = count_of(attempts, [](auto& it) { return it.outcome == Attempted::yes; });
    const int revoked = count_of(revocations, [](auto& it) { return it.revoked; });
    EXPECT_EQ(taken + revoked, 1) << code;
    EXPECT_EQ(state(code), taken == 1 ? CodeState::used : CodeState::revoked) << code;
  }
}

// I5: whichever comes first, it ends revoked.
TEST_F(TableRaces, ARevocationIsNotUndoneByAnActivation) {
  for (int code = 0; code < 5; ++code) {
    insert(row_of(code));
    std::vector<CodeTable::Activation> activations;
    std::vector<std::vector<CodeFacts>> revocations;
    std::vector<Task<>> tasks;
    for (CodeTables& copy : copies) {
      auto revoking = copy.codes->revoke_subject(ada().subject, std::nullopt, kIssued);
      tasks.push_back(keep_answer(copy.codes->activate({key_of(code)}, kIssued), activations));
      tasks.push_back(keep_answer(std::move(revoking), revocations));
    }
    run_beside(std::move(tasks));
    EXPECT_EQ(state(code), CodeState::revoked) << code;
    EXPECT_EQ(count_of(revocations, [](auto& it) { return it.size() == 1; }), 1) << code;
  }
}

// For the audit: what is forgotten is told once.
TEST_F(TableRaces, ARowIsForgottenOnce) {
  for (int code = 0; code < 20; ++code) insert(row_of(code));
  const auto removed =
      from_all_sides(2, [&](CodeTable& copy, int) { return copy.remove({key_of(0)}, kExpires); });
  EXPECT_EQ(count_of(removed, [](auto& it) { return it.has_value(); }), 1);
  std::vector<std::string> swept;
  const auto batches =
      from_all_sides(1, [&](CodeTable& copy, int) { return copy.remove_expired(kExpires, 1'000); });
  for (const auto& batch : batches) {
    for (const CodeFacts& code : batch) {
      if (code.id.starts_with(case_)) swept.push_back(code.id);
    }
  }
  EXPECT_EQ(swept.size(), 19U);
  EXPECT_TRUE(all_differ(swept));
}

TEST_F(TableRaces, OneRequestOfAnIdempotencyKeyStarts) {
  using Outcome = AnswerTable::Begun::Outcome;
  std::vector<AnswerTable::Begun> answers;
  std::vector<Task<>> tasks;
  for (int i = 0; i < 5; ++i) {
    for (CodeTables& copy : copies) {
      auto beginning = copy.answers->begin(key_of(1), key_of(2), kIssued, std::chrono::seconds{60});
      tasks.push_back(keep_answer(std::move(beginning), answers));
    }
  }
  run_beside(std::move(tasks));
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Outcome::started; }), 1);
  EXPECT_EQ(count_of(answers, [](auto& it) { return it.outcome == Outcome::in_progress; }), 19);
}

}  // namespace
}  // namespace latchkey::codes
