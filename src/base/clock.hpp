#pragma once

#include <chrono>

#include "base/task.hpp"

/// Time is injected, so that a code's ten minutes pass in a millisecond of a test.
namespace latchkey {

/// Wall clock time, UTC.
using UtcTime = std::chrono::sys_time<std::chrono::microseconds>;
/// Time that never jumps: for deadlines and durations within one process.
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UtcTime now() const = 0;
  virtual SteadyTime steady_now() const = 0;
  /// Waits on the caller's executor. Cancellation unwinds by operation_aborted.
  virtual Task<> sleep_until(SteadyTime when) = 0;
  Task<> sleep_for(std::chrono::steady_clock::duration how_long) {
    return sleep_until(steady_now() + how_long);
  }
};

/// The machine's clocks. Stateless; one instance serves all threads.
class SystemClock final : public Clock {
 public:
  UtcTime now() const override;
  SteadyTime steady_now() const override;
  Task<> sleep_until(SteadyTime when) override;
};

}  // namespace latchkey
