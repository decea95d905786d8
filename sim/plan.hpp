#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/network.hpp"
#include "sim/programs.hpp"

namespace latchkey::sim {

/// How codes are made and watched in a schedule.
enum class Mode {
  ours,       ///< pending rows, messages hidden by update
  resend,     ///< pending rows, messages sent again and deleted
  seed_mode,  ///< a foreign producer: the watcher inserts what only the queue knows
  toggle      ///< the walkthrough's pseudo-code
};
std::optional<Mode> mode_from(std::string_view name);
const char* to_string(Mode mode);

/// What a seed decides before anything happens: how many machines, how long things take, how bad
/// the weather gets.
struct Plan {
  Mode mode = Mode::ours;
  int apis = 1;
  int watchers = 1;
  int verifiers = 1;
  Setup setup;
  int codes = 5;
  int crashes = 0;
  int pauses = 0;
  int outages = 0;
  int clock_steps = 0;
  bool update_denied = false;         ///< the watchers' role does not allow Update Message
  std::optional<Micros> wrong_clock;  ///< of one watcher: beyond what it can do work with
  Weather storm;
  Micros storm_length{};
  bool only_crashes = false;
  bool restart_when_calm = true;  ///< else the watchers' back-off must end by itself
  bool sweep = false;             ///< also looks at the table an hour later
};

Plan make_plan(Mode mode, Dice dice);
std::string to_text(const Plan& plan);

}  // namespace latchkey::sim
