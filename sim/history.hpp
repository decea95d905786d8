#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "codes/code_table.hpp"
#include "sim/timeline.hpp"

/// What happened in a schedule, by the true time, seen by somebody who sees everything. The checker
/// reads this and nothing else.
namespace latchkey::sim {

/// A code, by its key in the table.
using Life = Sha256;
/// A row's state; nullopt: there is no row.
using RowState = std::optional<codes::CodeState>;

struct Event {
  enum class Kind : std::uint8_t {
    row,        ///< the row of `life` went `from` -> `to`
    attempt,    ///< the table took a verification: `verdict` is its outcome, `reason` why
    issued,     ///< an issue was answered with success: `to` is its row, `count` its messages
    verified,   ///< a verification was answered
    revoked,    ///< a revocation was answered with yes
    message,    ///< messages of `life` in the queue are now `count`
    malformed,  ///< a malformed message was delivered for the `count`th time
    leak,       ///< a code stood in a log line or an audit event
    fault,      ///< `reason` says which
    calm,       ///< faults are over
    settled,    ///< back-offs are over too: from here on everything is prompt
    drained,    ///< the end; `count` messages are in the queue
    swept       ///< an hour later, after a sweep; `count` rows are left
  } kind{};
  UtcTime at{};  ///< the true time
  int machine = -1;
  Life life{};
  RowState from{};
  RowState to{};
  UtcTime asked{};    ///< the true time at which the call or request was made
  UtcTime expires{};  ///< of the row
  codes::Binding binding{};
  std::string verdict{};
  std::string reason{};  ///< for `row`: the table's call
  std::string group{};   ///< caller and idempotency key of a verification; empty without a key
  std::int64_t count = 0;
};
std::string to_text(const Event& event);

/// What the checker must know of the settings.
struct Settings {
  std::chrono::milliseconds clock_error{};  ///< e
  std::chrono::milliseconds work_visibility{};
  std::chrono::milliseconds poll_max{};
  std::chrono::milliseconds restart_max{};
  std::int64_t attempts_per_code = 5;
  std::int64_t deliveries_max = 5;
  std::set<int> producers{};  ///< the machines that issue
  bool pending_rows = true;   ///< the producer is ours
  bool one_message = true;    ///< messages are hidden by update, not sent again
  bool only_crashes = false;  ///< no other faults in this schedule
};

struct History {
  Settings settings;
  std::vector<Event> events;

  void add(Event event) { events.push_back(std::move(event)); }
  /// A number that differs when anything differs.
  std::uint64_t fingerprint() const;
};

}  // namespace latchkey::sim
