#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/task.hpp"
#include "sim/timeline.hpp"

namespace latchkey::sim {

class Machine;

/// What runs on a machine; made anew whenever it starts, gone with all its memory when it is
/// killed.
class Program {
 public:
  virtual ~Program() = default;
  /// Runs from the start; what ends by itself is no failure.
  virtual Task<> main() { co_return; }
};

/// Where the world's answer to one waiting coroutine goes. The first answer counts; an answer to a
/// machine that was killed meanwhile goes nowhere.
template <class T>
class Reply {
 public:
  struct Waiting {
    explicit Waiting(Executor executor)
        : timer(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        timer;
    std::optional<T> answer;
  };
  Reply(Machine& machine, const std::shared_ptr<Waiting>& waiting)
      : machine_(&machine), waiting_(waiting) {}
  void operator()(T answer) const;

 private:
  Machine* machine_;
  std::weak_ptr<Waiting> waiting_;
};

/// One simulated process: an event loop, a clock that is a little wrong, and a program. It runs in
/// no time; only what it asks of the world takes some. Paused (SIGSTOP) it does not run, though
/// what it asked for happens and is there when it goes on. Killed (kill -9) it unwinds nothing: its
/// coroutines are dropped where they stand.
class Machine {
 public:
  enum class Role { api, watcher, verifier };
  using Boot = std::function<std::unique_ptr<Program>(Machine&)>;

  Machine(Timeline& timeline, int number, Role role, Boot boot);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const int number;
  const Role role;
  /// How far its wall clock is ahead of the truth.
  Micros skew{0};

  void start();
  void kill();
  void pause() { paused_ = true; }
  void resume() { paused_ = false; }
  bool up() const { return loop_ != nullptr; }
  bool paused() const { return paused_; }
  /// Lets it run until it waits for the world.
  void run();

  Clock& clock() { return clock_; }
  Executor executor();
  template <class T>
  T& program() {
    return dynamic_cast<T&>(*program_);
  }
  void spawn(Task<> task);

  /// For the running program: asks the world for something and waits for the reply.
  template <class T>
  Task<T> wait(std::function<void(Reply<T>)> ask);

 private:
  template <class T>
  friend class Reply;
  class Loop;
  class SkewedClock final : public Clock {
   public:
    explicit SkewedClock(Machine& machine) : machine_(machine) {}
    UtcTime now() const override;
    SteadyTime steady_now() const override;
    Task<> sleep_until(SteadyTime when) override;

   private:
    Machine& machine_;
  };

  Timeline& timeline_;
  Boot boot_;
  SkewedClock clock_{*this};
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Program> program_;
  bool paused_ = false;
  bool ready_ = false;
};

template <class T>
void Reply<T>::operator()(T answer) const {
  const auto waiting = waiting_.lock();
  if (!waiting || waiting->answer) return;
  waiting->answer.emplace(std::move(answer));
  waiting->timer.cancel();
  machine_->ready_ = true;
}

template <class T>
Task<T> Machine::wait(std::function<void(Reply<T>)> ask) {
  auto waiting = std::make_shared<typename Reply<T>::Waiting>(executor());
  ask(Reply<T>(*this, waiting));
  auto [error] = co_await waiting->timer.async_wait(use_task_tuple);
  // Nobody but the world ends a wait: programs are killed, not cancelled.
  if (!waiting->answer) throw boost::system::system_error(error);
  co_return std::move(*waiting->answer);
}

}  // namespace latchkey::sim
