#include "base/testing/manual_clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace latchkey::testing {
namespace asio = boost::asio;

struct ManualClock::Sleeper {
  explicit Sleeper(Executor executor) : timer(executor, asio::steady_timer::time_point::max()) {}
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer;
  bool due = false;
};

ManualClock::ManualClock(UtcTime start) : now_(start) {}
ManualClock::~ManualClock() = default;

Task<> ManualClock::sleep_until(SteadyTime when) {
  if (when <= steady_) co_return;
  auto executor = co_await asio::this_coro::executor;
  Sleeper sleeper(executor);
  auto place = sleepers_.emplace(when, &sleeper);
  auto [error] = co_await sleeper.timer.async_wait(use_task_tuple);
  (void)error;
  if (!sleeper.due) {  // Cancelled from outside: `advance` has not taken us off the list.
    sleepers_.erase(place);
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

void ManualClock::advance(std::chrono::microseconds by) {
  now_ += by;
  steady_ += by;
  while (!sleepers_.empty() && sleepers_.begin()->first <= steady_) {
    Sleeper* sleeper = sleepers_.begin()->second;
    sleepers_.erase(sleepers_.begin());
    sleeper->due = true;
    sleeper->timer.cancel();
  }
}

std::size_t ManualClock::sleepers() const {
  return sleepers_.size();
}

SteadyTime ManualClock::next_wake() const {
  return sleepers_.empty() ? SteadyTime::max() : sleepers_.begin()->first;
}

}  // namespace latchkey::testing
