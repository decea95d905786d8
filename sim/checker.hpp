#pragma once

#include <string>
#include <vector>

#include "sim/history.hpp"

namespace latchkey::sim {

struct Violation {
  std::string invariant;  ///< "I3"
  std::string what;
  UtcTime at{};
};

/// Holds the invariants of a code's life (src/codes/README.md) against what happened. Knows nothing
/// of the programs: it would find the same in anybody's history.
std::vector<Violation> check(const History& history);

}  // namespace latchkey::sim
