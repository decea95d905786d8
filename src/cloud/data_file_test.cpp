#include "cloud/data_file.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/queues/queue_store.hpp"
#include "cloud/testing/temporary_folder.hpp"

namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
namespace fs = std::filesystem;

class DataFileTest : public ::testing::Test {
 protected:
  std::unique_ptr<QueueStore> open(const fs::path& file) {
    auto database = QueueJournal::open_file(file);
    EXPECT_TRUE(database) << database.error().message;
    auto store = QueueStore::open(std::move(*database), clock_, random_);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  /// Two queues, three messages; one has been taken, its receipt is `receipt_`, its id `id_`.
  void fill() {
    const auto store = open(file_);
    const wire::Metadata red{{"Colour", "red"}, {"empty", ""}};
    ASSERT_TRUE(await(context_, store->create_queue("acc", "orders", red)));
    ASSERT_TRUE(await(context_, store->create_queue("acc", "empty", {})));
    const auto orders = *store->find_queue("acc", "orders");
    ASSERT_TRUE(await(context_, store->put(orders, "one", {.life = 600s})));
    ASSERT_TRUE(await(context_, store->put(orders, "<\"two\" \xC3\xA4>\n", {.life = {}})));
    ASSERT_TRUE(await(context_, store->put(orders, "not \xFF text", {.life = {}})));
    const auto taken = await(context_, store->get(orders, 1, 30s));
    id_ = taken->at(0).id;
    receipt_ = taken->at(0).pop_receipt;
  }
  Task<> put_one(QueueStore& store, QueueNumber queue, int number) {
    std::string text = fmt::format("{:0200}", number);
    const QueueStore::PutOptions for_ever{.life = std::nullopt};
    const auto done = co_await store.put(queue, std::move(text), for_ever);
    EXPECT_TRUE(done);
  }
  void fill_many(int messages) {
    const auto store = open(file_);
    ASSERT_TRUE(await(context_, store->create_queue("acc", "many", {})));
    const auto many = *store->find_queue("acc", "many");
    TaskGroup group(context_.get_executor());
    for (int i = 0; i < messages; ++i) group.spawn("put", put_one(*store, many, i));
    context_.run();
    context_.restart();
  }
  std::string exported(const fs::path& file, DataReport* report = nullptr) {
    std::ostringstream out;
    const auto done = export_queue_file(file, out, {});
    EXPECT_TRUE(done) << done.error().message;
    if (done && report != nullptr) *report = *done;
    return out.str();
  }
  Result<DataReport> import(const std::string& lines) {
    std::istringstream in(lines);
    return import_queue_file(other_, in, {});
  }
  static void overwrite(const fs::path& file, std::size_t at, std::size_t bytes) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(at));
    stream << std::string(bytes, '\x5A');
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{23};
  testing::TemporaryFolder temporary_;
  const fs::path file_ = temporary_.path() / "queues.db";
  const fs::path other_ = temporary_.path() / "other.db";
  std::string id_;
  std::string receipt_;
};

TEST_F(DataFileTest, WhatIsExportedAndImportedIsTheSame) {
  fill();
  DataReport report;
  const std::string lines = exported(file_, &report);
  EXPECT_EQ(report.queues, 2U);
  EXPECT_EQ(report.messages, 3U);
  EXPECT_TRUE(report.problems.empty());
  const auto done = import(lines);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->queues, 2U);
  EXPECT_EQ(done->messages, 3U);
  EXPECT_EQ(exported(other_), lines);

  const auto store = open(other_);
  const auto orders = *store->find_queue("acc", "orders");
  EXPECT_EQ(store->metadata(orders), (wire::Metadata{{"Colour", "red"}, {"empty", ""}}));
  EXPECT_TRUE(await(context_, store->remove(orders, id_, *store->parse_receipt(receipt_))))
      << "ids and receipts hold";
  const auto rest = await(context_, store->get(orders, 32, 30s));
  ASSERT_EQ(rest->size(), 2U);
  EXPECT_EQ(rest->at(0).text, "<\"two\" \xC3\xA4>\n");
  EXPECT_EQ(rest->at(1).text, "not \xFF text");
}

TEST_F(DataFileTest, DeadMessagesAreNotExported) {
  fill();
  {
    const auto store = open(file_);
    ASSERT_TRUE(await(context_, store->clear(*store->find_queue("acc", "orders"))));
    ASSERT_TRUE(await(context_, store->delete_queue(*store->find_queue("acc", "empty"))));
  }
  DataReport report;
  exported(file_, &report);
  EXPECT_EQ(report.queues, 1U);
  EXPECT_EQ(report.messages, 0U);
}

TEST_F(DataFileTest, AnImportBesideOtherQueuesGivesNewNumbersAndRefusesANameThatIsThere) {
  fill();
  const std::string lines = exported(file_);
  {
    const auto store = open(other_);
    ASSERT_TRUE(await(context_, store->create_queue("acc", "mine", {})));
    ASSERT_TRUE(await(context_, store->put(*store->find_queue("acc", "mine"), "x", {.life = {}})));
  }
  ASSERT_TRUE(import(lines));
  const auto again = import(lines);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "QueueAlreadyExists");
  DataReport report;
  exported(other_, &report);
  EXPECT_EQ(report.queues, 3U);
  EXPECT_EQ(report.messages, 4U);
}

TEST_F(DataFileTest, AWrongLineIsNamedAndNothingIsImported) {
  fill();
  const std::string lines = exported(file_);
  for (const char* wrong :
       {"not json", "{\"type\":\"other\"}", "{\"type\":\"message\",\"queue\":99}",
        "{\"type\":\"queue\",\"number\":7,\"account\":\"acc\",\"name\":\"No Name\"}",
        "{\"type\":\"store\",\"format\":2,\"seed\":\"1\"}",
        "{\"type\":\"message\",\"queue\":1,\"sequence\":9,\"inserted\":\"yesterday\"}"}) {
    const auto done = import(lines + wrong);
    ASSERT_FALSE(done) << wrong;
    EXPECT_EQ(done.error().code, "ImportInvalid") << wrong;
    EXPECT_TRUE(done.error().message.starts_with("line 7: ")) << done.error().message;
  }
  DataReport report;
  exported(other_, &report);
  EXPECT_EQ(report.queues, 0U);
  EXPECT_EQ(report.messages, 0U);
}

TEST_F(DataFileTest, LongWorkTellsHowFarItIsAndCanBeEnded) {
  fill_many(2500);
  std::vector<DataProgress> told;
  const auto checked = check_queue_file(file_, [&told](const DataProgress& now) {
    told.push_back(now);
    return true;
  });
  ASSERT_TRUE(checked);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1].done, 2000U);
  EXPECT_EQ(told[1].total, 2500U);
  std::ostringstream out;
  const auto ended = export_queue_file(file_, out, [](const auto&) { return false; });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, "Cancelled");
}

TEST_F(DataFileTest, AnIntactFileHasNoProblems) {
  fill();
  const auto report = check_queue_file(file_, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->queues, 2U);
  EXPECT_EQ(report->messages, 3U);
  EXPECT_TRUE(report->problems.empty()) << report->problems[0];
}

TEST_F(DataFileTest, ADamagedPageIsToldAtTheStartAndTheRestCanBeSaved) {
  fill_many(2000);
  overwrite(file_, fs::file_size(file_) / 2 / 4096 * 4096, 4096);

  auto database = QueueJournal::open_file(file_);
  ASSERT_TRUE(database);
  const auto store = QueueStore::open(std::move(*database), clock_, random_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, "StorageDamaged");
  EXPECT_NE(store.error().message.find("latchkey cloud export"), std::string::npos);

  const auto report = check_queue_file(file_, {});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->problems.empty());
  DataReport saved;
  const std::string lines = exported(file_, &saved);
  EXPECT_FALSE(saved.problems.empty());
  EXPECT_GT(saved.messages, 1950U) << "one page holds less than 20";
  EXPECT_LT(saved.messages, 2000U);
  const auto done = import(lines);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->messages, saved.messages);
}

TEST_F(DataFileTest, AFileThatIsNoDatabaseIsToldWithTheWayOut) {
  std::ofstream(file_) << std::string(10'000, 'x');
  const auto database = QueueJournal::open_file(file_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, "StorageDamaged");
  EXPECT_NE(database.error().message.find("latchkey cloud check"), std::string::npos);
  EXPECT_EQ(check_queue_file(file_, {}).error().code, "StorageDamaged");
}

TEST_F(DataFileTest, ADamagedLogIsToldAtTheStart) {
  {
    const auto store = open(file_);
    ASSERT_TRUE(await(context_, store->create_queue("acc", "orders", {})));
    const auto orders = *store->find_queue("acc", "orders");
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(await(context_, store->put(orders, "x", {.life = {}})));
    }
    fs::copy_file(file_, other_);
    fs::copy_file(file_.string() + "-wal", other_.string() + "-wal");
  }
  overwrite(other_.string() + "-wal", fs::file_size(other_.string() + "-wal") - 5 * 4120, 8);
  const auto database = QueueJournal::open_file(other_);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, "StorageDamaged");
  const auto report = check_queue_file(other_, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problems.size(), 1U);
  DataReport saved;
  exported(other_, &saved);
  EXPECT_GT(saved.messages, 2U);
}

TEST_F(DataFileTest, AFolderWithoutACloudIsNotMadeIntoOne) {
  const auto folder = open_existing_data(temporary_.path() / "nothing", clock_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, "DataFolderNotFound");
  EXPECT_FALSE(fs::exists(temporary_.path() / "nothing"));
}

TEST_F(DataFileTest, AFolderInUseIsRefused) {
  fill();
  const auto running = open_existing_data(temporary_.path(), clock_);
  ASSERT_TRUE(running) << running.error().message;
  const auto second = open_existing_data(temporary_.path(), clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "DataFolderInUse");
}

}  // namespace
}  // namespace latchkey::cloud
