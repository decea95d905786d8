#include "cloud/queues/message_slab.hpp"

#include <gtest/gtest.h>

#include <unordered_map>

#include "base/testing/seeded_random.hpp"

namespace latchkey::cloud {
namespace {

TEST(MessageKey, HoldsQueueAndSequence) {
  const MessageKey key = message_key(kQueueNumberMax, kSequenceMax);
  EXPECT_EQ(queue_of(key), kQueueNumberMax);
  EXPECT_EQ(sequence_of(key), kSequenceMax);
  EXPECT_GT(static_cast<std::int64_t>(key), 0) << "SQLite's row ids are signed";
}

TEST(MessageSlab, FindsWhatIsThereAndOnlyThat) {
  MessageSlab slab;
  EXPECT_EQ(slab.find(message_key(1, 1)), kNoSlot);
  const Slot slot = slab.add(message_key(1, 1));
  EXPECT_EQ(slab.find(message_key(1, 1)), slot);
  EXPECT_EQ(slab.find(message_key(2, 1)), kNoSlot);
  slab.remove(slot);
  EXPECT_EQ(slab.find(message_key(1, 1)), kNoSlot);
  EXPECT_EQ(slab.size(), 0U);
}

TEST(MessageSlab, UsesFreedSlotsAgain) {
  MessageSlab slab;
  for (std::uint64_t i = 1; i <= 10'000; ++i) slab.add(message_key(1, i));
  const std::size_t before = slab.bytes();
  for (std::uint64_t i = 1; i <= 10'000; ++i) slab.remove(slab.find(message_key(1, i)));
  for (std::uint64_t i = 10'001; i <= 20'000; ++i) slab.add(message_key(1, i));
  // The list of free slots and the table's shards may grow; the entries must not.
  EXPECT_LE(slab.bytes(), before + 10'000 * 4 * sizeof(Slot));
}

TEST(MessageSlab, AgreesWithAnOrdinaryMap) {
  testing::SeededRandom random(20);
  MessageSlab slab;
  std::unordered_map<MessageKey, Slot> model;
  for (int step = 0; step < 40'000; ++step) {
    const MessageKey key =
        message_key(1 + static_cast<std::uint32_t>(random.below(3)), random.below(2000));
    const auto known = model.find(key);
    ASSERT_EQ(slab.find(key), known == model.end() ? kNoSlot : known->second) << step;
    if (known == model.end()) {
      model.emplace(key, slab.add(key));
    } else {
      slab.remove(known->second);
      model.erase(known);
    }
    ASSERT_EQ(slab.size(), model.size());
  }
}

}  // namespace
}  // namespace latchkey::cloud
