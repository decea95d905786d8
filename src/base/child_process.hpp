#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"

namespace latchkey {

struct ChildOptions {
  std::string program;  ///< absolute path
  std::vector<std::string> arguments{};
  std::vector<std::string> environment{};  ///< "NAME=value", all that the program gets
  std::string folder;                      ///< its working directory
};

/// Another program that runs beside us for as long as we do: what a functions host calls a handler.
/// It has a process group of its own, nothing to read and no file of ours open; what it writes
/// comes line by line. The kernel kills it when we die, however that happens (PR_SET_PDEATHSIG in
/// prctl(2)), so that nobody is left behind. `process.hpp` is for programs run to their end.
/// One thread: that of the executor.
class ChildProcess {
 public:
  /// Without the line's end; longer than 8 KiB comes in parts.
  using OnLine = std::function<void(std::string_view line)>;

  /// Error: not_found (code "ProgramNotStarted"), saying why. The thread that calls this must live
  /// as long as the program is to.
  static Result<std::unique_ptr<ChildProcess>> start(ChildOptions options, OnLine on_line,
                                                     Executor executor);
  /// Kills what is left of the group.
  ~ChildProcess();
  /// Until the program has ended and its last line was told; then whatever is left of its group is
  /// killed. The exit status, 128 + the signal's number when a signal ended it. Once.
  Task<int> wait();
  /// SIGTERM to the group.
  void ask_to_end();
  /// SIGKILL to the group.
  void kill();

 private:
  struct Impl;
  explicit ChildProcess(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey
