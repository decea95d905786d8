#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// SHA-256 and HMAC-SHA-256, by OpenSSL; SHA-1 where a protocol names things by it.
namespace latchkey {

using Sha256 = std::array<std::uint8_t, 32>;

using Sha1 = std::array<std::uint8_t, 20>;

Sha256 sha256(std::string_view data);
/// For names only (x5t, RFC 7515 section 4.1.7): it protects nothing any more.
Sha1 sha1(std::string_view data);
Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::string_view data);

}  // namespace latchkey
