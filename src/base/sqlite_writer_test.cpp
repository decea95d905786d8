#include "base/sqlite_writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/random.hpp"

namespace latchkey::sqlite {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8))) {
    std::filesystem::create_directory(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path file() const { return path_ / "test.db"; }

 private:
  std::filesystem::path path_;
};

Database open_with_table(const std::filesystem::path& file) {
  auto database = Database::open(file);
  EXPECT_TRUE(database) << database.error().message;
  EXPECT_TRUE(database->execute("CREATE TABLE IF NOT EXISTS t(x INTEGER PRIMARY KEY)"));
  return std::move(*database);
}

Result<std::int64_t> insert(Database& database, std::int64_t value) {
  auto done = database.cached("INSERT INTO t VALUES(?)").bind(1, value).run();
  if (!done) return fail(done.error());
  return value;
}

Result<std::int64_t> count(Database& database) {
  auto& statement = database.cached("SELECT count(*) FROM t");
  auto row = statement.step();
  if (!row) return fail(row.error());
  return statement.integer(0);
}

Task<> insert_many(Writer& writer, int from, int to, int& failures) {
  for (int i = from; i < to; ++i) {
    auto done = co_await writer.run([i](Database& database) { return insert(database, i); });
    if (!done) ++failures;
  }
}

Task<> count_rows(Writer& writer, std::int64_t& rows) {
  auto found = co_await writer.run([](Database& database) { return count(database); });
  rows = found.value_or(-1);
}

TEST(Writer, WorkFromSeveralThreadsIsDoneInSharedTransactions) {
  TemporaryFolder folder;
  Writer writer(open_with_table(folder.file()));
  int failures[2] = {};
  std::thread threads[2];
  for (int t = 0; t < 2; ++t) {
    threads[t] = std::thread([&, t] {
      IoContext context;
      TaskGroup group(context.get_executor());
      for (int lane = 0; lane < 20; ++lane) {
        const int from = t * 1000 + lane * 50;
        group.spawn("lane", insert_many(writer, from, from + 50, failures[t]));
      }
      context.run();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures[0] + failures[1], 0);
  IoContext context;
  std::int64_t rows = 0;
  run_to_end(context, count_rows(writer, rows));
  EXPECT_EQ(rows, 2000);
  EXPECT_EQ(writer.counts().work, 2001U);
  EXPECT_LT(writer.counts().commits, 1500U) << "no group commit happened";
}

TEST(Writer, WhatWasAnsweredIsThereWhenTheFileIsOpenedAnew) {
  TemporaryFolder folder;
  {
    Writer writer(open_with_table(folder.file()));
    IoContext context;
    int failures = 0;
    run_to_end(context, insert_many(writer, 0, 10, failures));
    EXPECT_EQ(failures, 0);
  }
  auto database = open_with_table(folder.file());
  EXPECT_EQ(count(database).value_or(-1), 10);
}

Task<> insert_twice(Writer& writer, Result<std::int64_t>& second) {
  (void)(co_await writer.run([](Database& database) { return insert(database, 1); })).has_value();
  auto again = co_await writer.run([](Database& database) { return insert(database, 1); });
  second = std::move(again);
}

TEST(Writer, AConstraintIsAConflictOfThatWorkOnly) {
  Writer writer(open_with_table(""));
  IoContext context;
  Result<std::int64_t> second = 0;
  run_to_end(context, insert_twice(writer, second));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  std::int64_t rows = 0;
  run_to_end(context, count_rows(writer, rows));
  EXPECT_EQ(rows, 1);
}

Task<> fill_until_full(Writer& writer, Result<>& outcome) {
  for (int i = 0; i < 10'000 && outcome; ++i) {
    auto done = co_await writer.run([](Database& database) -> Result<> {
      return database.cached("INSERT INTO big VALUES(zeroblob(4000))").run();
    });
    outcome = std::move(done);
  }
}

TEST(Writer, AFullStoreIsAStorageErrorAndReadsGoOn) {
  TemporaryFolder folder;
  auto database = open_with_table(folder.file());
  ASSERT_TRUE(database.execute("CREATE TABLE big(x); PRAGMA max_page_count=50;"));
  Writer writer(std::move(database));
  IoContext context;
  Result<> outcome;
  run_to_end(context, fill_until_full(writer, outcome));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::storage);
  EXPECT_EQ(outcome.error().code, "StorageFull");
  std::int64_t rows = -1;
  run_to_end(context, count_rows(writer, rows));
  EXPECT_EQ(rows, 0);
}

TEST(Writer, WorkBehindAFailureInTheSameBatchIsNotWrittenOutsideATransaction) {
  TemporaryFolder folder;
  auto database = open_with_table(folder.file());
  ASSERT_TRUE(database.execute("CREATE TABLE big(x); PRAGMA max_page_count=20;"));
  Writer writer(std::move(database));
  IoContext context;
  TaskGroup group(context.get_executor());
  int failures = 0;
  std::vector<Result<>> outcomes(4);
  for (auto& outcome : outcomes) group.spawn("filler", fill_until_full(writer, outcome));
  group.spawn("small", insert_many(writer, 0, 50, failures));
  context.run();
  context.restart();
  std::int64_t rows = -1;
  run_to_end(context, count_rows(writer, rows));
  EXPECT_EQ(rows, 50 - failures);
}

TEST(Savepoint, UndoesWhatWasNotKept) {
  auto database = open_with_table("");
  ASSERT_TRUE(database.execute("BEGIN"));
  {
    Savepoint part(database);
    ASSERT_TRUE(insert(database, 1));
  }
  {
    Savepoint part(database);
    ASSERT_TRUE(insert(database, 2));
    part.keep();
  }
  ASSERT_TRUE(database.execute("COMMIT"));
  EXPECT_EQ(count(database).value_or(-1), 1);
}

TEST(Database, FilesAreForTheirOwnerOnly) {
  TemporaryFolder folder;
  {
    const auto database = open_with_table(folder.file());
  }
  struct stat facts{};
  ASSERT_EQ(::stat(folder.file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST(Database, AnUnreachableFileIsNamedInTheError) {
  const auto database = Database::open("/nowhere/at/all.db");
  ASSERT_FALSE(database);
  EXPECT_NE(database.error().message.find("/nowhere/at/all.db"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::sqlite
