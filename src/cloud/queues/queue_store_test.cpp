#include "cloud/queues/queue_store.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
namespace fs = std::filesystem;

class QueueStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / fmt::format("queues-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  void open(QueueStore::Options options = {}) {
    store_.reset();
    auto database = sqlite::Database::open(folder_ / "queues.db");
    ASSERT_TRUE(database) << database.error().message;
    auto store = QueueStore::open(std::move(*database), clock_, random_, options);
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  /// As after kill -9: a store that reads the files as they lie there now, the first one still
  /// open.
  void reopen_as_after_a_kill() {
    const fs::path copy = folder_ / "copy";
    fs::remove_all(copy);
    fs::create_directories(copy);
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.is_regular_file() && entry.path().extension() != ".db-shm") {
        fs::copy_file(entry.path(), copy / entry.path().filename());
      }
    }
    auto database = sqlite::Database::open(copy / "queues.db");
    ASSERT_TRUE(database);
    auto store = QueueStore::open(std::move(*database), clock_, random_);
    ASSERT_TRUE(store);
    store_ = std::move(*store);
  }
  /// Makes every write of that kind to the table fail, as a full disk would.
  void break_writes(const char* event, const char* table = "message") {
    store_.reset();
    auto database = sqlite::Database::open(folder_ / "queues.db");
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute(
        fmt::format("CREATE TRIGGER broken BEFORE {} ON {} BEGIN SELECT RAISE(ABORT, 'disk'); END",
                    event, table)));
    auto store = QueueStore::open(std::move(*database), clock_, random_);
    ASSERT_TRUE(store);
    store_ = std::move(*store);
  }
  std::int64_t rows() {
    store_.reset();
    auto database = sqlite::Database::open(folder_ / "queues.db");
    auto& select = database->cached("SELECT count(*) FROM message");
    EXPECT_TRUE(select.step());
    const auto count = select.integer(0);
    select.reset();
    return count;
  }

  QueueNumber make_queue(std::string name = "orders", wire::Metadata metadata = {}) {
    const auto made = await(context_, store_->create_queue("acc", name, std::move(metadata)));
    EXPECT_TRUE(made) << made.error().message;
    return *store_->find_queue("acc", name);
  }
  QueueNumber queue() { return *store_->find_queue("acc", "orders"); }
  wire::QueueMessage put(std::string text, QueueStore::PutOptions options = {.life = 600s}) {
    auto message = await(context_, store_->put(queue(), std::move(text), options));
    EXPECT_TRUE(message) << message.error().message;
    return *message;
  }
  std::vector<wire::QueueMessage> get(std::size_t count = 32, std::chrono::seconds hidden = 30s) {
    auto messages = await(context_, store_->get(queue(), count, hidden));
    EXPECT_TRUE(messages) << messages.error().message;
    return *messages;
  }
  std::vector<std::string> peeked() {
    std::vector<std::string> texts;
    const auto messages = await(context_, store_->peek(queue(), 32));
    EXPECT_TRUE(messages);
    for (const auto& m : *messages) texts.push_back(m.text);
    return texts;
  }
  std::string remove(const std::string& id, const std::string& receipt) {
    const auto done = await(context_, store_->remove(queue(), id, *store_->parse_receipt(receipt)));
    return done ? "" : done.error().code;
  }
  std::string update(const wire::QueueMessage& message, std::chrono::seconds hidden,
                     std::optional<std::string> text, std::string* receipt = nullptr) {
    const auto done = await(
        context_, store_->update(queue(), message.id, *store_->parse_receipt(message.pop_receipt),
                                 hidden, std::move(text)));
    if (done && receipt != nullptr) *receipt = done->pop_receipt;
    return done ? "" : done.error().code;
  }
  void collect_all() {
    while (await(context_, store_->collect())) {
    }
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{11};
  fs::path folder_;
  std::unique_ptr<QueueStore> store_;
};

TEST_F(QueueStoreTest, AnsweredOperationsSurviveAKill) {
  const wire::Metadata metadata{{"Colour", "red"}, {"empty", ""}};
  make_queue("orders", metadata);
  put("one");
  put("two");
  put("three", {.visibility = 60s, .life = std::nullopt});
  clock_.advance(1s);
  const auto taken = get(1);
  ASSERT_EQ(taken.size(), 1U);

  reopen_as_after_a_kill();
  EXPECT_EQ(store_->metadata(queue()), metadata);
  EXPECT_EQ(store_->approximate_count(queue()), 3U);
  EXPECT_EQ(peeked(), (std::vector<std::string>{"two"})) << "one is held, three hidden";
  EXPECT_EQ(remove(taken[0].id, taken[0].pop_receipt), "") << "the receipt still holds";
  clock_.advance(60s);
  const auto later = get();
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[1].text, "three");
  EXPECT_EQ(later[1].expiration_time, wire::never_expires());
}

TEST_F(QueueStoreTest, EveryFieldOfAMessageSurvivesARestart) {
  make_queue();
  put("body \xC3\xA9 <&>");
  clock_.advance(1500ms);
  const auto before = get(1, 10s).at(0);
  open();
  clock_.advance(10s);
  const auto after = get(1).at(0);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.text, before.text);
  EXPECT_EQ(after.insertion_time, before.insertion_time);
  EXPECT_EQ(after.expiration_time, before.expiration_time);
  EXPECT_EQ(after.dequeue_count, 2);
  EXPECT_NE(after.pop_receipt, before.pop_receipt);
}

TEST_F(QueueStoreTest, LifeEndsAlsoAfterARestart) {
  make_queue();
  put("short", {.life = 6s});
  put("long");
  open();
  clock_.advance(6s);
  EXPECT_EQ(peeked(), (std::vector<std::string>{"long"}));
  EXPECT_EQ(store_->approximate_count(queue()), 1U);
  collect_all();
  EXPECT_EQ(rows(), 1);
}

TEST_F(QueueStoreTest, DeletedAndUpdatedMessagesStaySoAfterAKill) {
  make_queue();
  put("gone");
  put("old");
  const auto taken = get(2);
  EXPECT_EQ(remove(taken[0].id, taken[0].pop_receipt), "");
  std::string receipt;
  EXPECT_EQ(update(taken[1], 0s, "new", &receipt), "");
  reopen_as_after_a_kill();
  EXPECT_EQ(peeked(), (std::vector<std::string>{"new"}));
  EXPECT_EQ(remove(taken[1].id, taken[1].pop_receipt), "MessageNotFound");
  EXPECT_EQ(remove(taken[1].id, receipt), "");
}

TEST_F(QueueStoreTest, ReceiptsDieWhenTheyShould) {
  make_queue();
  put("a");
  put("b");
  auto first = get(2, 5s);
  EXPECT_EQ(remove(first[0].id, first[1].pop_receipt), "PopReceiptMismatch");
  clock_.advance(6s);
  std::string updated;
  EXPECT_EQ(update(first[0], 0s, std::nullopt, &updated), "")
      << "past its visibility timeout, nobody else has taken it";
  EXPECT_EQ(remove(first[0].id, first[0].pop_receipt), "MessageNotFound") << "updated since";
  const auto second = get(2, 5s);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(remove(first[0].id, updated), "MessageNotFound") << "taken again since";
  EXPECT_EQ(remove(second[1].id, second[1].pop_receipt), "");
  EXPECT_EQ(remove(second[1].id, second[1].pop_receipt), "MessageNotFound") << "deleted";
  clock_.advance(601s);
  EXPECT_EQ(remove(second[0].id, second[0].pop_receipt), "MessageNotFound") << "expired";
}

TEST_F(QueueStoreTest, TheReceiptOfAPutHolds) {
  make_queue();
  const auto message = put("a");
  EXPECT_EQ(remove(message.id, message.pop_receipt), "");
  EXPECT_EQ(store_->approximate_count(queue()), 0U);
}

TEST_F(QueueStoreTest, AMessageOfAnotherQueueIsNotFound) {
  make_queue();
  make_queue("other");
  const auto message = put("a");
  const auto done = await(context_, store_->remove(*store_->find_queue("acc", "other"), message.id,
                                                   *store_->parse_receipt(message.pop_receipt)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "MessageNotFound");
}

TEST_F(QueueStoreTest, HidingBeyondTheExpiryIsRefused) {
  make_queue();
  put("a", {.life = 60s});
  const auto taken = get(1);
  EXPECT_EQ(update(taken[0], 61s, std::nullopt), "InvalidQueryParameterValue");
  EXPECT_EQ(update(taken[0], 60s, std::nullopt), "");
}

TEST_F(QueueStoreTest, ClearedMessagesStayGoneThoughTheirRowsAreStillThere) {
  make_queue();
  for (int i = 0; i < 10; ++i) put("old");
  ASSERT_TRUE(await(context_, store_->clear(queue())));
  EXPECT_EQ(store_->approximate_count(queue()), 0U);
  put("new");
  reopen_as_after_a_kill();
  EXPECT_EQ(peeked(), (std::vector<std::string>{"new"}));
}

TEST_F(QueueStoreTest, ClearedRowsAreRemovedInSlicesAlsoAfterARestart) {
  make_queue();
  for (int i = 0; i < 10; ++i) put("old");
  ASSERT_TRUE(await(context_, store_->clear(queue())));
  put("new");
  open({.slice = 3});
  EXPECT_TRUE(await(context_, store_->collect())) << "more to do after the first slice";
  collect_all();
  EXPECT_EQ(rows(), 1);
}

TEST_F(QueueStoreTest, SequenceNumbersAreNotUsedAgainAfterAClear) {
  make_queue();
  put("old");
  ASSERT_TRUE(await(context_, store_->clear(queue())));
  collect_all();
  open();
  put("new");
  EXPECT_EQ(peeked(), (std::vector<std::string>{"new"}));
  open();
  EXPECT_EQ(peeked(), (std::vector<std::string>{"new"}));
}

TEST_F(QueueStoreTest, ADeletedQueueStaysGoneAndItsSuccessorIsEmpty) {
  make_queue();
  put("old");
  ASSERT_TRUE(await(context_, store_->delete_queue(queue())));
  EXPECT_EQ(store_->find_queue("acc", "orders").error().code, "QueueNotFound");
  make_queue();
  EXPECT_EQ(peeked(), (std::vector<std::string>{}));
  open();
  EXPECT_EQ(peeked(), (std::vector<std::string>{}));
  collect_all();
  EXPECT_EQ(rows(), 0);
}

TEST_F(QueueStoreTest, CreatingTwiceDependsOnTheMetadata) {
  using enum QueueStore::Creation;
  const wire::Metadata red{{"Colour", "red"}};
  make_queue("orders", red);
  const auto same = await(context_, store_->create_queue("acc", "orders", {{"colour", "red"}}));
  ASSERT_TRUE(same);
  EXPECT_EQ(*same, was_there);
  const auto other = await(context_, store_->create_queue("acc", "orders", {{"colour", "Red"}}));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "QueueAlreadyExists");
  EXPECT_TRUE(await(context_, store_->create_queue("another", "orders", {})));
}

Task<> create_into(QueueStore& store, std::vector<Result<QueueStore::Creation>>& results) {
  results.push_back(co_await store.create_queue("acc", "twice", {}));
}
Task<> join(TaskGroup& group) {
  co_await group.join();
}

TEST_F(QueueStoreTest, TwoCreatesAtOnceMakeOneQueue) {
  std::vector<Result<QueueStore::Creation>> results;
  TaskGroup group(context_.get_executor());
  group.spawn("one", create_into(*store_, results));
  group.spawn("two", create_into(*store_, results));
  run_to_end(context_, join(group));
  ASSERT_EQ(results.size(), 2U);
  ASSERT_TRUE(results[0] && results[1]);
  EXPECT_NE(*results[0], *results[1]);
}

Task<> put_into(QueueStore& store, QueueNumber queue, std::string text) {
  const auto done = co_await store.put(queue, std::move(text), {.life = 600s});
  EXPECT_TRUE(done);
}
Task<> clear_it(QueueStore& store, QueueNumber queue) {
  const auto done = co_await store.clear(queue);
  EXPECT_TRUE(done);
}
Task<> delete_it(QueueStore& store, QueueNumber queue) {
  const auto done = co_await store.delete_queue(queue);
  EXPECT_TRUE(done);
}

TEST_F(QueueStoreTest, AClearBetweenTwoPutsTakesTheFirstOnly) {
  make_queue();
  TaskGroup group(context_.get_executor());
  group.spawn("put", put_into(*store_, queue(), "before"));
  group.spawn("clear", clear_it(*store_, queue()));
  group.spawn("put", put_into(*store_, queue(), "after"));
  run_to_end(context_, join(group));
  EXPECT_EQ(peeked(), (std::vector<std::string>{"after"}));
  open();
  EXPECT_EQ(peeked(), (std::vector<std::string>{"after"}));
}

TEST_F(QueueStoreTest, PutsAroundADeletionOfTheirQueueLeaveNoRows) {
  make_queue();
  TaskGroup group(context_.get_executor());
  group.spawn("put", put_into(*store_, queue(), "before"));
  group.spawn("delete", delete_it(*store_, queue()));
  group.spawn("put", put_into(*store_, queue(), "after"));
  run_to_end(context_, join(group));
  EXPECT_FALSE(store_->find_queue("acc", "orders"));
  collect_all();
  EXPECT_EQ(rows(), 0);
}

TEST_F(QueueStoreTest, APutThatFailsOnDiskIsNeverSeen) {
  make_queue();
  break_writes("INSERT");
  const auto done = await(context_, store_->put(queue(), "x", {.life = 600s}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "InternalError");
  EXPECT_EQ(store_->approximate_count(queue()), 0U);
}

TEST_F(QueueStoreTest, AGetThatFailsOnDiskLeavesTheMessageVisible) {
  make_queue();
  const auto message = put("x");
  put("y");
  break_writes("UPDATE");
  EXPECT_EQ(await(context_, store_->get(queue(), 32, 30s)).error().code, "InternalError");
  EXPECT_EQ(peeked(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(update(message, 0s, "z"), "InternalError");
  EXPECT_EQ(peeked(), (std::vector<std::string>{"x", "y"})) << "text and receipt are undone";
  EXPECT_EQ(remove(message.id, message.pop_receipt), "");
}

TEST_F(QueueStoreTest, ADeleteThatFailsOnDiskLeavesTheMessage) {
  make_queue();
  const auto message = put("x");
  break_writes("DELETE");
  EXPECT_EQ(remove(message.id, message.pop_receipt), "InternalError");
  EXPECT_EQ(peeked(), (std::vector<std::string>{"x"}));
  EXPECT_EQ(remove(message.id, message.pop_receipt), "InternalError") << "the receipt still holds";
}

TEST_F(QueueStoreTest, AQueueThatFailsOnDiskIsNotThere) {
  break_writes("INSERT", "queue");
  EXPECT_EQ(await(context_, store_->create_queue("acc", "orders", {})).error().code,
            "InternalError");
  EXPECT_FALSE(store_->find_queue("acc", "orders"));
}

TEST_F(QueueStoreTest, TextsOutsideTheCacheAreReadFromDisk) {
  open({.text_cache_bytes = 0});
  make_queue();
  put("one");
  put(std::string(65'536, 'x'));
  EXPECT_EQ(peeked(), (std::vector<std::string>{"one", std::string(65'536, 'x')}));
  const auto taken = get(2);
  EXPECT_EQ(taken[1].text.size(), 65'536U);
  EXPECT_EQ(update(taken[0], 0s, "changed"), "");
  EXPECT_EQ(get(1)[0].text, "changed");
}

TEST_F(QueueStoreTest, ListsByNameInPages) {
  for (const char* name : {"z3", "z1", "a-queue", "z2"}) make_queue(name);
  const auto first = store_->list("acc", {.prefix = "z", .max = 2});
  ASSERT_EQ(first.queues.size(), 2U);
  EXPECT_EQ(first.queues[0].name, "z1");
  EXPECT_EQ(first.next, "z3");
  const auto second = store_->list("acc", {.prefix = "z", .from = first.next, .max = 2});
  ASSERT_EQ(second.queues.size(), 1U);
  EXPECT_EQ(second.queues[0].name, "z3");
  EXPECT_EQ(second.next, "");
  EXPECT_TRUE(store_->list("nobody", {}).queues.empty());
}

TEST_F(QueueStoreTest, AStoreOfANewerVersionIsNotTouched) {
  store_.reset();
  {
    auto database = sqlite::Database::open(folder_ / "queues.db");
    ASSERT_TRUE(database->execute("PRAGMA user_version = 99"));
  }
  auto database = sqlite::Database::open(folder_ / "queues.db");
  const auto store = QueueStore::open(std::move(*database), clock_, random_);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("newer version"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
