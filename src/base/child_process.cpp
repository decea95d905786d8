#include "base/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "base/file.hpp"

namespace latchkey {
namespace {

namespace asio = boost::asio;
using AsioDescriptor = asio::posix::basic_stream_descriptor<Executor>;
using Code = boost::system::error_code;

constexpr std::size_t kLineBytesMax = std::size_t{8} * 1024;

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What the new process does between fork and exec. Only calls that are safe there
/// (signal-safety(7)): another of our threads may have held a lock when we forked.
struct Launch {
  const char* program;
  char* const* words;
  char* const* variables;
  const char* folder;
  int output;
  int problem;  ///< where to write errno; closed by a successful exec
  pid_t parent;

  [[noreturn]] void run() const {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // It died before the line above.
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    const int kept = 3;
    ::dup2(problem, kept);
    ::fcntl(kept, F_SETFD, FD_CLOEXEC);
    ::close_range(kept + 1, ~0U, 0);
    if (::chdir(folder) == 0) ::execve(program, words, variables);
    const int cause = errno;
    [[maybe_unused]] const auto written = ::write(kept, &cause, sizeof cause);
    ::_exit(127);
  }
};

Result<std::pair<Descriptor, Descriptor>> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::unavailable, "NoPipe",
                "cannot make a pipe: " + std::generic_category().message(errno));
  }
  // The new process moves its ends to 0..3: they must not lie there already.
  for (int& end : ends) {
    const int moved = ::fcntl(end, F_DUPFD_CLOEXEC, 10);
    ::close(end);
    end = moved;
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

}  // namespace

struct ChildProcess::Impl : std::enable_shared_from_this<Impl> {
  Impl(Executor executor, pid_t pid_in, int pid_descriptor, int output_descriptor,
       OnLine on_line_in)
      : pid(pid_in),
        ended(executor, pid_descriptor),
        output(executor, output_descriptor),
        on_line(std::move(on_line_in)) {
    output.native_non_blocking(true);
  }

  void listen() {
    output.async_wait(AsioDescriptor::wait_read, [self = shared_from_this()](Code code) {
      if (!code && self->take()) self->listen();
    });
  }

  /// False at the end.
  bool take() {
    std::array<char, 4096> part{};
    for (;;) {
      const ssize_t size = ::read(output.native_handle(), part.data(), part.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      text.append(part.data(), static_cast<std::size_t>(size));
      tell_lines();
    }
  }

  void tell_lines() {
    for (;;) {
      const auto end = text.find('\n');
      if (end == std::string::npos && text.size() < kLineBytesMax) return;
      const auto size = std::min(end, kLineBytesMax);
      on_line(std::string_view(text).substr(0, size));
      text.erase(0, size == end ? size + 1 : size);
    }
  }

  void signal_group(int number) const {
    if (!is_over) ::kill(-pid, number);
  }

  int end() {
    if (is_over) return status;
    signal_group(SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    is_over = true;
    take();
    if (!text.empty()) on_line(text);
    text.clear();
    Code ignored;
    output.close(ignored);
    ended.close(ignored);
    return status;
  }

  pid_t pid;
  AsioDescriptor ended;  ///< readable when the program has ended (Linux: pidfd)
  AsioDescriptor output;
  OnLine on_line;
  std::string text;  ///< the line that is not complete yet
  int status = 0;
  bool is_over = false;
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(ChildOptions options, OnLine on_line,
                                                          Executor executor) {
  auto output = make_pipe();
  if (!output) return fail(output.error());
  auto problem = make_pipe();
  if (!problem) return fail(problem.error());
  std::vector<std::string> words = {options.program};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const auto word_pointers = pointers_to(words);
  const auto variable_pointers = pointers_to(options.environment);
  const Launch launch{.program = options.program.c_str(),
                      .words = word_pointers.data(),
                      .variables = variable_pointers.data(),
                      .folder = options.folder.c_str(),
                      .output = output->second.get(),
                      .problem = problem->second.get(),
                      .parent = ::getpid()};
  const pid_t pid = ::fork();
  if (pid == 0) launch.run();
  int cause = pid < 0 ? errno : 0;
  output->second = Descriptor(-1);
  problem->second = Descriptor(-1);
  // Ends at once: by exec, which closes the other end, or by what went wrong.
  if (pid > 0 && ::read(problem->first.get(), &cause, sizeof cause) != sizeof cause) cause = 0;
  const int descriptor = cause != 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) {
    if (cause == 0) cause = errno;
    if (pid > 0) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    return fail(ErrorKind::not_found, "ProgramNotStarted",
                fmt::format("{} cannot be started in {}: {}", options.program, options.folder,
                            std::generic_category().message(cause)));
  }
  auto impl = std::make_shared<Impl>(executor, pid, descriptor, output->first.release(),
                                     std::move(on_line));
  impl->listen();
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

ChildProcess::ChildProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ChildProcess::~ChildProcess() {
  impl_->end();
}

Task<int> ChildProcess::wait() {
  const auto impl = impl_;
  co_await impl->ended.async_wait(AsioDescriptor::wait_read, use_task);
  const int status = impl->end();
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ChildProcess::ask_to_end() {
  impl_->signal_group(SIGTERM);
}

void ChildProcess::kill() {
  impl_->signal_group(SIGKILL);
}

}  // namespace latchkey
