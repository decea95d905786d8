#pragma once

#include <map>
#include <memory>

#include "base/clock.hpp"

namespace latchkey::testing {

/// A clock that stands still until a test moves it. Sleepers wake, in the order of their times,
/// when `advance` passes them. For one thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UtcTime start = UtcTime{std::chrono::seconds{1'586'969'688}});
  ~ManualClock() override;

  UtcTime now() const override { return now_; }
  SteadyTime steady_now() const override { return steady_; }
  Task<> sleep_until(SteadyTime when) override;

  /// Moves both clocks and wakes the sleepers whose time has come.
  void advance(std::chrono::microseconds by);
  /// Moves the wall clock only, as an operator or NTP may.
  void jump(std::chrono::microseconds by) { now_ += by; }
  /// How many coroutines sleep on this clock now.
  std::size_t sleepers() const;
  /// When the next sleeper is due; `SteadyTime::max()` when nobody sleeps.
  SteadyTime next_wake() const;

 private:
  struct Sleeper;
  UtcTime now_;
  SteadyTime steady_{std::chrono::hours{1}};
  std::multimap<SteadyTime, Sleeper*> sleepers_;
};

}  // namespace latchkey::testing
