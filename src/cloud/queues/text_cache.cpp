#include "cloud/queues/text_cache.hpp"

#include <utility>

namespace latchkey::cloud {
namespace {
// What an item takes besides its text: list node, map node and bucket, shared string.
constexpr std::size_t kOverhead = 176;
}  // namespace

std::size_t TextCache::cost(const Item& item) {
  return item.text->size() + kOverhead;
}

void TextCache::put(MessageKey key, MessageText text) {
  erase(key);
  items_.push_back({.key = key, .text = std::move(text)});
  places_.emplace(key, std::prev(items_.end()));
  bytes_ += cost(items_.back());
  while (bytes_ > bytes_max_) erase(items_.front().key);
}

MessageText TextCache::find(MessageKey key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : found->second->text;
}

void TextCache::erase(MessageKey key) {
  const auto found = places_.find(key);
  if (found == places_.end()) return;
  bytes_ -= cost(*found->second);
  items_.erase(found->second);
  places_.erase(found);
}

}  // namespace latchkey::cloud
