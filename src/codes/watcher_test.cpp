#include "codes/watcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "codes/run_all.hpp"
#include "codes/testing/log_capture.hpp"
#include "codes/testing/world.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::FakeQueues;
using testing::LogCapture;
using testing::storage_refusal;
using testing::World;
using Step = FakeQueues::Step;

/// A watcher that runs beside the test.
class WatcherTest : public ::testing::Test {
 protected:
  ~WatcherTest() override { stop(); }
  void start() {
    watcher = std::make_unique<Watcher>(world.for_watcher(), options);
    group = std::make_unique<TaskGroup>(world.context.get_executor());
    group->spawn("watcher", watcher->run());
    settle();
  }
  void stop() {
    if (!group) return;
    group->cancel();
    settle();
    EXPECT_EQ(group->size(), 0U);
    group.reset();
  }
  /// Runs all that can run without time passing, the table's thread included.
  void settle() {
    do {
      world.context.restart();
      if (world.table.in_flight > 0) world.context.run_one();
      world.context.poll();
    } while (world.table.in_flight > 0);
  }
  /// Lets time pass, sleeper by sleeper.
  void pass(std::chrono::microseconds time) {
    const SteadyTime end = world.clock.steady_now() + time;
    while (world.clock.next_wake() <= end) {
      world.clock.advance(std::chrono::ceil<std::chrono::microseconds>(world.clock.next_wake() -
                                                                       world.clock.steady_now()));
      settle();
    }
    world.clock.advance(
        std::chrono::floor<std::chrono::microseconds>(end - world.clock.steady_now()));
    settle();
  }
  Secret issue() { return world.issue().value().code; }

  World world;
  WatcherOptions options;
  LogCapture log;
  std::unique_ptr<Watcher> watcher;
  std::unique_ptr<TaskGroup> group;
};

// I11, I12
TEST_F(WatcherTest, MakesACodeValidWithinTwoSecondsAndForgetsItAtItsEnd) {
  start();
  pass(60s);  // Idle for long: the polls are as far apart as they get.
  const Secret code = issue();
  pass(2s);
  EXPECT_EQ(world.row(code)->state, CodeState::valid);
  pass(600s - 1s);
  EXPECT_TRUE(world.row(code));
  pass(5s);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
}

TEST_F(WatcherTest, AsksLessOftenWhileTheQueueIsEmpty) {
  start();
  pass(50ms + 100ms + 200ms + 400ms + 800ms + 1600ms);
  EXPECT_GE(watcher->counts().polls, 7U);  // Each pause is at least half of that.
  EXPECT_LE(watcher->counts().polls, 9U);
  const auto before = watcher->counts().polls;
  pass(200s);  // Between 1 s and 2 s apart.
  EXPECT_NEAR(static_cast<double>(watcher->counts().polls - before), 200 / 1.5, 10);
}

/// What an idle watcher costs for each queue: docs/capacity.md has these figures.
TEST_F(WatcherTest, AnIdleDayCostsSoManyPolls) {
  const std::pair<std::chrono::seconds, double> days[] = {{2s, 57'600}, {60s, 1'920}};
  for (const auto& [poll_max, expected] : days) {
    options.poll_max = poll_max;
    start();
    pass(24h);
    const auto polls = static_cast<double>(watcher->counts().polls);
    EXPECT_NEAR(polls, expected, expected * 0.02) << poll_max.count();
    stop();
  }
}

TEST_F(WatcherTest, CopiesThatStartTogetherDoNotAskTogether) {
  options.sweeps = false;
  start();
  auto other = std::make_unique<Watcher>(world.for_watcher(), options);
  group->spawn("watcher", other->run());
  settle();
  int together = 0;
  int asked = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto polls = std::pair(watcher->counts().polls, other->counts().polls);
    pass(10ms);
    const bool mine = watcher->counts().polls > polls.first;
    const bool others = other->counts().polls > polls.second;
    if (mine) ++asked;
    if (mine && others) ++together;
  }
  EXPECT_GT(asked, 60);
  EXPECT_LT(together, asked / 5);
  stop();
}

TEST_F(WatcherTest, AsksAgainAtOnceWhileMessagesCome) {
  options.lanes = 1;
  for (int i = 0; i < 70; ++i) issue();
  start();
  EXPECT_EQ(watcher->counts().activated, 70U);
  EXPECT_EQ(watcher->counts().polls, 4U);
}

TEST_F(WatcherTest, AFullBatchBringsUpMoreLanesAndAnEmptyOneEndsThem) {
  for (int i = 0; i < 300; ++i) issue();
  int at_once = 0;
  int most = 0;
  world.queues.refuse = [&](const FakeQueues::Call& call) -> std::optional<http::Response> {
    at_once = call.step == Step::get ? at_once + 1 : 0;  // Gets with no visit between them.
    most = std::max(most, at_once);
    return std::nullopt;
  };
  start();
  EXPECT_EQ(watcher->counts().activated, 300U);
  EXPECT_EQ(most, options.lanes);
  const auto polls = watcher->counts().polls;
  EXPECT_LE(polls, 300 / 32 + 1 + 4U);  // Each lane sees once that there is nothing.
  pass(40ms);                           // Nothing is left but the one lane: at most one poll.
  EXPECT_LE(watcher->counts().polls, polls + 1);
  most = 0;
  for (int i = 0; i < 300; ++i) issue();
  pass(3s);
  EXPECT_EQ(watcher->counts().activated, 600U);  // They come up again.
  EXPECT_GT(most, 1);
}

TEST_F(WatcherTest, OnlyOneOfAProcessSweeps) {
  options.sweeps = false;
  const Secret lost = issue();
  world.messages().clear();
  start();
  pass(3h);
  EXPECT_TRUE(world.row(lost));
}

TEST_F(WatcherTest, BacksOffWhileTheQueueFailsAndSaysSoOnce) {
  options.lanes = 1;
  start();
  world.queues.refuse = [](const FakeQueues::Call&) { return storage_refusal(503, "ServerBusy"); };
  pass(300s);
  const auto polls = watcher->counts().polls;
  EXPECT_GT(polls, 10U);
  EXPECT_LT(polls, 40U);
  EXPECT_EQ(log.count("watcher_failing"), 1);
  world.queues.refuse = nullptr;
  const Secret code = issue();
  pass(31s);
  EXPECT_EQ(world.row(code)->state, CodeState::valid);
  EXPECT_EQ(log.count("watcher_recovered"), 1);
}

TEST_F(WatcherTest, WaitsAsLongAsTheServiceAsks) {
  options.lanes = 1;
  world.queues.refuse = [](const FakeQueues::Call&) {
    auto busy = storage_refusal(503, "ServerBusy");
    busy.headers.add("Retry-After", "120");
    return busy;
  };
  start();
  pass(119s);
  EXPECT_EQ(watcher->counts().polls, 1U);
  pass(2s);
  EXPECT_EQ(watcher->counts().polls, 2U);
}

TEST_F(WatcherTest, AnOutageOfTheTableUsesUpNoDeliveries) {
  start();
  const Secret code = issue();
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  pass(200s);
  ASSERT_EQ(world.messages().size(), 1U);
  EXPECT_LE(world.messages()[0].dequeue_count, 1);
  world.table.failure.reset();
  pass(31s);
  EXPECT_EQ(world.row(code)->state, CodeState::valid);
  EXPECT_EQ(watcher->counts().poisoned, 0U);
}

/// What every answer's Date says: Storage's clock is so much ahead of ours.
void tell_time(World& world, std::chrono::seconds ahead) {
  world.queues.refuse = [&world, ahead](const FakeQueues::Call&) -> std::optional<http::Response> {
    const UtcTime now = world.clock.now();
    world.server_clock.saw("store", now + ahead, now, now);
    return std::nullopt;
  };
  (void)world.queues.refuse({});
}

TEST_F(WatcherTest, TakesNoMessageWhileOurClockIsWrong) {
  options.lanes = 1;
  const Secret code = issue();
  tell_time(world, 600s);
  start();
  pass(300s);
  EXPECT_EQ(watcher->counts().polls, 0U);
  EXPECT_GT(world.queues.count(Step::properties), 5);  // It keeps asking for the time.
  EXPECT_EQ(world.row(code)->state, CodeState::pending);
  EXPECT_EQ(log.count("watcher_failing"), 1);
  EXPECT_EQ(log.count("600000 ms"), 1) << log.text();
  tell_time(world, 0s);
  pass(31s);
  EXPECT_EQ(world.row(code)->state, CodeState::valid);
  EXPECT_EQ(log.count("watcher_recovered"), 1);
}

TEST_F(WatcherTest, JudgesNoMessageThatCameWithTheProofThatOurClockIsWrong) {
  options.lanes = 1;
  const Secret code = issue();
  tell_time(world, 600s);
  world.server_clock.saw("store", world.clock.now(), world.clock.now(), world.clock.now());
  start();
  pass(1s);
  EXPECT_EQ(world.row(code)->state, CodeState::pending);
  EXPECT_EQ(watcher->counts().polls, 1U);
}

TEST_F(WatcherTest, ForgetsNothingWhileOurClockIsWrong) {
  const Secret lost = issue();
  world.messages().clear();
  world.clock.advance(2h);
  tell_time(world, 600s);
  start();
  pass(300s);
  EXPECT_TRUE(world.row(lost));
  tell_time(world, 0s);
  pass(91s);
  EXPECT_FALSE(world.row(lost));
}

TEST_F(WatcherTest, SweepsRowsWhoseMessageIsLost) {
  const Secret lost = issue();
  world.messages().clear();
  start();
  pass(600s + 2s + 3600s);
  EXPECT_TRUE(world.row(lost));
  pass(91s);
  EXPECT_FALSE(world.row(lost));
  EXPECT_EQ(watcher->counts().swept, 1U);
  EXPECT_EQ(world.audit.count("code_expired"), 1);
}

TEST_F(WatcherTest, CancelledAtAnyPointItLosesNoMessage) {
  options.lanes = 2;
  options.finish_within = 0ms;
  watcher = std::make_unique<Watcher>(world.for_watcher(), options);
  int issued = 0;
  int interrupted = 0;
  for (int step = 0; step < 120; ++step) {
    for (int i = 0; i < 3; ++i, ++issued) issue();
    TaskGroup running(world.context.get_executor());
    running.spawn("watcher", watcher->run());
    for (int i = 0; i < step; ++i) {
      world.context.restart();
      world.context.poll_one();
    }
    if (world.table.in_flight > 0) ++interrupted;
    running.cancel();
    settle();
    ASSERT_EQ(running.size(), 0U) << step;
    ASSERT_EQ(world.clock.sleepers(), 0U) << step;
    for (auto& message : world.messages()) {
      if (message.visible > world.clock.now() + options.work_visibility) continue;
      message.visible = world.clock.now();
      message.dequeue_count = 0;
    }
  }
  EXPECT_GT(interrupted, 0);  // Some cancellations did come in the middle of work.
  EXPECT_EQ(world.messages().size(), static_cast<std::size_t>(issued));
  start();
  EXPECT_EQ(world.take_out().valid, issued);
  EXPECT_EQ(watcher->counts().poisoned, 0U);
}

TEST_F(WatcherTest, ToldToEndItFinishesWhatItHasTaken) {
  options.lanes = 1;
  std::vector<Secret> codes;
  for (int i = 0; i < 40; ++i) codes.push_back(issue());
  watcher = std::make_unique<Watcher>(world.for_watcher(), options);
  group = std::make_unique<TaskGroup>(world.context.get_executor());
  group->spawn("watcher", watcher->run());
  while (world.queues.count(Step::get) == 0) world.context.poll_one();
  stop();
  const auto is_valid = [&](const Secret& code) {
    return world.row(code)->state == CodeState::valid;
  };
  EXPECT_EQ(std::count_if(codes.begin(), codes.end(), is_valid), 32);  // One Get, no second.
  EXPECT_EQ(watcher->counts().hidden, 32U);
}

TEST_F(WatcherTest, ToldToEndItDoesNotWaitForAQueueThatIsSilent) {
  options.lanes = 1;
  issue();
  world.queues.refuse = [](const FakeQueues::Call&) {
    return storage_refusal(503, "ServerBusy");  // The client tries again for a while.
  };
  start();
  group->cancel();
  pass(options.finish_within);
  EXPECT_EQ(group->size(), 0U);
}

Task<> note(int& done, Clock& clock, std::chrono::seconds after) {
  co_await clock.sleep_for(after);
  ++done;
}

TEST(RunAll, WaitsForTheLast) {
  World world;
  int done = 0;
  std::vector<Task<>> tasks;
  for (const auto after : {3s, 1s, 2s}) tasks.push_back(note(done, world.clock, after));
  TaskGroup group(world.context.get_executor());
  group.spawn("all", run_all(world.context.get_executor(), "one", std::move(tasks)));
  world.context.poll();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(group.size(), 1U);
    world.clock.advance(1s);
    world.context.restart();
    world.context.poll();
    EXPECT_EQ(done, i);
  }
  EXPECT_EQ(group.size(), 0U);
}

TEST(RunAll, CancelledItLetsThemGoOnForTheGraceOnly) {
  World world;
  int done = 0;
  std::vector<Task<>> tasks;
  for (const auto after : {1s, 2s, 4s}) tasks.push_back(note(done, world.clock, after));
  TaskGroup group(world.context.get_executor());
  group.spawn("all", run_all(world.context.get_executor(), "one", std::move(tasks),
                             {.clock = &world.clock, .time = 3s}));
  world.context.poll();
  group.cancel();
  for (int i = 0; i < 3; ++i) {
    world.context.restart();
    world.context.poll();
    EXPECT_EQ(group.size(), 1U);
    world.clock.advance(1s);
  }
  world.context.restart();
  world.context.poll();
  EXPECT_EQ(group.size(), 0U);
  EXPECT_EQ(done, 2);
  EXPECT_EQ(world.clock.sleepers(), 0U);
}

TEST(RunAll, CancelledItCancelsAndAwaitsAll) {
  World world;
  int done = 0;
  std::vector<Task<>> tasks;
  for (const auto after : {3s, 1s, 2s}) tasks.push_back(note(done, world.clock, after));
  TaskGroup group(world.context.get_executor());
  group.spawn("all", run_all(world.context.get_executor(), "one", std::move(tasks)));
  world.context.poll();
  EXPECT_EQ(world.clock.sleepers(), 3U);
  group.cancel();
  world.context.restart();
  world.context.poll();
  EXPECT_EQ(group.size(), 0U);
  EXPECT_EQ(world.clock.sleepers(), 0U);
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace latchkey::codes
