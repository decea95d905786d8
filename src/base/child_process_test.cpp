#include "base/child_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/testing/await.hpp"
#include "base/testing/process_life.hpp"

namespace latchkey {
namespace {

using namespace std::chrono_literals;
using testing::dies;
using testing::lives;

struct ChildProcessTest : ::testing::Test {
  Result<std::unique_ptr<ChildProcess>> start(const std::string& script) {
    return ChildProcess::start(
        {.program = "/bin/sh",
         .arguments = {"-c", script},
         .environment = {"MINE=yes", "PATH=/usr/bin:/bin"},
         .folder = "/usr"},
        [this](std::string_view line) { lines.emplace_back(line); }, context.get_executor());
  }
  int run(const std::string& script) {
    auto child = start(script);
    EXPECT_TRUE(child) << child.error().message;
    return testing::await(context, (*child)->wait());
  }
  /// Until the program has written that many lines.
  void wait_for_lines(std::size_t count) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (lines.size() < count && std::chrono::steady_clock::now() < give_up) context.poll();
    ASSERT_GE(lines.size(), count);
  }

  IoContext context;
  std::vector<std::string> lines;
};

TEST_F(ChildProcessTest, TellsBothOutputsLineByLineAndTheStatus) {
  EXPECT_EQ(run("echo one; echo two >&2; pwd; echo $MINE; printf last; exit 3"), 3);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "/usr", "yes", "last"}));
  EXPECT_EQ(run("kill -TERM $$"), 128 + SIGTERM);
}

TEST_F(ChildProcessTest, LongLinesComeInParts) {
  run("head -c 20000 /dev/zero | tr '\\0' x; echo; echo end");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].size(), 8U * 1024);
  EXPECT_EQ(lines[2].size(), 20000U - 16 * 1024);
  EXPECT_EQ(lines[3], "end");
}

TEST_F(ChildProcessTest, HasNothingToReadAndNoFileOfOurs) {
  const int inherited = ::dup(STDERR_FILENO);
  run("cat; ls /proc/$$/fd; true");  // With a pipe the shell would have one more for a moment.
  EXPECT_EQ(lines, (std::vector<std::string>{"0", "1", "2"}));
  ::close(inherited);
}

TEST_F(ChildProcessTest, AProgramThatCannotStartIsNamed) {
  const auto child = ChildProcess::start({.program = "/no/such/program", .folder = "/"}, {},
                                         context.get_executor());
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, "ProgramNotStarted");
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

TEST_F(ChildProcessTest, EndsWhenAskedAndTakesItsGroupAlong) {
  auto child = start("trap 'echo bye; exit 0' TERM; sleep 1000 & echo $!; wait");
  ASSERT_TRUE(child);
  wait_for_lines(1);
  (*child)->ask_to_end();
  EXPECT_EQ(testing::await(context, (*child)->wait()), 0);
  EXPECT_EQ(lines.back(), "bye");
  EXPECT_TRUE(dies(std::stoi(lines.front())));
}

TEST_F(ChildProcessTest, IsKilledWithItsOwner) {
  auto child = start("trap '' TERM; echo $$; sleep 1000");
  ASSERT_TRUE(child);
  wait_for_lines(1);
  child->reset();
  EXPECT_TRUE(dies(std::stoi(lines.front())));
}

TEST_F(ChildProcessTest, DiesWithUsHoweverThatHappens) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t between = ::fork();
  if (between == 0) {
    IoContext own;
    auto child = ChildProcess::start(
        {.program = "/bin/sh",
         .arguments = {"-c", "echo $$; exec sleep 1000"},
         .environment = {"PATH=/usr/bin:/bin"},
         .folder = "/"},
        [&](std::string_view line) {
          const pid_t pid = std::stoi(std::string(line));
          if (::write(pipe[1], &pid, sizeof pid) < 0) ::_exit(1);
        },
        own.get_executor());
    own.run();
    ::_exit(0);
  }
  pid_t pid = 0;
  ASSERT_EQ(::read(pipe[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  EXPECT_TRUE(lives(pid));
  ::kill(between, SIGKILL);
  ::waitpid(between, nullptr, 0);
  EXPECT_TRUE(dies(pid));
}

}  // namespace
}  // namespace latchkey
