#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/random.hpp"

namespace latchkey::cloud {

/// How long a queue trigger waits after an empty answer: 100 ms at first, then about twice as long
/// each time, a fifth more or less by chance, never more than the app's maxPollingInterval. So an
/// idle app costs little, and many copies do not ask at the same moment.
/// Source: azure-webjobs-sdk, RandomizedExponentialBackoffStrategy.
class PollingDelay {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kMin{100};

  PollingDelay(Milliseconds max, Random& random) : max_(max), random_(random) {}

  /// After messages were found.
  void reset() { round_ = 0; }
  Milliseconds next() {
    const double factor = 0.8 + 0.4 * random_.unit();
    const double steps = std::exp2(round_) - 1;
    const auto delay =
        kMin + Milliseconds(std::llround(static_cast<double>(kMin.count()) * factor * steps));
    if (delay < max_) round_ += 1;
    return std::min(delay, max_);
  }

 private:
  const Milliseconds max_;
  Random& random_;
  double round_ = 0;
};

}  // namespace latchkey::cloud
