#include "base/sqlite_writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
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

TEST(Writer, WhatIsReadyInTheSameMomentSharesACommit) {
  std::vector<std::size_t> batches;
  TemporaryFolder folder;
  {
    Writer writer(open_with_table(folder.file()),
                  {.committed = [&](const Commit& commit) { batches.push_back(commit.work); }});
    IoContext context;
    TaskGroup group(context.get_executor());
    int failures = 0;
    for (int i = 0; i < 50; ++i) {
      group.spawn("lane", insert_many(writer, i * 2, i * 2 + 2, failures));
    }
    context.run();
    EXPECT_EQ(failures, 0);
  }
  EXPECT_EQ(batches, (std::vector<std::size_t>{50, 50}));
}

TEST(Writer, WorkDoesNotWaitForAnotherThreadsLoop) {
  Writer writer(open_with_table(""));
  IoContext stuck;
  int failures = 0;
  TaskGroup group(stuck.get_executor());
  group.spawn("stuck", insert_many(writer, 0, 1, failures));
  while (writer.waiting() == 0) stuck.run_one();
  IoContext other;
  std::int64_t rows = -1;
  run_to_end(other, count_rows(writer, rows));
  EXPECT_EQ(rows, 1);
  stuck.run();
}

Task<> insert_one(Writer& writer, int value, std::vector<Result<std::int64_t>>& outcomes) {
  auto done = co_await writer.run([value](Database& database) { return insert(database, value); });
  outcomes.push_back(std::move(done));
}

TEST(Writer, MoreThanMayWaitIsRefusedAtOnceWithATimeToTryAgain) {
  Writer writer(open_with_table(""), {.waiting_max = 10});
  IoContext context;
  TaskGroup group(context.get_executor());
  std::vector<Result<std::int64_t>> outcomes;
  for (int i = 0; i < 12; ++i) group.spawn("one", insert_one(writer, i, outcomes));
  context.run();
  ASSERT_EQ(outcomes.size(), 12U);
  std::size_t refused = 0;
  for (const auto& outcome : outcomes) {
    if (outcome) continue;
    ++refused;
    EXPECT_EQ(outcome.error().kind, ErrorKind::throttled);
    EXPECT_EQ(outcome.error().retry_after, std::chrono::seconds{1});
  }
  EXPECT_EQ(refused, 2U);
}

Task<> fill_until_full(Writer& writer, Result<>& outcome) {
  for (int i = 0; i < 10'000 && outcome; ++i) {
    auto done = co_await writer.run([](Database& database) -> Result<> {
      return database.cached("INSERT INTO big VALUES(zeroblob(4000))").run();
    });
    outcome = std::move(done);
  }
}

Task<> make_room(Writer& writer) {
  auto done = co_await writer.run(
      [](Database& database) { return database.execute("PRAGMA max_page_count=100000"); });
  EXPECT_TRUE(done);
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
  // Room again: nothing but the next piece of work is needed.
  run_to_end(context, make_room(writer));
  int failures = 0;
  run_to_end(context, insert_many(writer, 0, 1, failures));
  EXPECT_EQ(failures, 0);
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

TEST(Database, ConnectionsShareADatabaseInMemoryByItsName) {
  auto one = Database::open_shared_memory("shared-by-name");
  auto two = Database::open_shared_memory("shared-by-name");
  auto other = Database::open_shared_memory("another-name");
  ASSERT_TRUE(one && two && other);
  ASSERT_TRUE(one->execute("CREATE TABLE t(x INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)"));
  EXPECT_EQ(count(*two).value_or(-1), 1);
  EXPECT_FALSE(other->execute("SELECT * FROM t"));
}

TEST(Database, AFileThatIsNoDatabaseIsDamaged) {
  TemporaryFolder folder;
  std::ofstream(folder.file()) << std::string(8192, 'x');
  for (const bool read_only : {false, true}) {
    const auto database = Database::open(folder.file(), {.read_only = read_only});
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, "StorageDamaged");
    EXPECT_NE(database.error().message.find(folder.file().string()), std::string::npos);
  }
}

TEST(Database, AReaderLeavesTheLogAsItIs) {
  TemporaryFolder folder;
  auto writer = open_with_table(folder.file());
  ASSERT_TRUE(insert(writer, 1));
  const auto copy = folder.file().parent_path() / "copy.db";
  std::filesystem::copy_file(folder.file(), copy);
  std::filesystem::copy_file(folder.file().string() + "-wal", copy.string() + "-wal");
  {
    auto reader = Database::open(copy, {.read_only = true});
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(count(*reader).value_or(-1), 1);
    EXPECT_FALSE(insert(*reader, 2));
  }
  EXPECT_GT(std::filesystem::file_size(copy.string() + "-wal"), 0U);
}

TEST(Database, AnUnreachableFileIsNamedInTheError) {
  const auto database = Database::open("/nowhere/at/all.db");
  ASSERT_FALSE(database);
  EXPECT_NE(database.error().message.find("/nowhere/at/all.db"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::sqlite
