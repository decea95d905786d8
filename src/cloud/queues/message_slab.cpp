#include "cloud/queues/message_slab.hpp"

#include "base/assert.hpp"

namespace latchkey::cloud {
namespace {

/// Spreads keys, which are consecutive numbers (finalizer of splitmix64).
std::uint64_t spread(MessageKey key) {
  key = (key ^ (key >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  key = (key ^ (key >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return key ^ (key >> 31U);
}

std::size_t shard_of(std::uint64_t hash) {
  return static_cast<std::size_t>(hash >> 56U);
}

}  // namespace

Slot MessageSlab::add(MessageKey key) {
  Slot slot = 0;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    LK_ASSERT(next_ < kNoSlot);
    slot = next_++;
    if (slot / kChunk >= chunks_.size()) {
      owned_.push_back(std::make_unique<std::array<MessageEntry, kChunk>>());
      chunks_.push_back(owned_.back()->data());
    }
  }
  (*this)[slot] = MessageEntry{.key = key};
  const std::uint64_t hash = spread(key);
  Shard& shard = shards_[shard_of(hash)];
  if ((shard.used + 1) * 3 > shard.places.size() * 2) grow(shard);
  const std::size_t mask = shard.places.size() - 1;
  std::size_t place = hash & mask;
  while (shard.places[place] != kNoSlot) {
    LK_ASSERT((*this)[shard.places[place]].key != key);
    place = (place + 1) & mask;
  }
  shard.places[place] = slot;
  ++shard.used;
  ++size_;
  return slot;
}

Slot MessageSlab::find(MessageKey key) const {
  const std::uint64_t hash = spread(key);
  const Shard& shard = shards_[shard_of(hash)];
  if (shard.places.empty()) return kNoSlot;
  const std::size_t mask = shard.places.size() - 1;
  for (std::size_t place = hash & mask;; place = (place + 1) & mask) {
    const Slot slot = shard.places[place];
    if (slot == kNoSlot || (*this)[slot].key == key) return slot;
  }
}

void MessageSlab::remove(Slot slot) {
  const MessageKey key = (*this)[slot].key;
  erase(shards_[shard_of(spread(key))], key);
  free_.push_back(slot);
  --size_;
}

void MessageSlab::grow(Shard& shard) const {
  const std::size_t size = shard.places.empty() ? 4 : shard.places.size() * 2;
  std::vector<Slot> places(size, kNoSlot);
  for (const Slot slot : shard.places) {
    if (slot == kNoSlot) continue;
    std::size_t place = spread((*this)[slot].key) & (size - 1);
    while (places[place] != kNoSlot) place = (place + 1) & (size - 1);
    places[place] = slot;
  }
  shard.places = std::move(places);
}

void MessageSlab::erase(Shard& shard, MessageKey key) {
  const std::size_t mask = shard.places.size() - 1;
  std::size_t hole = spread(key) & mask;
  while ((*this)[shard.places[hole]].key != key) hole = (hole + 1) & mask;
  // Moves back those that probed past the hole, so that no tombstones pile up.
  for (std::size_t place = (hole + 1) & mask; shard.places[place] != kNoSlot;
       place = (place + 1) & mask) {
    const std::size_t home = spread((*this)[shard.places[place]].key) & mask;
    if (((place - home) & mask) < ((place - hole) & mask)) continue;
    shard.places[hole] = shard.places[place];
    hole = place;
  }
  shard.places[hole] = kNoSlot;
  --shard.used;
}

std::size_t MessageSlab::bytes() const {
  std::size_t bytes = owned_.size() * sizeof(std::array<MessageEntry, kChunk>) +
                      (owned_.capacity() + chunks_.capacity()) * sizeof(void*) +
                      free_.capacity() * sizeof(Slot);
  for (const Shard& shard : shards_) bytes += shard.places.capacity() * sizeof(Slot);
  return bytes;
}

}  // namespace latchkey::cloud
