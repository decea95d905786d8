#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/sqlite.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/table_contents.hpp"
#include "codes/testing/table_test.hpp"
#include "codes/testing/temporary_folder.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;

class CodeFile : public testing::TableTest {
 protected:
  void SetUp() override { open(file); }
  void open(const std::filesystem::path& path) { use(open_sqlite_tables(path).value()); }
  void execute(const std::string& sql) {
    auto done = sqlite::Database::open(file)->execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  static std::string problem_with(const std::filesystem::path& path) {
    auto opened = open_sqlite_tables(path);
    return opened ? "" : opened.error().code;
  }

  testing::TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "codes.db";
};

// I2, I6: no restart makes anybody forget.
TEST_F(CodeFile, KeepsCodesAndCountsWhenReopened) {
  insert_valid(1);
  insert_valid(2, {"eve", ""});
  ASSERT_EQ(attempt(2, {"eve", ""}).outcome, Attempted::yes);
  fail_times(3);
  Limits limits;
  for (int i = 10; i < 15; ++i) insert(row_of(i, {"bob", ""}), limits);
  open(file);
  EXPECT_EQ(find(1)->attempts, 3);
  EXPECT_EQ(attempt(2, {"eve", ""}).reason, "used");
  EXPECT_EQ(attempt(9).failures_left, 96);
  EXPECT_EQ(insert(row_of(15, {"bob", ""}), limits).outcome, Inserted::throttled);
}

// A process that is stopped while it writes must not keep others from starting.
TEST_F(CodeFile, OpensWhileSomebodyWrites) {
  auto writing = sqlite::Database::open(file);
  ASSERT_TRUE(writing && writing->execute("BEGIN IMMEDIATE"));
  EXPECT_EQ(problem_with(file), "");
}

TEST_F(CodeFile, RefusesAFileOfANewerProgram) {
  execute("PRAGMA user_version = 3");
  auto opened = open_sqlite_tables(file);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::storage);
  EXPECT_EQ(opened.error().code, "TableTooNew");
  EXPECT_NE(opened.error().message.find("version 3"), std::string::npos);
}

TEST_F(CodeFile, RefusesAFileOfSomethingElse) {
  const auto other = folder.path() / "other.db";
  ASSERT_TRUE(sqlite::Database::open(other)->execute("CREATE TABLE bills (x)"));
  EXPECT_EQ(problem_with(other), "NotACodeTable");
  const auto text = folder.path() / "text.db";
  std::ofstream(text) << std::string(8192, 'x');
  EXPECT_EQ(problem_with(text), "StorageDamaged");
  EXPECT_NE(problem_with(folder.path() / "no" / "such" / "folder.db"), "");
}

constexpr const char* kVersion1 = R"sql(
CREATE TABLE codes (
  key     BLOB    NOT NULL PRIMARY KEY,
  key_id  TEXT    NOT NULL,
  issued  INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  subject TEXT    NOT NULL,
  purpose TEXT    NOT NULL,
  used_at INTEGER NOT NULL,
  used_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires);
PRAGMA user_version = 1;
INSERT INTO codes VALUES (x'01', 'v1', 1586969688816549, 1586970288816549, 1, 'ada', '', 0, '');
INSERT INTO codes VALUES (x'02', 'v1', 1586969688816549, 1586970288816549, 2, 'ada', '', 7, 'me');
)sql";

TEST_F(CodeFile, OfVersion1IsBroughtUpToDate) {
  const auto old = folder.path() / "old.db";
  ASSERT_TRUE(sqlite::Database::open(old)->execute(kVersion1));
  open(old);
  open(old);  // What is up to date stays as it is.
  const auto revoked = run(table->revoke_subject("ada", std::nullopt, kIssued));
  ASSERT_EQ(revoked.size(), 1U);
  EXPECT_EQ(revoked[0].expires, kExpires);
  const std::string& id = revoked[0].id;
  ASSERT_EQ(id.size(), 36U) << id;
  EXPECT_EQ(id.substr(0, 15), "01717ec3-baf0-7") << id;
  const auto contents = testing::take_out(context, *table);
  EXPECT_EQ(contents.used, 1);
  EXPECT_EQ(contents.total(), 2);
}

/// What SQLite says of the tables, in an order that does not matter.
std::string layout_of(const std::filesystem::path& file) {
  auto database = sqlite::Database::open(file).value();
  auto& columns = database.cached(
      "SELECT group_concat(line, char(10)) FROM (SELECT m.name || '.' || c.name || ' ' || c.type "
      "|| ' ' || c.\"notnull\" || ' ' || c.pk AS line FROM sqlite_schema m, "
      "pragma_table_info(m.name) c UNION SELECT name FROM sqlite_schema ORDER BY 1)");
  EXPECT_TRUE(columns.step().value());
  return std::string(columns.text(0));
}

TEST_F(CodeFile, OfVersion1ThenHasTheLayoutOfANewOne) {
  const auto old = folder.path() / "old.db";
  ASSERT_TRUE(sqlite::Database::open(old)->execute(kVersion1));
  ASSERT_TRUE(open_sqlite_tables(old));
  EXPECT_EQ(layout_of(old), layout_of(file));
  EXPECT_NE(layout_of(file).find("codes.attempts INTEGER 1"), std::string::npos);
}

TEST_F(CodeFile, AFailingStoreIsAnErrorOfKindStorageAndChangesNothing) {
  insert_valid(1);
  fail_times(1);
  // The last step of a success, and a late one of a failure.
  execute("CREATE TRIGGER a BEFORE DELETE ON failures BEGIN SELECT RAISE(ABORT, 'broken'); END");
  execute(
      "CREATE TRIGGER b BEFORE UPDATE OF attempts ON codes BEGIN SELECT RAISE(ABORT, 'no'); END");
  for (const int number : {1, 9}) {
    const auto answer = await(context, table->attempt(request_of(number)));
    ASSERT_FALSE(answer) << number;
    EXPECT_EQ(answer.error().kind, ErrorKind::storage);
    EXPECT_NE(answer.error().message.find("code table"), std::string::npos);
  }
  execute("DROP TRIGGER a; DROP TRIGGER b");
  EXPECT_EQ(attempt(9).failures_left, 98);
  EXPECT_EQ(attempt(1).outcome, Attempted::yes);
}

TEST_F(CodeFile, AFailingIssueIsNotCountedAndRevokesNothing) {
  insert_valid(1);
  execute("CREATE TRIGGER a BEFORE INSERT ON issues BEGIN SELECT RAISE(ABORT, 'broken'); END");
  EXPECT_FALSE(await(context, table->insert(row_of(2), Limits{})));
  EXPECT_FALSE(find(2));
  EXPECT_EQ(state(1), CodeState::valid);
}

/// Several users of one file at once, each with a table of its own.
class SharedCodeFile : public CodeFile {
 protected:
  static constexpr int kCodes = 60;

  void insert_contested() {
    for (int i = 0; i < kCodes; ++i) insert_valid(i);
  }
  Task<> take_all(CodeTable& theirs, int& wins) {
    for (int i = 0; i < kCodes; ++i) {
      auto request = request_of(i);
      request.limits.attempts_per_code = 1'000;
      auto answer = co_await theirs.attempt(std::move(request));
      if (answer.value().outcome == Attempted::yes) ++wins;
    }
  }
  int wins_of_one() {
    auto mine = open_sqlite_tables(file).value();
    IoContext own_context;
    int wins = 0;
    run_to_end(own_context, take_all(*mine.codes, wins));
    return wins;
  }
};

// I3
TEST_F(SharedCodeFile, OfManyProcessesExactlyOneTakesEachCode) {
  insert_contested();
  tables = {};  // No thread of ours may run while we fork.
  std::array<pid_t, 3> children{};
  for (auto& child : children) {
    child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(wins_of_one());
  }
  int wins = 0;
  for (const auto child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    wins += WEXITSTATUS(status);
  }
  EXPECT_EQ(wins, kCodes);
}

}  // namespace
}  // namespace latchkey::codes
