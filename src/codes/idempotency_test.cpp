#include "codes/idempotency.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/sqlite.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/temporary_folder.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
using Outcome = AnswerTable::Begun::Outcome;

class IdempotencyTest : public ::testing::Test {
 protected:
  Idempotency::Claim claim(std::string_view key = "key-1", std::string_view body = "body",
                           std::string_view caller = "app", std::string_view operation = "issue") {
    return await(context, idempotency.claim(operation, caller, key, body)).value();
  }
  void keep(Idempotency::Claim claimed, std::string answer, std::chrono::seconds life = 600s) {
    const UtcTime until = clock.now() + life;
    ASSERT_TRUE(await(context, idempotency.keep(std::move(claimed), std::move(answer), until)));
  }

  testing::TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "codes.db";
  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  CodeTables tables = open_sqlite_tables(file).value();
  CodeHasher hasher{{{.key_id = "v1", .value = Secret("pepper"), .created = clock.now() - 24h}}};
  Idempotency idempotency{*tables.answers, hasher, clock, random};
};

TEST_F(IdempotencyTest, TheFirstDoesTheWorkAndLaterOnesGetItsAnswer) {
  const auto first = claim();
  EXPECT_EQ(first.outcome, Outcome::started);
  EXPECT_EQ(claim().outcome, Outcome::in_progress);
  keep(first, "the answer");
  for (int i = 0; i < 2; ++i) {
    const auto later = claim();
    EXPECT_EQ(later.outcome, Outcome::answered);
    EXPECT_EQ(later.answer, "the answer");
  }
}

TEST_F(IdempotencyTest, AnotherBodyUnderTheSameKeyIsSeen) {
  const auto first = claim();
  EXPECT_EQ(claim("key-1", "other").outcome, Outcome::other_request);
  keep(first, "the answer");
  const auto other = claim("key-1", "other");
  EXPECT_EQ(other.outcome, Outcome::other_request);
  EXPECT_EQ(other.answer, "");
}

TEST_F(IdempotencyTest, NobodyMeetsAnothersAnswers) {
  keep(claim("key-1", "body", "app", "issue"), "the answer");
  EXPECT_EQ(claim("key-2", "body", "app", "issue").outcome, Outcome::started);
  EXPECT_EQ(claim("key-1", "body", "app2", "issue").outcome, Outcome::started);
  EXPECT_EQ(claim("key-1", "body", "app", "verify").outcome, Outcome::started);
  EXPECT_EQ(claim("1", "body", "appkey-", "issue").outcome, Outcome::started);
}

TEST_F(IdempotencyTest, WhatWasDroppedIsDoneAnew) {
  const auto first = claim();
  ASSERT_TRUE(await(context, idempotency.drop(first)));
  EXPECT_EQ(claim("key-1", "another body").outcome, Outcome::started);
}

TEST_F(IdempotencyTest, AStartWhoseProcessDiedEndsWithItsLease) {
  claim();
  clock.advance(Idempotency::kLease - 1us);
  EXPECT_EQ(claim().outcome, Outcome::in_progress);
  clock.advance(1us);
  EXPECT_EQ(claim().outcome, Outcome::started);
}

TEST_F(IdempotencyTest, ARestartForgetsNothing) {
  keep(claim(), "the answer");
  tables = {};
  tables = open_sqlite_tables(file).value();
  Idempotency restarted(*tables.answers, hasher, clock, random);
  EXPECT_EQ(await(context, restarted.claim("issue", "app", "key-1", "body"))->answer, "the answer");
}

TEST_F(IdempotencyTest, ARotatedPepperStillOpensWhatItSealed) {
  keep(claim(), "the answer", 7200s);
  const Pepper old{.key_id = "v1", .value = Secret("pepper"), .created = clock.now() - 24h};
  const Pepper fresh{.key_id = "v2", .value = Secret("new"), .created = clock.now()};
  hasher.replace({fresh, old});
  EXPECT_EQ(claim().answer, "the answer");
  clock.advance(CodeHasher::kPepperSettle + 600s);
  EXPECT_EQ(claim().answer, "the answer");
  keep(claim("key-2"), "another");
  EXPECT_EQ(claim("key-2").answer, "another");
  hasher.replace({fresh});
  const auto gone = await(context, idempotency.claim("issue", "app", "key-1", "body"));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::storage);
}

// I10
TEST_F(IdempotencyTest, TheFileHoldsNeitherAnswerNorKeys) {
  keep(claim("key-of-the-client", "body of the request", "app-name"), "abc-1-def");
  auto database = sqlite::Database::open(file).value();
  auto& rows = database.cached("SELECT group_concat(hex(key) || hex(sealed)) FROM answers");
  ASSERT_TRUE(rows.step().value());
  const std::string text(rows.text(0));
  EXPECT_GT(text.size(), 100U);
  for (const std::string_view word : {"abc-1-def", "key-of-the-client", "app-name"}) {
    std::string hex = to_hex(as_bytes(word));
    for (char& c : hex) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(text.find(hex), std::string::npos) << word;
  }
}

TEST_F(IdempotencyTest, EachStartTakesAlongAnswersThatAreOver) {
  for (int i = 0; i < 10; ++i) keep(claim("key-" + std::to_string(i)), "answer", 1s);
  clock.advance(2s);
  for (int i = 0; i < 5; ++i) claim("later-" + std::to_string(i));
  auto database = sqlite::Database::open(file).value();
  auto& rows = database.cached("SELECT count(*) FROM answers");
  ASSERT_TRUE(rows.step().value());
  EXPECT_EQ(rows.integer(0), 5);
}

}  // namespace
}  // namespace latchkey::codes
