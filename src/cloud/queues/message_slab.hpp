#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cloud/queues/message_heap.hpp"

/// Where the index entries of all messages live, and how one is found by its key. Made for a
/// million messages without a stall: chunks instead of one growing array, and a table in shards
/// that grow one by one.
namespace latchkey::cloud {

/// Names a message in the whole store: the queue's number above, the message's number in it below.
/// As the row id in SQLite it keeps a queue's messages together.
using MessageKey = std::uint64_t;
inline constexpr unsigned kSequenceBits = 40;
inline constexpr std::uint64_t kSequenceMax = (std::uint64_t{1} << kSequenceBits) - 1;
inline constexpr std::uint32_t kQueueNumberMax = (1U << 23U) - 1;

constexpr MessageKey message_key(std::uint32_t queue, std::uint64_t sequence) {
  return (MessageKey{queue} << kSequenceBits) | sequence;
}
constexpr std::uint32_t queue_of(MessageKey key) {
  return static_cast<std::uint32_t>(key >> kSequenceBits);
}
constexpr std::uint64_t sequence_of(MessageKey key) {
  return key & kSequenceMax;
}

/// 40 bytes per message; the times it is ordered by stand in the heaps.
struct MessageEntry {
  MessageKey key = 0;
  std::int64_t inserted = 0;  ///< microseconds since 1970
  std::uint64_t receipt = 0;
  std::uint32_t dequeue_count = 0;
  std::uint32_t visible_at = kNoSlot;   ///< place in the queue's heap by next-visible time
  std::uint32_t expiring_at = kNoSlot;  ///< place in its heap by expiry; kNoSlot: never expires
};

class MessageSlab {
 public:
  MessageEntry& operator[](Slot slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  const MessageEntry& operator[](Slot slot) const { return chunks_[slot / kChunk][slot % kChunk]; }

  /// The slot of a new entry with that key, which must not be there yet.
  Slot add(MessageKey key);
  /// kNoSlot when there is none.
  Slot find(MessageKey key) const;
  void remove(Slot slot);
  std::size_t size() const { return size_; }
  /// Memory held, for metrics and the memory test.
  std::size_t bytes() const;

 private:
  static constexpr std::size_t kChunk = 4096;
  static constexpr std::size_t kShards = 256;
  /// Open addressing, linear probing, at most two thirds full.
  struct Shard {
    std::vector<Slot> places;
    std::size_t used = 0;
  };

  void grow(Shard& shard) const;
  void erase(Shard& shard, MessageKey key);

  std::vector<std::unique_ptr<std::array<MessageEntry, kChunk>>> owned_;
  std::vector<MessageEntry*> chunks_;
  std::vector<Slot> free_;
  std::array<Shard, kShards> shards_;
  Slot next_ = 0;
  std::size_t size_ = 0;
};

}  // namespace latchkey::cloud
