#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "base/task.hpp"
#include "base/testing/manual_clock.hpp"

namespace latchkey::azure::testing {

/// A coroutine that a test runs beside itself, step by step.
template <class T>
class Running {
 public:
  Running(IoContext& context, Task<T> task) : state_(std::make_shared<State>()) {
    boost::asio::co_spawn(context, std::move(task),
                          [state = state_](std::exception_ptr problem, T value) {
                            state->problem = std::move(problem);
                            if (!state->problem) state->value.emplace(std::move(value));
                            state->done = true;
                          });
  }
  bool done() const { return state_->done; }
  T take() {
    if (state_->problem) std::rethrow_exception(state_->problem);
    return std::move(state_->value.value());
  }

 private:
  struct State {
    bool done = false;
    std::exception_ptr problem;
    std::optional<T> value;
  };
  std::shared_ptr<State> state_;
};

/// Runs all that can run without time passing.
inline void settle(IoContext& context) {
  context.restart();
  context.poll();
}

/// Runs `task` to its end; whenever nothing can run, time jumps to the next sleeper's.
template <class T>
T run_through(IoContext& context, latchkey::testing::ManualClock& clock, Task<T> task) {
  Running<T> running(context, std::move(task));
  settle(context);
  while (!running.done() && clock.sleepers() > 0) {
    clock.advance(
        std::chrono::ceil<std::chrono::microseconds>(clock.next_wake() - clock.steady_now()));
    settle(context);
  }
  if (!running.done()) throw std::runtime_error("the task waits for something that never comes");
  return running.take();
}

}  // namespace latchkey::azure::testing
