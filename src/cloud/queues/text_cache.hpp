#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "cloud/queues/message_slab.hpp"

namespace latchkey::cloud {

/// Shared with the writer's thread, which reads it only.
using MessageText = std::shared_ptr<const std::string>;

/// The texts of recent messages, so that a message that is taken soon after it came costs no read.
/// Bounded by bytes; the oldest go first. What is not here is in the journal.
class TextCache {
 public:
  explicit TextCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void put(MessageKey key, MessageText text);
  /// Null when it is not here.
  MessageText find(MessageKey key) const;
  void erase(MessageKey key);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Item {
    MessageKey key;
    MessageText text;
  };
  static std::size_t cost(const Item& item);
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Item> items_;  ///< oldest first
  std::unordered_map<MessageKey, std::list<Item>::iterator> places_;
};

}  // namespace latchkey::cloud
