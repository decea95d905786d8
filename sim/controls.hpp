#pragma once

#include <span>
#include <string_view>

#include "sim/plan.hpp"

namespace latchkey::sim {

/// A negative control: our protocol with one of its mechanisms taken away. The simulation is worth
/// something only as long as it finds each of them out, by the invariant that the mechanism serves.
struct Control {
  std::string_view name;
  std::string_view removes;
  std::string_view invariant;
  Mode mode = Mode::ours;
  void (*apply)(Plan& plan) = nullptr;
};

std::span<const Control> controls();
const Control* find_control(std::string_view name);

}  // namespace latchkey::sim
