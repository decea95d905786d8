#include "codes/rules.hpp"

#include <algorithm>

namespace latchkey::codes {
namespace {
using std::chrono::ceil;
using std::chrono::seconds;

/// Queue Storage writes InsertionTime in whole seconds, rounded down.
constexpr seconds kInsertionGranularity{1};
/// The longest visibility timeout of Queue Storage.
constexpr seconds kHideMax{7 * 24 * 3600};
/// Between "over" and "safe to forget" the message is looked at once a second.
constexpr seconds kHideBetween{1};

}  // namespace

UtcTime effective_issue_time(UtcTime timestamp, UtcTime insertion_time,
                             const LifetimeRules& rules) {
  const auto latest = insertion_time + kInsertionGranularity + rules.clock_error_max;
  return timestamp > latest ? insertion_time : timestamp;
}

Decision decide(std::optional<UtcTime> issued, std::int64_t dequeue_count, UtcTime now,
                const LifetimeRules& rules) {
  using Action = Decision::Action;
  if (!issued) return {.action = Action::poison};
  const auto remaining = *issued + rules.lifetime - now;
  if (remaining <= -rules.spread()) return {.action = Action::forget};
  // A code that is over cannot do harm however often its message came: only while there is
  // something to make valid does a high count mean that we fail at it again and again.
  if (remaining <= remaining.zero()) return {.action = Action::hide, .hide_for = kHideBetween};
  if (dequeue_count > rules.dequeue_count_max) return {.action = Action::poison};
  const seconds hide_for = ceil<seconds>(remaining) + ceil<seconds>(rules.spread());
  return {.action = Action::activate_and_hide, .hide_for = std::min(hide_for, kHideMax)};
}

}  // namespace latchkey::codes
