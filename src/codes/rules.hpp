#pragma once

#include <chrono>
#include <optional>

#include "base/clock.hpp"
#include "codes/code_table.hpp"

/// What the watcher does with a message: a pure function of the message's times and now.
namespace latchkey::codes {

/// Messages, and rows whose message is lost, outlive their code by so much more than the clocks'
/// error: watchers that come back within it still tidy up by the message, the sweep comes later.
inline constexpr std::chrono::seconds kMessageMargin{3600};

struct LifetimeRules {
  std::chrono::milliseconds lifetime{600'000};
  /// Every host's clock is right within this (e). Rows and messages outlive their code by 2e.
  std::chrono::milliseconds clock_error_max{1'000};
  std::int64_t dequeue_count_max = 5;

  std::chrono::milliseconds spread() const { return 2 * clock_error_max; }
};

/// The time of issue that counts: the message's own timestamp, bounded by the queue's insertion
/// time when the two differ by more than the allowed error (a wrong producer clock cannot prolong a
/// code).
UtcTime effective_issue_time(UtcTime timestamp, UtcTime insertion_time, const LifetimeRules& rules);

struct Decision {
  enum class Action {
    activate_and_hide,  ///< set VALID if PENDING, then hide for `hide_for`
    hide,               ///< over, but not yet safe to forget: hide for `hide_for`
    forget,             ///< delete the row, then the message
    poison,             ///< copy to <queue>-poison, then delete
  } action = Action::forget;
  std::chrono::seconds hide_for{0};
};

/// `issued` is nullopt for a message that cannot be parsed.
Decision decide(std::optional<UtcTime> issued, std::int64_t dequeue_count, UtcTime now,
                const LifetimeRules& rules);

}  // namespace latchkey::codes
