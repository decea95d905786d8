#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <string>

/// Coroutines: Asio's awaitable with the executor's type known, so that no call is virtual.
///
/// The rules that keep coroutines safe are in docs/decisions/0002-clang-only.md and HACKING.md:
/// named locals in a `co_await` expression, parameters by value or owned elsewhere, no capturing
/// lambda coroutines, every spawned task has an owner that waits for it.
namespace latchkey {

using IoContext = boost::asio::io_context;
using Executor = boost::asio::io_context::executor_type;

/// A coroutine that yields a T. Cancellation unwinds it by boost::system::system_error
/// (operation_aborted), which is no failure.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

/// Completion token: await the operation, throw its error.
inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};
/// Completion token: await the operation, give back (error_code, results...).
inline constexpr boost::asio::as_tuple_t<boost::asio::use_awaitable_t<Executor>> use_task_tuple{
    use_task};

/// Owns coroutines that run beside each other on one executor; whoever owns the group can cancel
/// them and wait until the last one has ended. Not for use across threads: call everything on the
/// executor's thread.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();  // Asserts that all tasks have ended.
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task`. An exception that leaves it (other than cancellation) is logged as an internal
  /// error under `name` and ends that task only.
  void spawn(std::string name, Task<> task);
  /// Asks all running tasks to end; returns at once.
  void cancel();
  /// Waits until no task runs.
  Task<> join();
  /// How many tasks run now.
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Runs `task` to its end on `context` from an ordinary function (tests, command line). Rethrows.
void run_to_end(IoContext& context, Task<> task);

}  // namespace latchkey
