#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Text forms of bytes. Decoders give nullopt for anything that their alphabet does not allow.
namespace latchkey {

using Bytes = std::vector<std::uint8_t>;

std::string to_hex(std::span<const std::uint8_t> bytes);  ///< lower case
std::optional<Bytes> from_hex(std::string_view text);     ///< either case

std::string to_base64(std::span<const std::uint8_t> bytes);  ///< RFC 4648 section 4, padded
std::string to_base64(std::string_view bytes);
std::optional<Bytes> from_base64(std::string_view text);  ///< padding required

std::string to_base64url(std::span<const std::uint8_t> bytes);  ///< section 5, no padding
std::string to_base64url(std::string_view bytes);
std::optional<Bytes> from_base64url(std::string_view text);  ///< padding optional

/// Percent-encodes all but RFC 3986 "unreserved" characters.
std::string percent_encode(std::string_view text);
/// Nullopt when a '%' is not followed by two hex digits. A '+' stays a '+'.
std::optional<std::string> percent_decode(std::string_view text);
/// As percent_decode, with '+' read as a blank: application/x-www-form-urlencoded.
std::optional<std::string> form_decode(std::string_view text);

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// True for well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace latchkey
