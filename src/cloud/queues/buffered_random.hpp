#pragma once

#include <array>
#include <cstring>

#include "base/random.hpp"

namespace latchkey::cloud {

/// The same random bytes, drawn in blocks: a receipt and a request id cost no call into the
/// operating system's generator each. What has been given out is wiped. One thread.
class BufferedRandom final : public Random {
 public:
  explicit BufferedRandom(Random& source) : source_(source) {}
  void fill(std::span<std::uint8_t> bytes) override {
    if (bytes.size() > block_.size()) return source_.fill(bytes);
    if (bytes.size() > block_.size() - used_) {
      source_.fill(block_);
      used_ = 0;
    }
    std::memcpy(bytes.data(), block_.data() + used_, bytes.size());
    std::memset(block_.data() + used_, 0, bytes.size());
    used_ += bytes.size();
  }

 private:
  Random& source_;
  std::array<std::uint8_t, 2048> block_{};
  std::size_t used_ = block_.size();
};

}  // namespace latchkey::cloud
