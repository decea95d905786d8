#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/queues/queue_store.hpp"

/// Much of everything: waiting changes, queues, messages.
namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;

Task<> join(TaskGroup& group) {
  co_await group.join();
}

class QueueStoreLimitsTest : public ::testing::Test {
 protected:
  void open(QueueStore::Options options = {}) {
    store_.reset();
    auto database = QueueJournal::open_file("");
    ASSERT_TRUE(database);
    options.metrics = &metrics_;
    auto store = QueueStore::open(std::move(*database), clock_, random_, options);
    ASSERT_TRUE(store);
    store_ = std::move(*store);
  }
  QueueNumber make_queue(const std::string& name) {
    EXPECT_TRUE(await(context_, store_->create_queue("acc", name, {})));
    return *store_->find_queue("acc", name);
  }
  Task<> put(QueueNumber queue, int count, std::vector<Error>& refusals) {
    for (int i = 0; i < count; ++i) {
      std::string text = "text";
      const QueueStore::PutOptions life{.visibility = 1h, .life = std::nullopt};
      const auto done = co_await store_->put(queue, std::move(text), life);
      if (!done) refusals.push_back(done.error());
    }
  }
  /// `lanes` coroutines put `each` messages.
  std::vector<Error> put_many(QueueNumber queue, int lanes, int each) {
    std::vector<Error> refusals;
    TaskGroup group(context_.get_executor());
    for (int lane = 0; lane < lanes; ++lane) group.spawn("put", put(queue, each, refusals));
    run_to_end(context_, join(group));
    return refusals;
  }
  /// The number behind a series in what Prometheus gets; -1: no such line.
  double metric(const std::string& series) const {
    const std::string text = "\n" + metrics_.render();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  double operations(const std::string& operation, const std::string& result) const {
    return metric(fmt::format("latchkey_queue_operations_total{{operation=\"{}\",result=\"{}\"}}",
                              operation, result));
  }

  Metrics metrics_;
  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{5};
  std::unique_ptr<QueueStore> store_;
};

TEST_F(QueueStoreLimitsTest, MoreThanMayWaitForTheDiskIsToldToComeBackAndLeavesNothing) {
  open({.waiting_max = 100});
  const auto queue = make_queue("orders");
  const auto refusals = put_many(queue, 150, 1);
  ASSERT_EQ(refusals.size(), 50U);
  EXPECT_EQ(refusals[0].code, "ServerBusy");
  EXPECT_EQ(refusals[0].retry_after, 1s);
  EXPECT_EQ(store_->approximate_count(queue), 100U);
  EXPECT_EQ(put_many(queue, 100, 1).size(), 0U) << "and is served when it does";
  EXPECT_EQ(operations("put", "ok"), 200);
  EXPECT_EQ(operations("put", "busy"), 50);
}

TEST_F(QueueStoreLimitsTest, OperationsDepthAndCommitsAreCounted) {
  open();
  const auto queue = make_queue("orders");
  put_many(queue, 32, 2);
  EXPECT_TRUE(await(context_, store_->get(queue, 32, 30s))->empty());
  EXPECT_FALSE(await(context_, store_->clear(12345)));
  EXPECT_EQ(operations("put", "ok"), 64);
  EXPECT_EQ(operations("get", "ok"), 1);
  EXPECT_EQ(operations("clear", "refused"), 1);
  EXPECT_EQ(metric("latchkey_queue_operation_seconds_count{operation=\"put\"}"), 64);
  EXPECT_EQ(metric("latchkey_queue_messages{account=\"acc\",queue=\"orders\"}"), 64);
  EXPECT_EQ(metric("latchkey_queue_commit_size_sum"), 1 + 64) << "the queue, then the messages";
  EXPECT_EQ(metric("latchkey_queue_commit_size_count"), 1 + 2) << "32 together, twice";
  EXPECT_EQ(metric("latchkey_queue_commits_failed_total"), 0);
  EXPECT_EQ(metric("latchkey_queue_journal_waiting"), 0);
  EXPECT_GT(metric("latchkey_queue_index_bytes"), 64 * 80);
}

TEST_F(QueueStoreLimitsTest, TenThousandQueuesWork) {
  constexpr int kQueues = 10'000;
  open();
  for (int i = 0; i < kQueues; ++i) make_queue(fmt::format("queue-{:05}", i));
  std::vector<Error> refusals;
  TaskGroup group(context_.get_executor());
  for (QueueNumber queue = 1; queue <= kQueues; ++queue) {
    group.spawn("put", put(queue, 2, refusals));
    if (queue % 1000 == 0) run_to_end(context_, join(group));
  }
  EXPECT_TRUE(refusals.empty());
  EXPECT_EQ(store_->engine().messages(), 2U * kQueues);
  // A queue of two messages: 16 KB for ten thousand of them would be a waste of 160 MB.
  EXPECT_LT(store_->engine().bytes(), kQueues * 600U);
  const auto page = store_->list("acc", {.from = "queue-04999", .max = 3});
  ASSERT_EQ(page.queues.size(), 3U);
  EXPECT_EQ(page.queues[0].name, "queue-04999");
  clock_.advance(2h);
  for (const char* name : {"queue-00000", "queue-05000", "queue-09999"}) {
    const auto messages = await(context_, store_->get(*store_->find_queue("acc", name), 32, 30s));
    EXPECT_EQ(messages->size(), 2U);
  }
}

TEST_F(QueueStoreLimitsTest, OneHotQueueCostsLessThan200BytesAMessage) {
  constexpr int kMessages = 200'000;
  open();
  const auto queue = make_queue("hot");
  EXPECT_TRUE(put_many(queue, 1000, kMessages / 1000).empty());
  EXPECT_EQ(store_->approximate_count(queue), std::size_t{kMessages});
  EXPECT_LT(store_->engine().bytes(), kMessages * 130U);
  ASSERT_TRUE(await(context_, store_->clear(queue)));
  EXPECT_EQ(store_->approximate_count(queue), 0U);
  int slices = 0;
  while (await(context_, store_->collect())) ++slices;
  EXPECT_GT(slices, kMessages / 1000) << "in slices, between which others are served";
  EXPECT_EQ(store_->engine().messages(), 0U);
}

}  // namespace
}  // namespace latchkey::cloud
