#include "base/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "base/log.hpp"
#include "base/testing/manual_clock.hpp"

namespace latchkey {
namespace {

using namespace std::chrono_literals;
using testing::ManualClock;

std::vector<std::string> g_lines;

Task<> sleep_then_note(Clock& clock, std::chrono::seconds how_long, std::vector<int>& order,
                       int mark) {
  co_await clock.sleep_for(how_long);
  order.push_back(mark);
}

Task<> throw_now() {
  throw std::runtime_error("broken on purpose");
  co_return;
}

Task<> join_and_note(TaskGroup& group, bool& joined) {
  co_await group.join();
  joined = true;
}

TEST(ManualClock, WakesSleepersInTheOrderOfTheirTimes) {
  IoContext context;
  ManualClock clock;
  std::vector<int> order;
  TaskGroup group(context.get_executor());
  group.spawn("late", sleep_then_note(clock, 600s, order, 2));
  group.spawn("early", sleep_then_note(clock, 5s, order, 1));
  context.poll();
  EXPECT_EQ(clock.sleepers(), 2U);
  EXPECT_TRUE(order.empty());
  clock.advance(600s);
  context.restart();
  context.poll();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(group.size(), 0U);
}

TEST(TaskGroup, CancelEndsSleepersAndJoinWaitsForThem) {
  IoContext context;
  ManualClock clock;
  std::vector<int> order;
  TaskGroup group(context.get_executor());
  group.spawn("sleeper", sleep_then_note(clock, 600s, order, 1));
  context.poll();
  group.cancel();
  bool joined = false;
  run_to_end(context, join_and_note(group, joined));
  EXPECT_TRUE(joined);
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(clock.sleepers(), 0U);
}

Task<> quick() {
  co_return;
}

Task<> spawn_and_cancel(TaskGroup& group, Clock& clock, std::vector<int>& order) {
  group.spawn("inside", sleep_then_note(clock, 600s, order, 1));
  group.spawn("inside and quick", quick());
  group.cancel();
  co_await group.join();
}

TEST(TaskGroup, CancelReachesTasksThatHaveNotBegun) {
  IoContext context;
  ManualClock clock;
  std::vector<int> order;
  TaskGroup group(context.get_executor());
  group.spawn("outside", sleep_then_note(clock, 600s, order, 1));
  group.spawn("outside and quick", quick());
  group.cancel();
  run_to_end(context, spawn_and_cancel(group, clock, order));
  EXPECT_EQ(group.size(), 0U);
  EXPECT_TRUE(order.empty());
}

TEST(TaskGroup, AnExceptionIsLoggedAndEndsThatTaskOnly) {
  IoContext context;
  ManualClock clock;
  std::vector<int> order;
  g_lines.clear();
  log::set_sink([](std::string_view line) { g_lines.emplace_back(line); });
  TaskGroup group(context.get_executor());
  group.spawn("broken", throw_now());
  group.spawn("sleeper", sleep_then_note(clock, 1s, order, 1));
  context.poll();
  log::set_sink(nullptr);
  ASSERT_EQ(g_lines.size(), 1U);
  EXPECT_NE(g_lines[0].find("task=broken"), std::string::npos);
  EXPECT_NE(g_lines[0].find("broken on purpose"), std::string::npos);
  clock.advance(1s);
  context.restart();
  context.poll();
  EXPECT_EQ(order, (std::vector<int>{1}));
}

TEST(RunToEnd, RethrowsWhatLeavesTheTask) {
  IoContext context;
  EXPECT_THROW(run_to_end(context, throw_now()), std::runtime_error);
}

}  // namespace
}  // namespace latchkey
