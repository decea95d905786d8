#include "codes/code_id.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace latchkey::codes {

std::string make_code_id(UtcTime now, Random& random) {
  const auto since_1970 = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
  const auto milliseconds = static_cast<std::uint64_t>(since_1970.count()) & 0xFFFF'FFFF'FFFFU;
  const std::uint64_t a = random.next_u64() & 0x0FFFU;
  const std::uint64_t b = random.next_u64();
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", milliseconds >> 16U,
                     milliseconds & 0xFFFFU, a, (b >> 48U & 0x3FFFU) | 0x8000U,
                     b & 0xFFFF'FFFF'FFFFU);
}

}  // namespace latchkey::codes
