#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/hash.hpp"
#include "base/secret.hpp"

namespace latchkey::codes {

/// The table never holds a code: its key is HMAC-SHA-256(pepper, code), so that a copy of the table
/// gives nobody a code. The pepper is a Key Vault secret; its version is the key id.
///
/// The purpose is not part of the key: the queue message says code and timestamp only, so the
/// watcher could not find the row of a code that was issued for a purpose. Subject and purpose are
/// columns of the row, and the consuming statement compares both.
class CodeHasher {
 public:
  CodeHasher(Secret pepper, std::string key_id)
      : pepper_(std::move(pepper)), key_id_(std::move(key_id)) {}
  Sha256 hash(std::string_view code) const;
  const std::string& key_id() const { return key_id_; }

 private:
  Secret pepper_;
  std::string key_id_;
};

}  // namespace latchkey::codes
