#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/secret.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

/// One version of the Key Vault secret that keys the hashes.
struct Pepper {
  std::string key_id{};  ///< the secret's version
  Secret value{};
  UtcTime created{};  ///< by the vault's clock
};

/// The table never holds a code: its key is HMAC-SHA-256(pepper, code), so that a copy of the table
/// gives nobody a code.
///
/// Rotation: a new version of the secret is used for new codes only when it is kPepperSettle old,
/// by when every copy has read it (they look every kPepperRefresh); an old one keeps verifying
/// until the last code that may have been issued under it is gone. So no copy ever meets a code
/// that it cannot find, and nobody has to restart.
///
/// The purpose is not part of the key: decision 0004.
class CodeHasher {
 public:
  static constexpr std::chrono::seconds kPepperRefresh{60};
  static constexpr std::chrono::seconds kPepperSettle{180};
  /// An old pepper is kept so much longer than a code can live: the sweep's margin.
  static constexpr std::chrono::seconds kPepperKept{600 + 3600 + 60};

  /// At least one; in any order.
  explicit CodeHasher(std::vector<Pepper> peppers);
  /// A single pepper that was always there.
  CodeHasher(Secret pepper, std::string key_id);
  /// What the vault has now. An empty list changes nothing.
  void replace(std::vector<Pepper> peppers);

  struct NewKey {
    Sha256 key{};
    std::string key_id{};
  };
  /// For a code that is issued now.
  NewKey hash_new(std::string_view code, UtcTime now) const;
  /// All keys under which a living code may be stored, newest first; one but for the hour after a
  /// rotation.
  CodeKeys hash_all(std::string_view code, UtcTime now) const;
  /// A key for another use, derived from the newest settled pepper: HMAC(pepper, label NUL data).
  Sha256 derive(std::string_view label, std::string_view data, UtcTime now) const;
  CodeKeys derive_all(std::string_view label, std::string_view data, UtcTime now) const;

 private:
  std::size_t current(UtcTime now) const;
  std::vector<Pepper> peppers_;  ///< newest first
};

}  // namespace latchkey::codes
