#include "base/task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace latchkey {
namespace asio = boost::asio;

struct TaskGroup::State {
  explicit State(Executor executor_in)
      : executor(executor_in), ended(executor_in, asio::steady_timer::time_point::max()) {}
  Executor executor;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      ended;
  std::list<asio::cancellation_signal> running;
};

namespace {
bool is_cancellation(const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

std::string text_of(const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}
}  // namespace

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(executor)) {}

TaskGroup::~TaskGroup() {
  LK_ASSERT(state_->running.empty() || state_->executor.context().stopped());
}

void TaskGroup::spawn(std::string name, Task<> task) {
  auto signal = state_->running.emplace(state_->running.end());
  asio::co_spawn(state_->executor, std::move(task),
                 asio::bind_cancellation_slot(
                     signal->slot(),
                     [state = state_, signal, name = std::move(name)](const std::exception_ptr& p) {
                       state->running.erase(signal);
                       if (p && !is_cancellation(p)) {
                         log::error("task_failed", {{"task", name}, {"problem", text_of(p)}});
                       }
                       if (state->running.empty()) state->ended.cancel();
                     }));
}

void TaskGroup::cancel() {
  // On the executor only: from elsewhere Asio 1.81 would post each cancellation to a signal that
  // may be gone when it arrives, and ends the program for a coroutine that has not begun yet.
  asio::dispatch(state_->executor, [state = state_] {
    // A task may end, and leave the list, while it is told to: step on before emitting.
    for (auto it = state->running.begin(); it != state->running.end();) {
      auto current = it++;
      current->emit(asio::cancellation_type::all);
    }
  });
}

Task<> TaskGroup::join() {
  auto state = state_;
  while (!state->running.empty()) {
    auto [error] = co_await state->ended.async_wait(use_task_tuple);
    (void)error;
  }
}

std::size_t TaskGroup::size() const {
  return state_->running.size();
}

void run_to_end(IoContext& context, Task<> task) {
  std::exception_ptr problem;
  bool done = false;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr p) {
    problem = std::move(p);
    done = true;
    context.stop();
  });
  context.restart();
  context.run();
  LK_ASSERT(done);
  context.restart();
  if (problem) std::rethrow_exception(problem);
}

}  // namespace latchkey
