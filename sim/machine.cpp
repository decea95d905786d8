#include "sim/machine.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <variant>

#include "base/assert.hpp"

namespace latchkey::sim {
namespace asio = boost::asio;

/// An event loop that can be ended as kill -9 ends it.
class Machine::Loop : public IoContext {
 public:
  Loop() : IoContext(1) {}
  /// Destroys every coroutine where it waits.
  void drop_everything() {
    stop();
    shutdown();
  }

 private:
  asio::executor_work_guard<executor_type> work_{get_executor()};
};

Machine::Machine(Timeline& timeline, int number_in, Role role_in, Boot boot)
    : number(number_in), role(role_in), timeline_(timeline), boot_(std::move(boot)) {}

Machine::~Machine() {
  kill();
}

void Machine::start() {
  LK_ASSERT(!up());
  loop_ = std::make_unique<Loop>();
  program_ = boot_(*this);
  spawn(program_->main());
}

void Machine::kill() {
  if (!up()) return;
  loop_->drop_everything();
  program_.reset();
  loop_.reset();
  paused_ = false;
  ready_ = false;
}

void Machine::run() {
  if (!ready_ || paused_ || !up()) return;
  ready_ = false;
  loop_->poll();
}

Executor Machine::executor() {
  return loop_->get_executor();
}

void Machine::spawn(Task<> task) {
  asio::co_spawn(*loop_, std::move(task),
                 [](const std::exception_ptr& problem) { LK_ASSERT(problem == nullptr); });
  ready_ = true;
}

UtcTime Machine::SkewedClock::now() const {
  return machine_.timeline_.now() + machine_.skew;
}

SteadyTime Machine::SkewedClock::steady_now() const {
  return SteadyTime{machine_.timeline_.now().time_since_epoch()};
}

Task<> Machine::SkewedClock::sleep_until(SteadyTime when) {
  const auto delay = std::chrono::ceil<Micros>(when - steady_now());
  if (delay <= Micros{0}) co_return;
  std::function<void(Reply<std::monostate>)> ask = [this, delay](Reply<std::monostate> reply) {
    machine_.timeline_.after(delay, [reply] { reply({}); });
  };
  co_await machine_.wait<std::monostate>(std::move(ask));
}

}  // namespace latchkey::sim
