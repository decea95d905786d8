#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

/// Randomness is injected, so that a simulation replays from its seed.
namespace latchkey {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  std::uint64_t next_u64();
  /// Uniform in [0, bound), without modulo bias (rejection). `bound` must not be 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// `count` random bytes as lower-case hex.
  std::string hex(std::size_t count);
  /// A version 4 UUID in lower case.
  std::string uuid();
};

/// The operating system's generator through OpenSSL (RAND_bytes); one instance serves all threads.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace latchkey
