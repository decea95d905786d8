#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.hpp"

namespace latchkey::sim {

using Micros = std::chrono::microseconds;

/// The true time of one schedule, and what is going to happen in it. Time stands still while things
/// happen and jumps to the next event when nothing is left to do, so an hour costs what happens in
/// it. Events of one time happen in the order in which they were planned: the same seed, the same
/// story.
class Timeline {
 public:
  UtcTime now() const { return now_; }
  void at(UtcTime when, std::function<void()> what) {
    events_.emplace(std::pair{std::max(when, now_), order_++}, std::move(what));
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Goes to the next event before `end` and lets it happen; goes to `end` if there is none.
  bool step(UtcTime end) {
    if (events_.empty() || events_.begin()->first.first >= end) {
      now_ = std::max(now_, end);
      return false;
    }
    auto next = events_.extract(events_.begin());
    now_ = next.key().first;
    next.mapped()();
    return true;
  }

 private:
  UtcTime now_{std::chrono::seconds{1'586'969'688}};
  std::uint64_t order_ = 0;
  std::map<std::pair<UtcTime, std::uint64_t>, std::function<void()>> events_;
};

/// A host whose clock is right: the queue service's.
class TrueClock final : public Clock {
 public:
  explicit TrueClock(const Timeline& timeline) : timeline_(timeline) {}
  UtcTime now() const override { return timeline_.now(); }
  SteadyTime steady_now() const override { return SteadyTime{timeline_.now().time_since_epoch()}; }
  Task<> sleep_until(SteadyTime) override { co_return; }

 private:
  const Timeline& timeline_;
};

}  // namespace latchkey::sim
