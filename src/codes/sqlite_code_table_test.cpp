#include "codes/sqlite_code_table.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "base/sqlite.hpp"
#include "base/testing/await.hpp"
#include "codes/testing/temporary_folder.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using Consumed = CodeTable::Consumed;
using latchkey::testing::await;
using testing::TemporaryFolder;

constexpr UtcTime kIssued{1'586'969'688'816'549us};
constexpr UtcTime kExpires = kIssued + 600s;

Sha256 key_of(int number) {
  return sha256(std::to_string(number));
}

CodeRow pending_row(int number) {
  return {.key = key_of(number),
          .key_id = "v1",
          .issued = kIssued,
          .expires = kExpires,
          .state = CodeState::pending,
          .subject = "ada",
          .purpose = "sign-in",
          .used_at = {},
          .used_by = {}};
}

class SqliteCodeTable : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_sqlite_code_table({});
    ASSERT_TRUE(opened) << opened.error().message;
    table = std::move(*opened);
  }
  bool insert(CodeRow row) { return await(context, table->insert(std::move(row))).value(); }
  bool activate(int number) { return activate(number, kIssued); }
  bool activate(int number, UtcTime now) {
    return await(context, table->activate(key_of(number), now)).value();
  }
  bool revoke(int number) { return await(context, table->revoke(key_of(number))).value(); }
  CodeTable::ConsumeAnswer consume(CodeTable::ConsumeRequest request) {
    return await(context, table->consume(std::move(request))).value();
  }
  std::optional<CodeRow> find(int number) {
    return await(context, table->find(key_of(number))).value();
  }
  CodeState state(int number) { return find(number).value().state; }
  void insert_valid(int number) {
    ASSERT_TRUE(insert(pending_row(number)));
    ASSERT_TRUE(activate(number));
  }
  static CodeTable::ConsumeRequest request(int number) {
    return {.key = key_of(number),
            .subject = "ada",
            .purpose = "sign-in",
            .now = kIssued + 10s,
            .used_by = {}};
  }

  IoContext context;
  std::unique_ptr<CodeTable> table;
};

TEST_F(SqliteCodeTable, KeepsEveryColumn) {
  CodeRow row = pending_row(1);
  row.state = CodeState::used;
  row.used_at = kIssued + 5s;
  row.used_by = "retry-7";
  ASSERT_TRUE(insert(row));
  const auto found = find(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, row.key);
  EXPECT_EQ(found->key_id, "v1");
  EXPECT_EQ(found->issued, kIssued);
  EXPECT_EQ(found->expires, kExpires);
  EXPECT_EQ(found->state, CodeState::used);
  EXPECT_EQ(found->subject, "ada");
  EXPECT_EQ(found->purpose, "sign-in");
  EXPECT_EQ(found->used_at, kIssued + 5s);
  EXPECT_EQ(found->used_by, "retry-7");
  EXPECT_FALSE(find(2));
}

TEST_F(SqliteCodeTable, InsertLeavesAnExistingRowAlone) {
  insert_valid(1);
  CodeRow other = pending_row(1);
  other.subject = "eve";
  EXPECT_FALSE(insert(other));
  EXPECT_EQ(find(1)->subject, "ada");
  EXPECT_EQ(state(1), CodeState::valid);
}

/// Every step from every state: what it says and what the state is then.
TEST_F(SqliteCodeTable, StatesMoveForwardOnly) {
  struct Step {
    CodeState from;
    CodeState after_activate, after_revoke, after_consume;
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
      CodeRow row = pending_row(number++);
      row.state = step.from;
      ASSERT_TRUE(insert(row));
    }
    const char* from = to_string(step.from);
    EXPECT_EQ(activate(first), step.from != step.after_activate) << from;
    EXPECT_EQ(state(first), step.after_activate) << from;
    EXPECT_EQ(revoke(first + 1), step.from != step.after_revoke) << from;
    EXPECT_EQ(state(first + 1), step.after_revoke) << from;
    const bool used = consume(request(first + 2)).outcome == Consumed::yes;
    EXPECT_EQ(used, step.from != step.after_consume) << from;
    EXPECT_EQ(state(first + 2), step.after_consume) << from;
  }
  EXPECT_FALSE(activate(99));
  EXPECT_FALSE(revoke(99));
}

TEST_F(SqliteCodeTable, NothingBecomesValidOnceItIsOver) {
  ASSERT_TRUE(insert(pending_row(1)));
  EXPECT_FALSE(activate(1, kExpires));
  EXPECT_EQ(state(1), CodeState::pending);
  EXPECT_TRUE(activate(1, kExpires - 1us));
}

TEST_F(SqliteCodeTable, ConsumeTakesAValidCodeOnce) {
  insert_valid(1);
  auto asked = request(1);
  asked.used_by = "first";
  const auto answer = consume(asked);
  EXPECT_EQ(answer.outcome, Consumed::yes);
  EXPECT_EQ(answer.expires, kExpires);
  EXPECT_EQ(answer.reason, "");
  EXPECT_EQ(find(1)->used_at, asked.now);
  EXPECT_EQ(find(1)->used_by, "first");
  const auto again = consume(request(1));
  EXPECT_EQ(again.outcome, Consumed::refused);
  EXPECT_EQ(again.reason, "used");
}

TEST_F(SqliteCodeTable, ConsumeSaysWhyNot) {
  insert_valid(1);
  ASSERT_TRUE(insert(pending_row(2)));
  ASSERT_TRUE(insert(pending_row(3)));
  ASSERT_TRUE(revoke(3));
  struct Row {
    const char* reason;
    int number;
    std::string subject, purpose;
    UtcTime now;
    Consumed outcome;
  };
  const Row rows[] = {
      {"unknown", 9, "ada", "sign-in", kIssued, Consumed::refused},
      {"other_binding", 1, "eve", "sign-in", kIssued, Consumed::refused},
      {"other_binding", 1, "ada", "payment", kIssued, Consumed::refused},
      {"other_binding", 1, "ADA", "sign-in", kIssued, Consumed::refused},
      {"other_binding", 1, "ada ", "sign-in", kIssued, Consumed::refused},
      {"other_binding", 1, "", "", kIssued, Consumed::refused},
      {"other_binding", 1, std::string("ada\0", 4), "sign-in", kIssued, Consumed::refused},
      {"expired", 1, "ada", "sign-in", kExpires, Consumed::refused},
      {"expired", 1, "ada", "sign-in", kExpires + 1h, Consumed::refused},
      {"pending", 2, "ada", "sign-in", kIssued, Consumed::not_active_yet},
      {"other_binding", 2, "eve", "sign-in", kIssued, Consumed::refused},
      {"expired", 2, "ada", "sign-in", kExpires, Consumed::refused},
      {"revoked", 3, "ada", "sign-in", kIssued, Consumed::refused},
      {"", 1, "ada", "sign-in", kExpires - 1us, Consumed::yes},
  };
  for (const Row& row : rows) {
    const auto answer = consume({key_of(row.number), row.subject, row.purpose, row.now, {}});
    EXPECT_EQ(answer.outcome, row.outcome) << row.reason << row.number;
    EXPECT_EQ(answer.reason, row.reason) << row.number;
  }
}

TEST_F(SqliteCodeTable, ARepeatedVerificationGetsTheSameAnswerForAWhile) {
  insert_valid(1);
  auto asked = request(1);
  asked.used_by = "mine";
  ASSERT_EQ(consume(asked).outcome, Consumed::yes);
  asked.now += kRepeatWindow;
  EXPECT_EQ(consume(asked).reason, "repeated");
  EXPECT_EQ(consume(asked).outcome, Consumed::yes);
  auto other = asked;
  other.used_by = "yours";
  EXPECT_EQ(consume(other).reason, "used");
  other = asked;
  other.subject = "eve";
  EXPECT_EQ(consume(other).reason, "other_binding");
  asked.now += 1us;
  EXPECT_EQ(consume(asked).reason, "used");
}

TEST_F(SqliteCodeTable, AnEmptyIdempotencyKeyRepeatsNothing) {
  insert_valid(1);
  ASSERT_EQ(consume(request(1)).outcome, Consumed::yes);
  EXPECT_EQ(consume(request(1)).outcome, Consumed::refused);
}

TEST_F(SqliteCodeTable, RemoveWaitsUntilTheRowItselfIsOver) {
  insert_valid(1);
  const auto remove = [&](UtcTime expired_by) {
    return await(context, table->remove(key_of(1), expired_by)).value();
  };
  EXPECT_EQ(remove(kExpires - 1us), std::nullopt);
  EXPECT_TRUE(find(1));
  EXPECT_EQ(remove(kExpires), CodeState::valid);
  EXPECT_FALSE(find(1));
  EXPECT_EQ(remove(kExpires), std::nullopt);
}

TEST_F(SqliteCodeTable, RemoveExpiredTakesTheOldestUpToItsLimit) {
  for (int i = 0; i < 10; ++i) {
    CodeRow row = pending_row(i);
    row.expires = kExpires + std::chrono::seconds{i};
    ASSERT_TRUE(insert(row));
  }
  const auto sweep = [&](UtcTime expired_by, std::int64_t limit) {
    return await(context, table->remove_expired(expired_by, limit)).value();
  };
  EXPECT_EQ(sweep(kExpires - 1us, 100), 0);
  EXPECT_EQ(sweep(kExpires + 5s, 4), 4);
  EXPECT_FALSE(find(3));
  EXPECT_TRUE(find(4));
  EXPECT_EQ(sweep(kExpires + 5s, 100), 2);
  EXPECT_EQ(sweep(kExpires + 1h, -1), 0);
  EXPECT_EQ(await(context, table->counts()).value().total(), 4);
}

TEST_F(SqliteCodeTable, CountsRowsByState) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(insert(pending_row(i)));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(activate(i));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(consume(request(i)).outcome, Consumed::yes);
  ASSERT_TRUE(revoke(5));
  ASSERT_TRUE(revoke(9));
  const auto counts = await(context, table->counts()).value();
  EXPECT_EQ(counts.pending, 3);
  EXPECT_EQ(counts.valid, 2);
  EXPECT_EQ(counts.used, 3);
  EXPECT_EQ(counts.revoked, 2);
}

TEST(SqliteCodeTableFile, KeepsItsRowsWhenReopened) {
  const TemporaryFolder folder;
  IoContext context;
  for (const bool first : {true, false}) {
    auto table = open_sqlite_code_table(folder.path() / "codes.db");
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(await(context, (*table)->insert(pending_row(1))).value(), first);
  }
}

TEST(SqliteCodeTableFile, RefusesAFileOfANewerProgram) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "codes.db";
  ASSERT_TRUE(open_sqlite_code_table(file));
  ASSERT_TRUE(sqlite::Database::open(file)->execute("PRAGMA user_version = 2"));
  auto table = open_sqlite_code_table(file);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().kind, ErrorKind::storage);
  EXPECT_EQ(table.error().code, "TableTooNew");
  EXPECT_NE(table.error().message.find("version 2"), std::string::npos) << table.error().message;
}

TEST(SqliteCodeTableFile, RefusesAFileOfSomethingElse) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "other.db";
  ASSERT_TRUE(sqlite::Database::open(file)->execute("CREATE TABLE bills (x)"));
  auto table = open_sqlite_code_table(file);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, "NotACodeTable");

  std::ofstream(folder.path() / "text.db") << std::string(8192, 'x');
  auto text = open_sqlite_code_table(folder.path() / "text.db");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::storage);
  EXPECT_FALSE(open_sqlite_code_table(folder.path() / "no" / "such" / "folder.db"));
}

constexpr int kContested = 60;

Task<> consume_all(CodeTable& table, int& wins) {
  for (int i = 0; i < kContested; ++i) {
    CodeTable::ConsumeRequest request{key_of(i), "ada", "sign-in", kIssued, {}};
    auto answer = co_await table.consume(std::move(request));
    if (answer.value().outcome == Consumed::yes) ++wins;
  }
}

int wins_of_one(const std::filesystem::path& file) {
  auto table = open_sqlite_code_table(file);
  IoContext context;
  int wins = 0;
  run_to_end(context, consume_all(**table, wins));
  return wins;
}

void make_contested_codes(const std::filesystem::path& file) {
  auto table = open_sqlite_code_table(file);
  IoContext context;
  for (int i = 0; i < kContested; ++i) {
    CodeRow row = pending_row(i);
    row.state = CodeState::valid;
    ASSERT_TRUE(await(context, (*table)->insert(std::move(row))).value());
  }
}

TEST(SqliteCodeTableFile, OfManyThreadsExactlyOneConsumesEachCode) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "codes.db";
  make_contested_codes(file);
  std::array<int, 4> wins{};
  std::vector<std::thread> threads;
  for (int& mine : wins) threads.emplace_back([&] { mine = wins_of_one(file); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wins[0] + wins[1] + wins[2] + wins[3], kContested);
}

TEST(SqliteCodeTableFile, OfManyProcessesExactlyOneConsumesEachCode) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "codes.db";
  make_contested_codes(file);
  std::array<pid_t, 3> children{};
  for (auto& child : children) {
    child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(wins_of_one(file));
  }
  int wins = 0;
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    wins += WEXITSTATUS(status);
  }
  EXPECT_EQ(wins, kContested);
}

TEST(SqliteCodeTableFile, AFailingStoreIsAnErrorOfKindStorage) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "codes.db";
  make_contested_codes(file);
  IoContext context;
  auto table = open_sqlite_code_table(file);
  ASSERT_TRUE(sqlite::Database::open(file)->execute(
      "CREATE TRIGGER broken BEFORE UPDATE ON codes BEGIN SELECT RAISE(ABORT, 'broken'); END"));
  auto answer = await(context, (*table)->consume({key_of(1), "ada", "sign-in", kIssued, {}}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::storage);
  EXPECT_NE(answer.error().message.find("code table"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::codes
