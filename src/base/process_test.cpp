#include "base/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>

#include "base/testing/await.hpp"
#include "base/testing/process_life.hpp"
#include "base/text.hpp"

namespace latchkey {
namespace {
using namespace std::chrono_literals;
using testing::dies;
using testing::lives;

struct ProcessTest : ::testing::Test {
  ProcessTest() {
    folder = std::filesystem::temp_directory_path() /
             ("latchkey_process_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  ~ProcessTest() override { std::filesystem::remove_all(folder); }

  static ProcessOptions shell(std::string script) {
    ProcessOptions options;
    options.program = "/bin/sh";
    options.arguments = {"-c", std::move(script)};
    return options;
  }
  Result<ProcessOutcome> run(ProcessOptions options) {
    return testing::await(context, run_process(std::move(options)));
  }
  /// The number that a program wrote into `file`.
  pid_t number_in(const char* file) const {
    std::ifstream in(folder / file);
    pid_t number = 0;
    in >> number;
    return number;
  }

  std::filesystem::path folder;
  IoContext context;
};

TEST_F(ProcessTest, GivesWhatTheProgramWroteAndItsStatus) {
  const auto done = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->output.reveal(), "out\n");
  EXPECT_EQ(done->error_output, "err\n");
  EXPECT_EQ(done->exit_status, 3);
  EXPECT_EQ(run(shell("kill -TERM $$"))->exit_status, 128 + SIGTERM);
}

TEST_F(ProcessTest, ArgumentsAreWordsForNoShellAndTheEnvironmentIsTheGivenOne) {
  ProcessOptions options;
  options.program = "/usr/bin/printf";
  options.arguments = {"%s|", "a b", "$(id)", "; ls", "'"};
  EXPECT_EQ(run(options)->output.reveal(), "a b|$(id)|; ls|'|");
  options.program = "/usr/bin/env";
  options.arguments = {};
  options.environment = {"ONE=1", "TWO=2"};
  EXPECT_EQ(run(options)->output.reveal(), "ONE=1\nTWO=2\n");
}

TEST_F(ProcessTest, TheProgramHasNothingToReadAndNoFileOfOurs) {
  const auto inherited = ::dup(STDERR_FILENO);
  ASSERT_GT(inherited, 2);
  // With a pipe the shell would have one more for a moment.
  EXPECT_EQ(run(shell("cat; ls /proc/$$/fd; true"))->output.reveal(), "0\n1\n2\n");
  ::close(inherited);
}

TEST_F(ProcessTest, AProgramThatIsNotThereIsNamed) {
  ProcessOptions options;
  options.program = (folder / "nothing").string();
  const auto done = run(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::not_found);
  EXPECT_NE(done.error().message.find("nothing"), std::string::npos);
}

TEST_F(ProcessTest, AtTheTimeLimitTheWholeGroupIsKilled) {
  auto options = shell("sleep 1000 & echo $! > " + (folder / "child").string() + "; echo $$ > " +
                       (folder / "own").string() + "; wait");
  options.time_limit = 300ms;
  const auto done = run(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::timeout);
  EXPECT_EQ(done.error().code, "ProgramTimeLimit");
  EXPECT_TRUE(dies(number_in("own")));
  EXPECT_TRUE(dies(number_in("child")));
}

TEST_F(ProcessTest, WhatAProgramLeavesBehindIsKilledAndNotWaitedFor) {
  auto options = shell("sleep 1000 & echo $! > " + (folder / "child").string() + "; echo token");
  const auto done = run(options);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->output.reveal(), "token\n");
  EXPECT_TRUE(dies(number_in("child")));
}

TEST_F(ProcessTest, TooMuchOutputOfEitherKindIsAnError) {
  for (const char* script : {"yes", "yes >&2"}) {
    const auto done = run(shell(script));
    ASSERT_FALSE(done) << script;
    EXPECT_EQ(done.error().code, "ProgramOutputLimit") << script;
  }
  auto options = shell("printf 0123456789");
  options.output_bytes_max = 10;
  EXPECT_TRUE(run(options));
  options.output_bytes_max = 9;
  EXPECT_EQ(run(options).error().code, "ProgramOutputLimit");
}

TEST_F(ProcessTest, ACancelledCallerTakesTheProgramWithIt) {
  const std::string file = (folder / "own").string();
  auto options = shell("echo $$ > " + file + ".new; mv " + file + ".new " + file + "; sleep 1000");
  boost::asio::cancellation_signal stop;
  bool ended = false;
  boost::asio::co_spawn(
      context, run_process(std::move(options)),
      boost::asio::bind_cancellation_slot(
          stop.slot(),
          [&ended](std::exception_ptr, const Result<ProcessOutcome>&) { ended = true; }));
  while (!std::filesystem::exists(file)) context.poll();
  ASSERT_TRUE(lives(number_in("own")));
  stop.emit(boost::asio::cancellation_type::terminal);
  context.restart();
  context.run();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(dies(number_in("own")));
}

TEST_F(ProcessTest, AProgramIsFoundInAbsoluteFoldersOnly) {
  std::ofstream(folder / "plain") << "text";
  const auto tool = folder / "tool";
  std::ofstream(tool) << "#!/bin/sh\n";
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
  const std::string path = "/nowhere::.:" + folder.string() + ":/bin";
  EXPECT_EQ(find_program("tool", path), tool.string());
  EXPECT_EQ(find_program("plain", path), std::nullopt) << "not executable";
  EXPECT_EQ(find_program("tool", ""), std::nullopt);
  std::filesystem::current_path(folder);
  EXPECT_EQ(find_program("tool", ".::"), std::nullopt);
  std::filesystem::current_path("/");
}

}  // namespace
}  // namespace latchkey
