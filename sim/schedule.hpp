#pragma once

#include <cstdint>
#include <vector>

#include "base/sqlite.hpp"
#include "sim/checker.hpp"
#include "sim/controls.hpp"
#include "sim/driver.hpp"
#include "sim/plan.hpp"

namespace latchkey::sim {

/// What a schedule came to.
struct Outcome {
  std::vector<Violation> violations;
  Driver::Counts driver;
  NetworkCounts network;
  Micros virtual_time{};
  std::uint64_t fingerprint = 0;
};

/// The tables in memory, empty; may serve any number of schedules, one after the other.
sqlite::Database make_rows();

/// Lives through the story of `seed`: a storm, then a calm in which everything must come right. The
/// same seed, mode and control give the same story. `trace`: prints it.
Outcome run_schedule(sqlite::Database& rows, std::uint64_t seed, Mode mode,
                     const Control* control = nullptr, bool trace = false);

}  // namespace latchkey::sim
