#pragma once

#include "sim/capacity/azure_model.hpp"
#include "sim/capacity/plan.hpp"

namespace latchkey::sim::capacity {

/// What a plan came to when the real issuers, watchers and verifiers lived it.
struct Played {
  Counts counts;           ///< of `seconds` in the steady state
  double seconds = 0;      ///< virtual
  double part = 1;         ///< of the plan's load and of its limits that was played
  double lag_seconds = 0;  ///< from row to VALID, the mean
};

/// Plays `plan` with `overload` times its load, in virtual time. Of many queues two are played,
/// with their part of the load and of what the accounts give: queues do not know of each other.
Played play(const Plan& plan, const Facts& facts, double overload = 1);

}  // namespace latchkey::sim::capacity
