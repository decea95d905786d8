#include "codes/run_all.hpp"

#include <exception>

namespace latchkey::codes {
namespace {

Task<> cancel_after(Grace grace, TaskGroup& group) {
  co_await grace.clock->sleep_for(grace.time);
  group.cancel();
}

}  // namespace

Task<> run_all(Executor executor, std::string name, std::vector<Task<>> tasks, Grace grace) {
  TaskGroup group(executor);
  for (auto& task : tasks) group.spawn(name, std::move(task));
  co_await join_all(group, grace);
}

Task<> join_all(TaskGroup& group, Grace grace, bool* ending) {
  std::exception_ptr cancelled;
  try {
    co_await group.join();
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  if (ending != nullptr) *ending = true;
  // A cancelled coroutine cannot wait for anything: say that this one must, for its children.
  const auto deaf = boost::asio::disable_cancellation();
  co_await boost::asio::this_coro::reset_cancellation_state(deaf);
  TaskGroup limit(co_await boost::asio::this_coro::executor);
  if (grace.time.count() > 0) {
    limit.spawn("grace", cancel_after(grace, group));
  } else {
    group.cancel();
  }
  co_await group.join();
  limit.cancel();
  co_await limit.join();
  std::rethrow_exception(cancelled);
}

}  // namespace latchkey::codes
