#pragma once

#include <atomic>

#include "base/clock.hpp"

namespace latchkey::cloud {

/// The clock that the local cloud lives by: the machine's, until a test moves it. Only what time it
/// is moves: durations within the process (deadlines of connections, pauses) go on as they were.
class MovableClock final : public Clock {
 public:
  /// `real` must outlive this object.
  explicit MovableClock(Clock& real) : real_(real) {}

  UtcTime now() const override { return real_.now() + offset(); }
  SteadyTime steady_now() const override { return real_.steady_now(); }
  Task<> sleep_until(SteadyTime when) override { return real_.sleep_until(when); }

  std::chrono::microseconds offset() const { return std::chrono::microseconds{offset_.load()}; }
  void set_offset(std::chrono::microseconds offset) { offset_ = offset.count(); }
  /// For what others check by their own clocks, such as certificates.
  Clock& real() { return real_; }

 private:
  Clock& real_;
  std::atomic<std::chrono::microseconds::rep> offset_{0};  ///< the stores' threads ask as well
};

}  // namespace latchkey::cloud
