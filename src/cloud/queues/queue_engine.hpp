#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "cloud/queues/message_slab.hpp"

/// Which message comes next: the visibility order of all queues, in memory, with time passed in.
/// No text, no names, no disk: those are the store's. Pure logic; one thread.
///
/// What it rests on: delivery is oldest-visible first; Get hides, counts and gives a new receipt; a
/// receipt holds until the message expires, is deleted, updated or got again, also past its
/// visibility timeout (REST reference "Get Messages", "Update Message", "Delete Message").
namespace latchkey::cloud {

/// A message without its text.
struct MessageState {
  MessageKey key = 0;
  UtcTime inserted{};
  UtcTime expires{};  ///< UtcTime::max() when never
  UtcTime next_visible{};
  std::uint64_t receipt = 0;  ///< 64 random bits
  std::uint32_t dequeue_count = 0;
  friend bool operator==(const MessageState&, const MessageState&) = default;
};

/// What an operation did to a message, so that it can be undone.
struct MessageChange {
  MessageState before;
  MessageState after;
};

class QueueEngine {
 public:
  /// Get and Peek step over so many expired messages at most: when a million expire in one moment,
  /// a call finds nothing for an instant instead of holding up everybody.
  static constexpr std::size_t kSkippedMax = 4096;

  /// Queues are numbered by the store; numbers are never used twice. `cleared_to` is the sequence
  /// up to which messages have been cleared.
  void add_queue(std::uint32_t queue, std::uint64_t cleared_to = 0);
  /// Its messages vanish at once; their memory is given back by `reclaim`.
  void drop_queue(std::uint32_t queue);
  bool has_queue(std::uint32_t queue) const { return queues_.contains(queue); }

  /// False when its queue is gone, or was cleared after the message got its number.
  bool add(const MessageState& message);
  /// The first `count` visible messages, hidden until `now + visibility`. `receipts` gives a new
  /// receipt for each.
  template <class Receipts>
  std::vector<MessageChange> get(std::uint32_t queue, std::size_t count,
                                 std::chrono::seconds visibility, UtcTime now, Receipts receipts);
  std::vector<MessageState> peek(std::uint32_t queue, std::size_t count, UtcTime now) const;
  /// Nullopt when it is deleted, cleared, or expired.
  std::optional<MessageState> find(MessageKey key, UtcTime now) const;
  /// New next-visible time and receipt for a message that `find` has found.
  MessageChange update(MessageKey key, UtcTime next_visible, std::uint64_t receipt);
  /// Takes out a message that `find` has found.
  MessageState remove(MessageKey key);
  /// Takes back a change, unless the message has changed since or is gone.
  void undo(const MessageChange& change);
  /// All messages with a sequence up to `cleared_to` vanish at once.
  void clear(std::uint32_t queue, std::uint64_t cleared_to);

  /// Messages that are there, hidden ones included; expired ones until they are swept.
  std::size_t approximate_count(std::uint32_t queue) const;

  /// Takes out at most `max` expired messages of one queue; their keys go to `expired`. False when
  /// there may be more.
  bool expire(std::uint32_t queue, UtcTime now, std::size_t max, std::vector<MessageKey>& expired);
  /// Gives back the memory of at most `max` cleared messages. False when there are more.
  bool reclaim(std::size_t max);

  /// Memory held for messages, and how many there are: for metrics and the memory test.
  std::size_t bytes() const;
  std::size_t messages() const { return slab_.size(); }

 private:
  struct Queue {
    MessageHeap visible;   ///< every message, by next-visible time
    MessageHeap expiring;  ///< those that expire, by expiry
    std::uint64_t cleared_to = 0;
    std::uint64_t newest = 0;
  };

  MessageState state(const Queue& queue, Slot slot) const;
  MessageChange change(Queue& queue, Slot slot, UtcTime next_visible, std::uint64_t receipt,
                       std::uint32_t dequeue_count);
  void take_out(Queue& queue, Slot slot);
  auto visible_placed() {
    return [this](Slot slot, std::uint32_t at) { slab_[slot].visible_at = at; };
  }
  auto expiring_placed() {
    return [this](Slot slot, std::uint32_t at) { slab_[slot].expiring_at = at; };
  }

  MessageSlab slab_;
  std::unordered_map<std::uint32_t, Queue> queues_;
  std::deque<std::vector<HeapNode>> cleared_;
};

template <class Receipts>
std::vector<MessageChange> QueueEngine::get(std::uint32_t number, std::size_t count,
                                            std::chrono::seconds visibility, UtcTime now,
                                            Receipts receipts) {
  std::vector<MessageChange> taken;
  const auto found = queues_.find(number);
  if (found == queues_.end()) return taken;
  Queue& queue = found->second;
  const UtcTime hidden_until = now + visibility;
  std::size_t skipped = 0;
  while (taken.size() < count && skipped < kSkippedMax && !queue.visible.empty()) {
    const HeapNode top = queue.visible.top();
    if (top.time > now.time_since_epoch().count()) break;
    const Slot slot = top.slot;
    const MessageEntry& entry = slab_[slot];
    if (state(queue, slot).expires <= now) {
      // Not swept yet: out of the way of the order, and left to `expire`.
      queue.visible.move(entry.visible_at, hidden_until.time_since_epoch().count(),
                         visible_placed());
      ++skipped;
      continue;
    }
    taken.push_back(change(queue, slot, hidden_until, receipts(), entry.dequeue_count + 1));
  }
  return taken;
}

}  // namespace latchkey::cloud
