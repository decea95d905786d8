#pragma once

#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite.hpp"

namespace latchkey::cloud {

/// Seals what cloud.db keeps of other people's secrets, so that a copy of the file alone tells
/// nothing. Each text is sealed for one place ("secret/VAULT/NAME/VERSION"): moved to another, it
/// does not open. One thread.
class StoreKey {
 public:
  /// `key` comes from the data folder's keys/store-key. `random` must outlive this object.
  StoreKey(const Sha256& key, Random& random) : key_(key), random_(random) {}

  std::string seal(std::string_view place, std::string_view plain) const;
  /// Error: storage (StoreKeyMismatch: sealed under another key, for another place, or damaged).
  Result<Secret> open(std::string_view place, std::string_view sealed) const;

  /// Whether this is the key under which `database` was sealed so far; the first one is remembered.
  /// Needs prepare_settings. Error: storage (StoreKeyMismatch), which says the way out.
  Result<> check(sqlite::Database& database) const;

 private:
  Sha256 key_;
  Random& random_;
};

}  // namespace latchkey::cloud
