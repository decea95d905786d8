#include "codes/run_all.hpp"

#include <exception>

namespace latchkey::codes {

Task<> run_all(Executor executor, std::string name, std::vector<Task<>> tasks) {
  TaskGroup group(executor);
  for (auto& task : tasks) group.spawn(name, std::move(task));
  std::exception_ptr cancelled;
  try {
    co_await group.join();
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  // A cancelled coroutine cannot wait for anything: say that this one must, for its children.
  const auto deaf = boost::asio::disable_cancellation();
  co_await boost::asio::this_coro::reset_cancellation_state(deaf);
  group.cancel();
  co_await group.join();
  std::rethrow_exception(cancelled);
}

}  // namespace latchkey::codes
