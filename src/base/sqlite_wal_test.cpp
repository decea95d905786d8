#include "base/sqlite_wal.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/random.hpp"
#include "base/sqlite.hpp"

namespace latchkey::sqlite {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t kFrame = 24 + 4096;

/// A log of ten transactions of one page each, after the table's own, as a killed process leaves
/// it.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8));
    fs::create_directory(folder_);
    auto database = Database::open(folder_ / "live.db");
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("CREATE TABLE t(x INTEGER PRIMARY KEY)"));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(database->execute("INSERT INTO t VALUES (NULL)"));
    fs::copy_file(folder_ / "live.db", file());
    fs::copy_file(folder_ / "live.db-wal", log());
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file() const { return folder_ / "copy.db"; }
  fs::path log() const { return folder_ / "copy.db-wal"; }
  std::size_t frames() const { return (fs::file_size(log()) - 32) / kFrame; }
  void flip(std::size_t at) const {
    std::fstream stream(log(), std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(byte);
  }
  static std::size_t in_frame(std::size_t number, std::size_t at) {
    return 32 + number * kFrame + at;
  }
  std::string verdict() const {
    const auto checked = check_log(file());
    return checked ? "" : checked.error().code;
  }
  std::int64_t rows() const {
    auto database = Database::open(file());
    auto& select = database->cached("SELECT count(*) FROM t");
    EXPECT_TRUE(select.step());
    const auto count = select.integer(0);
    select.reset();
    return count;
  }

  fs::path folder_;
};

TEST_F(LogTest, AnIntactLogIsFine) {
  ASSERT_GT(frames(), 10U);
  EXPECT_EQ(verdict(), "");
  EXPECT_EQ(rows(), 10);
}

TEST_F(LogTest, NoLogIsFine) {
  fs::remove(log());
  EXPECT_EQ(verdict(), "");
  std::ofstream(log()).close();
  EXPECT_EQ(verdict(), "") << "empty, as after a clean end";
}

TEST_F(LogTest, ATornLastTransactionIsFine) {
  flip(in_frame(frames() - 1, 2000));
  EXPECT_EQ(verdict(), "");
  fs::resize_file(log(), fs::file_size(log()) - 100);
  EXPECT_EQ(verdict(), "");
  EXPECT_EQ(rows(), 9);
}

TEST_F(LogTest, ABadPageInTheMiddleIsDamageThatSqliteWouldNotTell) {
  flip(in_frame(frames() - 5, 2000));
  EXPECT_EQ(verdict(), "StorageDamaged");
  EXPECT_LT(rows(), 10) << "SQLite gives what is before it and says nothing";
}

TEST_F(LogTest, ABadFrameHeaderInTheMiddleIsDamage) {
  flip(in_frame(frames() - 5, 9));
  EXPECT_EQ(verdict(), "StorageDamaged");
}

TEST_F(LogTest, ABadHeaderIsDamage) {
  for (const std::size_t at : {1U, 9U, 20U, 25U}) {
    flip(at);
    EXPECT_EQ(verdict(), "StorageDamaged") << at;
    flip(at);
  }
  std::fstream(log(), std::ios::binary | std::ios::in | std::ios::out) << std::string(32, '\0');
  EXPECT_EQ(verdict(), "") << "a log that was never synced";
}

TEST_F(LogTest, FramesOfAnOlderLogBehindTheNewOnesAreFine) {
  auto database = Database::open(file());
  ASSERT_TRUE(database->execute("PRAGMA wal_checkpoint(RESTART)"));
  ASSERT_TRUE(database->execute("INSERT INTO t VALUES (NULL)"));
  EXPECT_EQ(verdict(), "");
}

}  // namespace
}  // namespace latchkey::sqlite
