#pragma once

#include <random>

#include "base/random.hpp"

namespace latchkey::testing {

/// Replays from its seed. Never for anything that must be unguessable.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_() & 0xFFU);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace latchkey::testing
