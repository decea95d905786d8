#include "azure/single_flight.hpp"

#include <utility>

#include "base/assert.hpp"

namespace latchkey::azure {
namespace {

/// Keeps a group whose last task has left its coroutine until the group has heard of it, which
/// takes at most one more turn of the executor.
class Keeper {
 public:
  Keeper(std::unique_ptr<TaskGroup> group, Executor executor)
      : group_(std::move(group)), executor_(executor) {}
  Keeper(Keeper&&) = default;
  Keeper& operator=(Keeper&&) = delete;
  ~Keeper() {
    // Destroyed with the io_context, which will not run anything any more: tell the group so.
    if (group_ && group_->size() > 0) executor_.context().stop();
  }
  void operator()() {
    if (group_->size() > 0) {
      const Executor executor = executor_;
      executor.post(std::move(*this), std::allocator<void>());
    }
  }

 private:
  std::unique_ptr<TaskGroup> group_;
  Executor executor_;
};

}  // namespace

/// Shared by the owner and the running task. The last of the two to go retires the group.
struct SingleFlight::Hold {
  explicit Hold(Executor executor_in)
      : executor(executor_in), group(std::make_unique<TaskGroup>(executor_in)) {}
  ~Hold() {
    if (group->size() == 0) return;
    executor.post(Keeper(std::move(group), executor), std::allocator<void>());
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  Executor executor;
  std::unique_ptr<TaskGroup> group;
  bool begun = false;  ///< what was started last has made its first step
  bool cancelled = false;
};

SingleFlight::SingleFlight(Executor executor) : hold_(std::make_shared<Hold>(executor)) {}

void SingleFlight::cancel() {
  hold_->cancelled = true;
  // Work that waits for its first step ends there by itself; Asio 1.81 would let the cancellation
  // of a coroutine that has not begun escape from the io_context.
  if (hold_->begun) hold_->group->cancel();
}

bool SingleFlight::running() const {
  return hold_->group->size() > 0;
}

void SingleFlight::start(std::string name, Task<> work) {
  LK_ASSERT(!running() && !hold_->cancelled);
  hold_->begun = false;
  hold_->group->spawn(std::move(name), run(std::move(work), hold_));
}

Task<> SingleFlight::run(Task<> work, std::shared_ptr<Hold> hold) {
  if (hold->cancelled) co_return;
  hold->begun = true;
  co_await std::move(work);
}

Task<> SingleFlight::wait() const {
  return join(hold_);
}

Task<> SingleFlight::join(std::shared_ptr<Hold> hold) {
  co_await hold->group->join();
}

}  // namespace latchkey::azure
