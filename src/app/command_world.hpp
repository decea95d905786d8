#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "app/world.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

/// What a command runs in: clocks, randomness, event loops, signals.
namespace latchkey::app {

/// A thread with an event loop of its own. Work comes to it by co_spawn on `executor()`.
class LoopThread {
 public:
  LoopThread();
  /// Stops the loop: what still runs on it is dropped, so stop that first.
  ~LoopThread();
  Executor executor() { return context_.get_executor(); }

 private:
  IoContext context_{1};
  boost::asio::executor_work_guard<Executor> work_;
  std::thread thread_;
};

/// Runs `task` on another loop and comes back to the caller's with its result.
template <class T>
Task<T> run_on(Executor other, Task<T> task) {
  co_return co_await boost::asio::co_spawn(other, std::move(task), use_task);
}

class CommandWorld {
 public:
  explicit CommandWorld(TracerOptions tracer = {}) : tracer_(tracer, clock_, random_) {}
  /// Runs the command's coroutine on the calling thread's loop; its result is the exit code.
  int run(const std::function<Task<int>(World)>& command);
  World world() { return {context_.get_executor(), clock_, random_, metrics_, tracer_}; }
  Clock& clock() { return clock_; }
  Random& random() { return random_; }

 private:
  IoContext context_{1};
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  Tracer tracer_;
};

/// SIGINT and SIGTERM, from its construction on: one that comes while a command still starts is not
/// lost and does not kill it half-way.
class StopSignal {
 public:
  explicit StopSignal(Executor executor) : signals_(executor, SIGINT, SIGTERM) {}
  /// Ends when one has come.
  Task<> wait() { co_await signals_.async_wait(use_task); }

 private:
  boost::asio::basic_signal_set<Executor> signals_;
};

/// Says `error` on standard error as one line, "latchkey: ...", and gives the exit code: 2 for what
/// the user can mend in the call (invalid_argument), else 1.
int report(const Error& error);

inline constexpr std::chrono::seconds kStopGrace{5};

}  // namespace latchkey::app
