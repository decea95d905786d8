#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <memory>

#include "base/text.hpp"

namespace latchkey {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;
using Code = boost::system::error_code;

constexpr int kInherited = 3;  ///< standard input, output and error

/// pidfd_open(2); glibc 2.36 declares it in a way that C++ cannot link.
int open_pid(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// One output of the program, collected while it runs.
struct Output {
  Output(Executor executor, int descriptor, std::size_t limit_in)
      : pipe(executor, descriptor), limit(limit_in) {
    pipe.native_non_blocking(true);
  }

  /// Takes what is there; false at the end and beyond the limit.
  bool take() {
    std::array<char, 4096> part{};
    for (;;) {
      const ssize_t size = ::read(pipe.native_handle(), part.data(), part.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      text.append(part.data(), static_cast<std::size_t>(size));
      if (text.size() > limit) return false;
    }
  }

  Descriptor pipe;
  std::size_t limit;
  std::string text;
};

/// A running program. Callbacks hold it; end() makes all of them come to their end.
struct Child : std::enable_shared_from_this<Child> {
  Child(Executor executor, const ProcessOptions& options, pid_t pid_in, int pid_descriptor,
        int out_pipe, int err_pipe)
      : pid(pid_in),
        ended(executor, pid_descriptor),
        out(executor, out_pipe, options.output_bytes_max),
        err(executor, err_pipe, options.output_bytes_max),
        limit(executor, options.time_limit) {}

  void begin() {
    collect(out);
    collect(err);
    limit.async_wait([self = shared_from_this()](Code code) {
      if (code) return;
      self->timed_out = true;
      self->kill_group();
    });
  }

  void collect(Output& output) {
    output.pipe.async_wait(Descriptor::wait_read, [self = shared_from_this(), &output](Code code) {
      if (code) return;
      if (output.take()) {
        self->collect(output);
      } else if (output.text.size() > output.limit) {
        self->kill_group();
      }
    });
  }

  void kill_group() const { ::kill(-pid, SIGKILL); }

  /// Kills what is left of the group and reaps the program. Idempotent.
  void end() {
    if (std::exchange(is_over, true)) return;
    kill_group();
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    Code ignored;
    limit.cancel();
    for (Output* output : {&out, &err}) {
      if (output->text.size() <= output->limit) output->take();
      output->pipe.close(ignored);
    }
    ended.close(ignored);
  }

  Result<ProcessOutcome> outcome(const std::string& program) {
    if (timed_out) {
      return fail(ErrorKind::timeout, "ProgramTimeLimit", program + " took too long");
    }
    if (out.text.size() > out.limit || err.text.size() > err.limit) {
      return fail(ErrorKind::protocol, "ProgramOutputLimit", program + " wrote too much");
    }
    ProcessOutcome outcome;
    outcome.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.output = Secret(std::move(out.text));
    outcome.error_output = std::move(err.text);
    return outcome;
  }

  pid_t pid;
  Descriptor ended;  ///< readable when the program has ended (Linux: pidfd)
  Output out;
  Output err;
  Timer limit;
  int status = 0;
  bool timed_out = false;
  bool is_over = false;
};

/// Ends the child with the coroutine that waits for it, however that goes.
class ChildOwner {
 public:
  explicit ChildOwner(std::shared_ptr<Child> child) : child_(std::move(child)) { child_->begin(); }
  ~ChildOwner() { child_->end(); }
  ChildOwner(const ChildOwner&) = delete;
  ChildOwner& operator=(const ChildOwner&) = delete;
  Child* operator->() const { return child_.get(); }

 private:
  std::shared_ptr<Child> child_;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The two ends of a pipe, closed when they go unless released.
struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int release_reader() { return std::exchange(ends[0], -1); }
  std::array<int, 2> ends{};
};

/// 0, or the errno of what failed.
int spawn(const ProcessOptions& options, int output, int error_output, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, error_output, STDERR_FILENO);
  // Asio's sockets are inherited unless somebody closes them.
  posix_spawn_file_actions_addclosefrom_np(&files, kInherited);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables = options.environment;
  const int problem = posix_spawn(&pid, options.program.c_str(), &files, &attributes,
                                  pointers_to(words).data(), pointers_to(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return problem;
}

Result<std::shared_ptr<Child>> start(const ProcessOptions& options, Executor executor) {
  Pipe output;
  Pipe error_output;
  pid_t pid = 0;
  const int problem = spawn(options, output.ends[1], error_output.ends[1], pid);
  if (problem != 0) {
    return fail(ErrorKind::not_found, "ProgramNotStarted",
                fmt::format("{} cannot be started: {}", options.program,
                            std::generic_category().message(problem)));
  }
  const int descriptor = open_pid(pid);
  if (descriptor < 0) {
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(ErrorKind::not_found, "ProgramNotStarted",
                options.program + " cannot be watched: this system has no pidfd_open (Linux 5.3)");
  }
  return std::make_shared<Child>(executor, options, pid, descriptor, output.release_reader(),
                                 error_output.release_reader());
}

}  // namespace

Task<Result<ProcessOutcome>> run_process(ProcessOptions options) {
  const Executor executor = co_await asio::this_coro::executor;
  auto started = start(options, executor);
  if (!started) co_return fail(std::move(started.error()));
  const ChildOwner child(std::move(*started));
  co_await child->ended.async_wait(Descriptor::wait_read, use_task);
  child->end();
  co_return child->outcome(options.program);
}

std::optional<std::string> find_program(std::string_view name, std::string_view path) {
  for (const std::string_view folder : split(path, ':')) {
    if (!folder.starts_with('/')) continue;
    const auto file = std::filesystem::path(folder) / name;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) {
      return file.string();
    }
  }
  return std::nullopt;
}

}  // namespace latchkey
