#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "base/random.hpp"

/// Text that only the holder of a key can read or make: AES-256-GCM (NIST SP 800-38D), by OpenSSL.
namespace latchkey {

/// The sealed text: nonce (12 bytes of `random`), ciphertext, tag (16 bytes). With random nonces
/// one key may seal up to 2^32 texts (SP 800-38D section 8.3).
std::string seal(const Sha256& key, std::string_view plain, Random& random);

/// Nullopt for what was not sealed under this key, or was altered.
std::optional<std::string> open_sealed(const Sha256& key, std::string_view sealed);

}  // namespace latchkey
