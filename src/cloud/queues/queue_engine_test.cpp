#include "cloud/queues/queue_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/testing/seeded_random.hpp"

namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr std::uint32_t kQueue = 1;
const UtcTime kStart{std::chrono::seconds{1'586'969'688}};

class QueueEngineTest : public ::testing::Test {
 protected:
  QueueEngineTest() { engine_.add_queue(kQueue); }

  MessageState message(std::uint64_t sequence, UtcTime visible = kStart,
                       UtcTime expires = kStart + 1h) {
    return {.key = message_key(kQueue, sequence),
            .inserted = kStart,
            .expires = expires,
            .next_visible = visible,
            .receipt = sequence,
            .dequeue_count = 0};
  }
  std::vector<MessageChange> get(std::size_t count, UtcTime now, seconds visibility = 30s) {
    return engine_.get(kQueue, count, visibility, now, [this] { return ++receipt_; });
  }
  std::vector<std::uint64_t> peeked(UtcTime now, std::size_t count = 32) {
    std::vector<std::uint64_t> sequences;
    for (const auto& m : engine_.peek(kQueue, count, now)) sequences.push_back(sequence_of(m.key));
    return sequences;
  }

  QueueEngine engine_;
  std::uint64_t receipt_ = 1000;
};

TEST_F(QueueEngineTest, GivesTheOldestVisibleFirst) {
  engine_.add(message(1, kStart + 3s));
  engine_.add(message(2, kStart + 1s));
  engine_.add(message(3, kStart + 2s));
  engine_.add(message(4, kStart + 1s));
  const auto taken = get(32, kStart + 2s);
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_EQ(sequence_of(taken[0].after.key), 2U);
  EXPECT_EQ(sequence_of(taken[1].after.key), 4U) << "same moment: the one that came first";
  EXPECT_EQ(sequence_of(taken[2].after.key), 3U);
}

TEST_F(QueueEngineTest, GetHidesCountsAndGivesANewReceipt) {
  engine_.add(message(1));
  const auto first = get(1, kStart);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].after.dequeue_count, 1U);
  EXPECT_EQ(first[0].after.next_visible, kStart + 30s);
  EXPECT_NE(first[0].after.receipt, first[0].before.receipt);
  EXPECT_TRUE(get(1, kStart + 30s - 1us).empty());
  const auto second = get(1, kStart + 30s);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].after.dequeue_count, 2U);
  EXPECT_NE(second[0].after.receipt, first[0].after.receipt);
}

TEST_F(QueueEngineTest, GetTakesNoMoreThanAsked) {
  for (std::uint64_t i = 1; i <= 40; ++i) engine_.add(message(i));
  EXPECT_EQ(get(32, kStart).size(), 32U);
  EXPECT_EQ(get(32, kStart).size(), 8U);
}

TEST_F(QueueEngineTest, PeekShowsTheSameOrderAndChangesNothing) {
  for (std::uint64_t i = 1; i <= 20; ++i) {
    engine_.add(message(i, kStart + seconds{static_cast<int>(i * 7 % 20)}));
  }
  EXPECT_EQ(peeked(kStart), (std::vector<std::uint64_t>{20}));
  const auto seen = engine_.peek(kQueue, 5, kStart + 1h - 1s);
  EXPECT_EQ(seen, engine_.peek(kQueue, 5, kStart + 1h - 1s));
  const auto taken = get(5, kStart + 1h - 1s);
  ASSERT_EQ(taken.size(), seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], taken[i].before);
}

TEST_F(QueueEngineTest, UpdateMovesTheMessageAndReplacesTheReceipt) {
  engine_.add(message(1));
  const auto change = engine_.update(message_key(kQueue, 1), kStart + 600s, 42);
  EXPECT_EQ(change.before, message(1));
  EXPECT_TRUE(get(1, kStart + 599s).empty());
  EXPECT_EQ(engine_.find(message_key(kQueue, 1), kStart)->receipt, 42U);
  EXPECT_EQ(get(1, kStart + 600s).size(), 1U);
}

TEST_F(QueueEngineTest, ExpiredMessagesAreGoneBeforeTheyAreSwept) {
  engine_.add(message(1, kStart, kStart + 6s));
  engine_.add(message(2, kStart + 1s, UtcTime::max()));
  EXPECT_TRUE(engine_.find(message_key(kQueue, 1), kStart + 6s - 1us));
  EXPECT_FALSE(engine_.find(message_key(kQueue, 1), kStart + 6s));
  EXPECT_EQ(peeked(kStart + 6s), (std::vector<std::uint64_t>{2}));
  const auto taken = get(32, kStart + 6s);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(sequence_of(taken[0].after.key), 2U);

  std::vector<MessageKey> expired;
  EXPECT_TRUE(engine_.expire(kQueue, kStart + 6s, 10, expired));
  EXPECT_EQ(expired, (std::vector<MessageKey>{message_key(kQueue, 1)}));
  EXPECT_EQ(engine_.approximate_count(kQueue), 1U);
}

TEST_F(QueueEngineTest, ExpiryIsSweptInSlices) {
  for (std::uint64_t i = 1; i <= 10; ++i) engine_.add(message(i, kStart, kStart + 1s));
  std::vector<MessageKey> expired;
  EXPECT_FALSE(engine_.expire(kQueue, kStart + 1s, 9, expired));
  EXPECT_TRUE(engine_.expire(kQueue, kStart + 1s, 9, expired));
  EXPECT_EQ(expired.size(), 10U);
  EXPECT_EQ(engine_.messages(), 0U);
}

TEST_F(QueueEngineTest, ManyExpiredMessagesDoNotHoldUpAGet) {
  const std::uint64_t many = QueueEngine::kSkippedMax + 10;
  for (std::uint64_t i = 1; i <= many; ++i) engine_.add(message(i, kStart, kStart + 1s));
  engine_.add(message(many + 1, kStart));
  EXPECT_TRUE(get(1, kStart + 2s).empty()) << "gives up for now";
  EXPECT_EQ(get(1, kStart + 2s).size(), 1U);
}

TEST_F(QueueEngineTest, RemovedMessagesAreGone) {
  engine_.add(message(1));
  EXPECT_EQ(engine_.remove(message_key(kQueue, 1)), message(1));
  EXPECT_FALSE(engine_.find(message_key(kQueue, 1), kStart));
  EXPECT_EQ(engine_.approximate_count(kQueue), 0U);
}

TEST_F(QueueEngineTest, ClearTakesWhatIsThereAndLeavesWhatCameLater) {
  for (std::uint64_t i = 1; i <= 3; ++i) engine_.add(message(i));
  engine_.clear(kQueue, 3);
  EXPECT_EQ(engine_.approximate_count(kQueue), 0U);
  EXPECT_FALSE(engine_.find(message_key(kQueue, 1), kStart));
  EXPECT_FALSE(engine_.add(message(2))) << "put before the clear, committed after it";
  EXPECT_TRUE(engine_.add(message(4)));
  EXPECT_EQ(peeked(kStart), (std::vector<std::uint64_t>{4}));
  EXPECT_FALSE(engine_.reclaim(2));
  EXPECT_TRUE(engine_.reclaim(2));
  EXPECT_EQ(engine_.messages(), 1U);
}

TEST_F(QueueEngineTest, ClearSparesNewerMessagesThatAreThereAlready) {
  for (std::uint64_t i = 1; i <= 5; ++i) engine_.add(message(i));
  engine_.clear(kQueue, 3);
  EXPECT_EQ(peeked(kStart), (std::vector<std::uint64_t>{4, 5}));
}

TEST_F(QueueEngineTest, DroppedQueueTakesItsMessagesAlong) {
  engine_.add(message(1));
  engine_.drop_queue(kQueue);
  EXPECT_FALSE(engine_.has_queue(kQueue));
  EXPECT_FALSE(engine_.find(message_key(kQueue, 1), kStart));
  EXPECT_FALSE(engine_.add(message(2)));
  EXPECT_TRUE(get(1, kStart).empty());
  EXPECT_TRUE(engine_.reclaim(10));
  EXPECT_EQ(engine_.messages(), 0U);
}

TEST_F(QueueEngineTest, UndoRestoresAllButLaterChanges) {
  engine_.add(message(1));
  const auto taken = get(1, kStart);
  engine_.undo(taken[0]);
  EXPECT_EQ(engine_.find(message_key(kQueue, 1), kStart), message(1));

  const auto again = get(1, kStart);
  engine_.update(message_key(kQueue, 1), kStart + 9s, 7);
  engine_.undo(again[0]);
  EXPECT_EQ(engine_.find(message_key(kQueue, 1), kStart)->receipt, 7U);
  engine_.remove(message_key(kQueue, 1));
  engine_.undo(again[0]);
  EXPECT_FALSE(engine_.find(message_key(kQueue, 1), kStart));
}

TEST_F(QueueEngineTest, MemoryPerWaitingMessageStaysSmall) {
  constexpr std::uint64_t kMessages = 300'000;
  for (std::uint64_t i = 1; i <= kMessages; ++i) engine_.add(message(i));
  EXPECT_LE(engine_.bytes() / kMessages, 150U);
}

/// The same queue as a plain list, searched from end to end.
class Model {
 public:
  std::vector<MessageState> messages;
  std::vector<MessageKey> visible(UtcTime now, std::size_t count) const {
    std::vector<MessageState> all;
    for (const auto& m : messages) {
      if (m.next_visible <= now && m.expires > now) all.push_back(m);
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return std::pair(a.next_visible, a.key) < std::pair(b.next_visible, b.key);
    });
    std::vector<MessageKey> keys;
    for (const auto& m : all) {
      if (keys.size() < count) keys.push_back(m.key);
    }
    return keys;
  }
  void replace(const MessageState& with) {
    for (auto& m : messages) {
      if (m.key == with.key) m = with;
    }
  }
  void remove(MessageKey key) {
    std::erase_if(messages, [key](const auto& m) { return m.key == key; });
  }
};

TEST_F(QueueEngineTest, AgreesWithAPlainListUnderRandomOperations) {
  testing::SeededRandom random(7);
  Model model;
  UtcTime now = kStart;
  std::uint64_t sequence = 0;
  for (int step = 0; step < 6000; ++step) {
    now += std::chrono::milliseconds{random.below(300)};
    std::vector<MessageKey> expired;
    ASSERT_TRUE(engine_.expire(kQueue, now, 1000, expired));
    for (const MessageKey key : expired) model.remove(key);
    ASSERT_EQ(engine_.approximate_count(kQueue), model.messages.size());
    const auto action = random.below(10);
    if (action < 5) {
      const auto put =
          message(++sequence, now + seconds{random.below(9)},
                  random.below(4) == 0 ? UtcTime::max() : now + seconds{10 + random.below(60)});
      ASSERT_TRUE(engine_.add(put));
      model.messages.push_back(put);
    } else if (action < 7) {
      const auto expected = model.visible(now, 3);
      const auto taken = get(3, now, seconds{1 + random.below(20)});
      ASSERT_EQ(taken.size(), expected.size()) << step;
      for (std::size_t i = 0; i < taken.size(); ++i) {
        ASSERT_EQ(taken[i].after.key, expected[i]) << step;
        model.replace(taken[i].after);
      }
    } else if (!model.messages.empty()) {
      const auto one = model.messages[random.below(model.messages.size())];
      ASSERT_EQ(engine_.find(one.key, now), one);
      if (action == 7) {
        model.replace(engine_.update(one.key, now + seconds{random.below(30)}, ++receipt_).after);
      } else if (action == 8 && step % 4 == 0) {
        engine_.clear(kQueue, sequence - sequence % 3);
        std::erase_if(model.messages,
                      [&](const auto& m) { return sequence_of(m.key) <= sequence - sequence % 3; });
      } else {
        engine_.remove(one.key);
        model.remove(one.key);
      }
    }
    engine_.reclaim(5);
  }
}

}  // namespace
}  // namespace latchkey::cloud
