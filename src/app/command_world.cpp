#include "app/command_world.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace latchkey::app {

LoopThread::LoopThread() : work_(context_.get_executor()), thread_([this] { context_.run(); }) {}

LoopThread::~LoopThread() {
  work_.reset();
  context_.stop();
  thread_.join();
}

int CommandWorld::run(const std::function<Task<int>(World)>& command) {
  std::signal(SIGPIPE, SIG_IGN);
  int code = 1;
  // A function of its own: a capturing lambda must not be a coroutine.
  struct Runner {
    static Task<> run(const std::function<Task<int>(World)>& command, World world, int& code) {
      code = co_await command(world);
    }
  };
  run_to_end(context_, Runner::run(command, world(), code));
  return code;
}

int report(const Error& error) {
  fmt::print(stderr, "latchkey: {}\n", error.message);
  return error.kind == ErrorKind::invalid_argument ? 2 : 1;
}

}  // namespace latchkey::app
