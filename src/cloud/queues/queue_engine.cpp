#include "cloud/queues/queue_engine.hpp"

#include "base/assert.hpp"

namespace latchkey::cloud {
namespace {

std::int64_t ticks(UtcTime time) {
  return time.time_since_epoch().count();
}
UtcTime from_ticks(std::int64_t count) {
  return UtcTime{UtcTime::duration{count}};
}
std::uint32_t tie_of(MessageKey key) {
  return static_cast<std::uint32_t>(key & 0xFFFF'FFFFU);
}

}  // namespace

void QueueEngine::add_queue(std::uint32_t queue, std::uint64_t cleared_to) {
  const auto [place, is_new] = queues_.try_emplace(queue);
  LK_ASSERT(is_new);
  place->second.cleared_to = cleared_to;
}

void QueueEngine::drop_queue(std::uint32_t queue) {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return;
  if (!found->second.visible.empty()) cleared_.push_back(found->second.visible.release());
  queues_.erase(found);
}

bool QueueEngine::add(const MessageState& message) {
  const auto found = queues_.find(queue_of(message.key));
  if (found == queues_.end()) return false;
  Queue& queue = found->second;
  const std::uint64_t sequence = sequence_of(message.key);
  if (sequence <= queue.cleared_to) return false;
  queue.newest = std::max(queue.newest, sequence);
  const Slot slot = slab_.add(message.key);
  MessageEntry& entry = slab_[slot];
  entry.inserted = ticks(message.inserted);
  entry.receipt = message.receipt;
  entry.dequeue_count = message.dequeue_count;
  const std::uint32_t tie = tie_of(message.key);
  queue.visible.push({ticks(message.next_visible), tie, slot}, visible_placed());
  if (message.expires != UtcTime::max()) {
    queue.expiring.push({ticks(message.expires), tie, slot}, expiring_placed());
  }
  return true;
}

std::vector<MessageState> QueueEngine::peek(std::uint32_t number, std::size_t count,
                                            UtcTime now) const {
  std::vector<MessageState> seen;
  const auto found = queues_.find(number);
  if (found == queues_.end()) return seen;
  const Queue& queue = found->second;
  std::size_t skipped = 0;
  queue.visible.visit_until(ticks(now), [&](const HeapNode& node) {
    const MessageState message = state(queue, node.slot);
    if (message.expires > now) {
      seen.push_back(message);
    } else {
      ++skipped;
    }
    return seen.size() < count && skipped < kSkippedMax;
  });
  return seen;
}

std::optional<MessageState> QueueEngine::find(MessageKey key, UtcTime now) const {
  const auto found = queues_.find(queue_of(key));
  if (found == queues_.end() || sequence_of(key) <= found->second.cleared_to) return std::nullopt;
  const Slot slot = slab_.find(key);
  if (slot == kNoSlot) return std::nullopt;
  const MessageState message = state(found->second, slot);
  if (message.expires <= now) return std::nullopt;
  return message;
}

MessageChange QueueEngine::update(MessageKey key, UtcTime next_visible, std::uint64_t receipt) {
  Queue& queue = queues_.at(queue_of(key));
  const Slot slot = slab_.find(key);
  LK_ASSERT(slot != kNoSlot);
  return change(queue, slot, next_visible, receipt, slab_[slot].dequeue_count);
}

MessageState QueueEngine::remove(MessageKey key) {
  Queue& queue = queues_.at(queue_of(key));
  const Slot slot = slab_.find(key);
  LK_ASSERT(slot != kNoSlot);
  const MessageState message = state(queue, slot);
  take_out(queue, slot);
  return message;
}

void QueueEngine::undo(const MessageChange& made) {
  const auto found = queues_.find(queue_of(made.after.key));
  if (found == queues_.end() || sequence_of(made.after.key) <= found->second.cleared_to) return;
  const Slot slot = slab_.find(made.after.key);
  if (slot == kNoSlot || slab_[slot].receipt != made.after.receipt) return;
  change(found->second, slot, made.before.next_visible, made.before.receipt,
         made.before.dequeue_count);
}

void QueueEngine::clear(std::uint32_t number, std::uint64_t cleared_to) {
  const auto found = queues_.find(number);
  if (found == queues_.end() || cleared_to <= found->second.cleared_to) return;
  Queue& queue = found->second;
  if (queue.newest <= cleared_to) {
    queue.cleared_to = cleared_to;
    queue.expiring.release();
    if (!queue.visible.empty()) cleared_.push_back(queue.visible.release());
    return;
  }
  // A message that came after the clear is already there: pick out the older ones.
  std::vector<Slot> older;
  for (const HeapNode& node : queue.visible.nodes()) {
    if (sequence_of(slab_[node.slot].key) <= cleared_to) older.push_back(node.slot);
  }
  for (const Slot slot : older) take_out(queue, slot);
  queue.cleared_to = cleared_to;
}

std::size_t QueueEngine::approximate_count(std::uint32_t queue) const {
  const auto found = queues_.find(queue);
  return found == queues_.end() ? 0 : found->second.visible.size();
}

bool QueueEngine::expire(std::uint32_t number, UtcTime now, std::size_t max,
                         std::vector<MessageKey>& expired) {
  const auto found = queues_.find(number);
  if (found == queues_.end()) return true;
  Queue& queue = found->second;
  for (std::size_t count = 0; count < max; ++count) {
    if (queue.expiring.empty() || queue.expiring.top().time > ticks(now)) return true;
    const Slot slot = queue.expiring.top().slot;
    expired.push_back(slab_[slot].key);
    take_out(queue, slot);
  }
  return false;
}

bool QueueEngine::reclaim(std::size_t max) {
  while (!cleared_.empty()) {
    std::vector<HeapNode>& nodes = cleared_.front();
    while (!nodes.empty()) {
      if (max-- == 0) return false;
      slab_.remove(nodes.back().slot);
      nodes.pop_back();
    }
    cleared_.pop_front();
  }
  return true;
}

std::size_t QueueEngine::bytes() const {
  std::size_t bytes = slab_.bytes();
  for (const auto& [number, queue] : queues_) {
    bytes += sizeof(Queue) + sizeof(HeapNode) * (queue.visible.nodes().capacity() +
                                                 queue.expiring.nodes().capacity());
  }
  for (const auto& nodes : cleared_) bytes += nodes.capacity() * sizeof(HeapNode);
  return bytes;
}

MessageState QueueEngine::state(const Queue& queue, Slot slot) const {
  const MessageEntry& entry = slab_[slot];
  return {.key = entry.key,
          .inserted = from_ticks(entry.inserted),
          .expires = entry.expiring_at == kNoSlot
                         ? UtcTime::max()
                         : from_ticks(queue.expiring.at(entry.expiring_at).time),
          .next_visible = from_ticks(queue.visible.at(entry.visible_at).time),
          .receipt = entry.receipt,
          .dequeue_count = entry.dequeue_count};
}

MessageChange QueueEngine::change(Queue& queue, Slot slot, UtcTime next_visible,
                                  std::uint64_t receipt, std::uint32_t dequeue_count) {
  MessageEntry& entry = slab_[slot];
  MessageChange made{.before = state(queue, slot), .after = {}};
  made.after = made.before;
  made.after.next_visible = next_visible;
  made.after.receipt = entry.receipt = receipt;
  made.after.dequeue_count = entry.dequeue_count = dequeue_count;
  queue.visible.move(entry.visible_at, ticks(next_visible), visible_placed());
  return made;
}

void QueueEngine::take_out(Queue& queue, Slot slot) {
  const MessageEntry entry = slab_[slot];
  queue.visible.remove(entry.visible_at, visible_placed());
  if (entry.expiring_at != kNoSlot) queue.expiring.remove(entry.expiring_at, expiring_placed());
  slab_.remove(slot);
}

}  // namespace latchkey::cloud
