#include "base/sqlite_log_mover.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/random.hpp"

namespace latchkey::sqlite {
namespace {

constexpr int kLongLog = 200;
constexpr int kFarTooLong = 1000 * kLongLog;

class LogMoverTest : public testing::Test {
 protected:
  LogMoverTest() {
    std::filesystem::create_directory(folder_);
    database_ = open();
    EXPECT_TRUE(database_->execute("CREATE TABLE t(x INTEGER PRIMARY KEY, text TEXT)"));
    mover_.emplace(*database_, kLongLog);
  }
  ~LogMoverTest() override {
    mover_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::optional<Database> open() const {
    auto opened = Database::open(folder_ / "test.db");
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  /// One transaction of some fifty pages.
  void commit() {
    EXPECT_TRUE(database_->execute("BEGIN IMMEDIATE"));
    for (int i = 0; i < 50; ++i) {
      auto& insert = database_->cached("INSERT INTO t(text) VALUES(?)");
      EXPECT_TRUE(insert.bind(1, text_).run());
    }
    EXPECT_TRUE(database_->execute("COMMIT"));
    rows_ += 50;
    mover_->after_commit();
  }

  /// Commits until the log is written from its start again; false when it grows past `pages_max`.
  bool commit_until_afresh(int pages_max) {
    for (int before = 0; before < pages_max; commit()) {
      if (database_->log_pages() < before) return true;
      before = database_->log_pages();
    }
    return false;
  }

  static std::int64_t count(Database& database) {
    auto& rows = database.cached("SELECT count(*) FROM t");
    EXPECT_TRUE(rows.step().value_or(false));
    const auto found = rows.integer(0);
    rows.reset();
    return found;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8));
  const std::string text_ = std::string(3000, 'x');
  std::int64_t rows_ = 0;
  std::optional<Database> database_;
  std::optional<LogMover> mover_;
};

TEST_F(LogMoverTest, TheLogStartsAfreshWhileCommitsGoOn) {
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(commit_until_afresh(kFarTooLong));
  auto another = open();
  EXPECT_EQ(count(*another), rows_);
}

TEST_F(LogMoverTest, AShortLogIsLeftAlone) {
  while (database_->log_pages() < kLongLog - 100) commit();
  auto another = open();
  const auto move = another->move_log();
  ASSERT_TRUE(move);
  EXPECT_EQ(move->moved, move->pages);
  EXPECT_GT(move->pages, 0) << "nothing was left to move";
}

TEST_F(LogMoverTest, AReaderOfOldPagesOnlyDelaysIt) {
  {
    auto reader = open();
    ASSERT_TRUE(reader->execute("BEGIN"));
    const auto seen = count(*reader);
    EXPECT_FALSE(commit_until_afresh(4 * kLongLog));
    EXPECT_EQ(count(*reader), seen);
  }
  EXPECT_TRUE(commit_until_afresh(kFarTooLong));
}

TEST_F(LogMoverTest, ADatabaseInMemoryHasNoLog) {
  auto memory = Database::open("");
  ASSERT_TRUE(memory);
  LogMover mover(*memory);
  ASSERT_TRUE(memory->execute("CREATE TABLE t(x)"));
  mover.after_commit();
  EXPECT_EQ(memory->log_pages(), 0);
  EXPECT_TRUE(memory->file().empty());
}

}  // namespace
}  // namespace latchkey::sqlite
