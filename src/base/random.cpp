#include "base/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/assert.hpp"
#include "base/encoding.hpp"

namespace latchkey {

std::uint64_t Random::next_u64() {
  std::array<std::uint8_t, 8> bytes{};
  fill(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  LK_ASSERT(bound > 0);
  const std::uint64_t threshold = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t value = next_u64();
    if (value >= threshold) return value % bound;
  }
}

double Random::unit() {
  return static_cast<double>(next_u64() >> 11U) * 0x1.0p-53;
}

std::string Random::hex(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  fill(bytes);
  return to_hex(bytes);
}

std::string Random::uuid() {
  std::array<std::uint8_t, 16> bytes{};
  fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
  std::string text = to_hex(bytes);
  for (std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  LK_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace latchkey
