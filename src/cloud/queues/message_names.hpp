#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cloud/queues/message_slab.hpp"

/// Message ids and pop receipts as clients see them. Both are computed from what the index holds
/// anyway, so that neither needs a table of its own: an id is a GUID made of the message's key and
/// insertion time, a receipt names its message and carries the message's 64 random bits.
namespace latchkey::cloud {

class MessageNames {
 public:
  /// `seed` belongs to the store and is kept with it: ids of two stores differ.
  explicit MessageNames(std::uint64_t seed) : seed_(seed) {}

  /// A GUID in lower case. A key that is used again after a restart (its message was deleted)
  /// gives another id, as the insertion time differs.
  std::string id(MessageKey key, UtcTime inserted) const;
  /// The key that the id names; whether the rest belongs to the message, `id` must tell.
  std::optional<MessageKey> key_of_id(std::string_view id) const;

  /// Base64 of 16 bytes.
  std::string receipt(MessageKey key, std::uint64_t nonce) const;
  struct Receipt {
    MessageKey key;
    std::uint64_t nonce;
  };
  /// Nullopt when it cannot be a receipt.
  std::optional<Receipt> parse_receipt(std::string_view text) const;

 private:
  std::uint64_t seed_;
};

}  // namespace latchkey::cloud
