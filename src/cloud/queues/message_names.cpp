#include "cloud/queues/message_names.hpp"

#include <array>
#include <bit>

#include "base/encoding.hpp"

namespace latchkey::cloud {
namespace {

// An odd number and its inverse modulo 2^64: multiplying by one undoes the other.
constexpr std::uint64_t kFactor = 0x9E37'79B9'7F4A'7C15U;
constexpr std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;  // Newton: right bits double with each step.
  for (int step = 0; step < 6; ++step) inverse *= 2 - odd * inverse;
  return inverse;
}
constexpr std::uint64_t kInverse = inverse_of(kFactor);
static_assert(kFactor * kInverse == 1);

std::uint64_t veil(MessageKey key, std::uint64_t seed) {
  return std::rotl(key * kFactor, 32) * kFactor ^ seed;
}
MessageKey unveil(std::uint64_t veiled, std::uint64_t seed) {
  return std::rotr((veiled ^ seed) * kInverse, 32) * kInverse;
}

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 33U)) * 0xFF51'AFD7'ED55'8CCDU;
  value = (value ^ (value >> 33U)) * 0xC4CE'B9FE'1A85'EC53U;
  return value ^ (value >> 33U);
}

using Sixteen = std::array<std::uint8_t, 16>;

void store(Sixteen& bytes, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[at + i] = static_cast<std::uint8_t>(value >> (56U - 8U * i));
  }
}
std::uint64_t load(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8U | bytes[i];
  return value;
}

constexpr std::string_view kHex = "0123456789abcdef";
bool dash_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Sixteen> parse_guid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Sixteen bytes{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = hex_value(text[at++]);
    const int low = hex_value(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return bytes;
}

}  // namespace

// Bytes 0-5 and the low 12 bits of 6-7 are the veiled key's upper 60 bits, around the GUID's
// version; its last 4 bits follow the variant; the rest is a digest of key and insertion time.
std::string MessageNames::id(MessageKey key, UtcTime inserted) const {
  const std::uint64_t veiled = veil(key, seed_);
  const std::uint64_t digest =
      mix(veiled ^ mix(static_cast<std::uint64_t>(inserted.time_since_epoch().count()) ^ seed_));
  Sixteen bytes{};
  store(bytes, 0, (veiled & ~std::uint64_t{0xFFFF}) | 0x4000U | (veiled >> 4U & 0xFFFU));
  store(bytes, 8, std::uint64_t{2} << 62U | (veiled & 0xFU) << 58U | digest >> 6U);
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i)) text.push_back('-');
    text.push_back(kHex[bytes[i] >> 4U]);
    text.push_back(kHex[bytes[i] & 0xFU]);
  }
  return text;
}

std::optional<MessageKey> MessageNames::key_of_id(std::string_view id) const {
  const auto bytes = parse_guid(id);
  if (!bytes) return std::nullopt;
  const std::uint64_t first = load(bytes->data());
  const std::uint64_t second = load(bytes->data() + 8);
  const std::uint64_t veiled =
      (first & ~std::uint64_t{0xFFFF}) | (first & 0xFFFU) << 4U | (second >> 58U & 0xFU);
  return unveil(veiled, seed_);
}

std::string MessageNames::receipt(MessageKey key, std::uint64_t nonce) const {
  Sixteen bytes{};
  store(bytes, 0, veil(key, ~seed_));
  store(bytes, 8, nonce);
  return to_base64(bytes);
}

std::optional<MessageNames::Receipt> MessageNames::parse_receipt(std::string_view text) const {
  if (text.size() != 24) return std::nullopt;
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != 16) return std::nullopt;
  return Receipt{.key = unveil(load(bytes->data()), ~seed_), .nonce = load(bytes->data() + 8)};
}

}  // namespace latchkey::cloud
