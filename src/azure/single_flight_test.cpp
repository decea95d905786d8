#include "azure/single_flight.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "azure/testing/stepper.hpp"
#include "base/result.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

/// What the work touches; kept alive by it.
struct Facts {
  int started = 0;
  int ended = 0;
};

Task<> sleep_then_count(std::shared_ptr<Facts> facts, Clock* clock) {
  ++facts->started;
  co_await clock->sleep_for(1s);
  ++facts->ended;
}

Task<Result<>> wait_for(SingleFlight* flight) {
  co_await flight->wait();
  co_return Result<>{};
}

Task<> throw_something() {
  throw std::runtime_error("broken");
  co_return;
}

struct SingleFlightTest : ::testing::Test {
  // The context goes last, as in a program.
  IoContext context;
  latchkey::testing::ManualClock clock;
  std::shared_ptr<Facts> facts = std::make_shared<Facts>();
  std::optional<SingleFlight> flight{std::in_place, context.get_executor()};
};

TEST_F(SingleFlightTest, EverybodyWaitsForTheOneThatRuns) {
  flight->start("work", sleep_then_count(facts, &clock));
  testing::Running<Result<>> first(context, wait_for(&*flight));
  testing::Running<Result<>> second(context, wait_for(&*flight));
  testing::settle(context);
  EXPECT_TRUE(flight->running());
  EXPECT_FALSE(first.done());
  clock.advance(1s);
  testing::settle(context);
  EXPECT_TRUE(first.done());
  EXPECT_TRUE(second.done());
  EXPECT_FALSE(flight->running());
  EXPECT_EQ(facts->ended, 1);
}

TEST_F(SingleFlightTest, NobodyWaitsWhenNothingRuns) {
  testing::Running<Result<>> waiter(context, wait_for(&*flight));
  testing::settle(context);
  EXPECT_TRUE(waiter.done());
}

TEST_F(SingleFlightTest, AnExceptionEndsTheWorkOnly) {
  flight->start("work", throw_something());
  testing::settle(context);
  EXPECT_FALSE(flight->running());
  flight->start("work", sleep_then_count(facts, &clock));
  testing::settle(context);
  EXPECT_EQ(facts->started, 1);
  flight->cancel();
  testing::settle(context);
}

TEST_F(SingleFlightTest, MayGoWhileWorkRuns) {
  flight->start("work", sleep_then_count(facts, &clock));
  testing::settle(context);
  flight->cancel();
  flight.reset();
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 0U) << "cancelled, not left asleep";
  EXPECT_EQ(facts->ended, 0);
  EXPECT_EQ(facts.use_count(), 1) << "the work has gone";
}

TEST_F(SingleFlightTest, WorkThatHasNotBegunNeverBeginsAfterCancel) {
  flight->start("work", sleep_then_count(facts, &clock));
  flight->cancel();
  flight.reset();
  testing::settle(context);
  EXPECT_EQ(facts->started, 0);
  EXPECT_EQ(facts.use_count(), 1);
}

TEST_F(SingleFlightTest, MayGoTogetherWithAContextThatRunsNoMore) {
  for (const bool begun : {false, true}) {
    for (const bool cancelled : {false, true}) {
      auto held = std::make_shared<Facts>();
      {
        IoContext own_context;
        SingleFlight own(own_context.get_executor());
        own.start("work", sleep_then_count(held, &clock));
        if (begun) own_context.poll();
        if (cancelled) own.cancel();
      }
      EXPECT_EQ(held.use_count(), 1) << begun << cancelled;
    }
  }
}

/// Work that holds its own SingleFlight, as a cache's does.
struct SelfHeld {
  explicit SelfHeld(Executor executor) : flight(executor) {}
  SingleFlight flight;
};

Task<> hold_and_sleep(std::shared_ptr<SelfHeld> /*self*/, Clock* clock) {
  co_await clock->sleep_for(1s);
}

TEST_F(SingleFlightTest, WorkMayBeTheLastToHoldTheFlight) {
  auto self = std::make_shared<SelfHeld>(context.get_executor());
  const std::weak_ptr<SelfHeld> watched = self;
  self->flight.start("work", hold_and_sleep(self, &clock));
  testing::settle(context);
  self->flight.cancel();
  self.reset();
  EXPECT_FALSE(watched.expired());
  testing::settle(context);
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace latchkey::azure
