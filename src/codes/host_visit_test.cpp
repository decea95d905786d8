#include <gtest/gtest.h>

#include "codes/testing/log_capture.hpp"
#include "codes/testing/world.hpp"
#include "codes/watcher.hpp"

/// Visits of messages that a Functions host has taken: it deletes what we are done with.
namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::FakeQueues;
using testing::kQueue;
using testing::LogCapture;
using testing::storage_refusal;
using testing::World;
using Step = FakeQueues::Step;

class HostVisitTest : public ::testing::Test {
 protected:
  HostVisitTest() {
    WatcherOptions options;
    options.host_deletes = true;
    watcher = std::make_unique<Watcher>(world.for_watcher(), options);
  }
  /// What the host does with one message. Nothing when none is visible.
  std::optional<bool> trigger() {
    auto taken = run(world.queue.get()).value();
    if (taken.empty()) return std::nullopt;
    const bool done = visit(taken[0]);
    if (done) EXPECT_TRUE(run(world.queue.remove_message(taken[0].id, taken[0].pop_receipt)));
    return done;
  }
  bool visit(QueueMessage message) {
    return testing::await(world.context, watcher->visit(std::move(message)));
  }
  template <class T>
  T run(Task<T> task) {
    return testing::await(world.context, std::move(task));
  }
  Secret issue() { return world.issue().value().code; }
  CodeState state(const Secret& code) { return world.row(code).value().state; }
  FakeQueues::Message& only_message() {
    EXPECT_EQ(world.messages().size(), 1U);
    return world.messages().at(0);
  }

  World world;
  LogCapture log;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(HostVisitTest, TheFirstMakesTheCodeValidAndSendsTheMessageAgainForItsEnd) {
  const Secret code = issue();
  const std::string first = only_message().id;
  EXPECT_EQ(trigger(), true);
  EXPECT_EQ(state(code), CodeState::valid);
  EXPECT_NE(only_message().id, first);
  EXPECT_EQ(only_message().visible, world.clock.now() + 602s);
  EXPECT_EQ(world.queues.count(Step::update), 0);
  EXPECT_EQ(world.queues.count(Step::remove), 1);  // The host's.
  EXPECT_EQ(trigger(), std::nullopt);
}

TEST_F(HostVisitTest, TheSecondForgetsTheRow) {
  const Secret code = issue();
  trigger();
  world.clock.advance(602s);
  EXPECT_EQ(trigger(), true);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(world.audit.count("code_expired"), 1);
}

TEST_F(HostVisitTest, WhileTheTableFailsTheMessageHasToComeAgain) {
  const Secret code = issue();
  world.table.failure = Error{.kind = ErrorKind::unavailable,
                              .code = "Down",
                              .message = "down",
                              .retry_after = {},
                              .request_id = {},
                              .http_status = 0};
  EXPECT_EQ(trigger(), false);
  world.table.failure.reset();
  world.clock.advance(30s);
  EXPECT_EQ(trigger(), true);
  EXPECT_EQ(state(code), CodeState::valid);
}

TEST_F(HostVisitTest, WhatCannotBeSentAgainHasToComeAgain) {
  issue();
  world.queues.refuse = [](const FakeQueues::Call& call) -> std::optional<http::Response> {
    if (call.step != Step::put) return std::nullopt;
    return storage_refusal(403, "AuthorizationPermissionMismatch");
  };
  EXPECT_EQ(trigger(), false);
  EXPECT_EQ(world.messages().size(), 1U);
}

// The host moves a message that failed too often: by our own count it would be poison far earlier.
TEST_F(HostVisitTest, HowOftenAMessageCameDoesNotMatter) {
  const Secret code = issue();
  only_message().dequeue_count = 140;
  EXPECT_EQ(trigger(), true);
  EXPECT_EQ(state(code), CodeState::valid);
  EXPECT_FALSE(world.queues.exists("code-requests-poison"));
}

TEST_F(HostVisitTest, WhatIsNoMessageOfOursIsPutAsideAtOnce) {
  world.queues.add(kQueue, "hello");
  EXPECT_EQ(trigger(), true);
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(world.queues.messages("code-requests-poison").at(0).text, "hello");
}

TEST_F(HostVisitTest, TheSameMessageTwiceIsHarmless) {
  const Secret code = issue();
  const auto taken = run(world.queue.get()).value().at(0);
  EXPECT_TRUE(visit(taken));
  EXPECT_TRUE(visit(taken));  // The host died before it could delete.
  EXPECT_TRUE(run(world.queue.remove_message(taken.id, taken.pop_receipt)));
  EXPECT_EQ(world.verify(code), Verdict::accepted);
  world.clock.advance(602s);
  EXPECT_EQ(trigger(), true);
  EXPECT_EQ(trigger(), true);
  EXPECT_TRUE(world.messages().empty());
  EXPECT_FALSE(world.row(code));
}

TEST_F(HostVisitTest, BetweenOverAndForgottenItIsSentAgainOnceForTheWholeWhile) {
  const Secret code = issue();
  world.clock.advance(601s);
  EXPECT_EQ(trigger(), true);
  EXPECT_TRUE(world.row(code));
  EXPECT_EQ(only_message().visible, world.clock.now() + 2s);
  world.clock.advance(2s);
  EXPECT_EQ(trigger(), true);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
}

TEST_F(HostVisitTest, WhileOurClockIsWrongNothingIsJudged) {
  const Secret code = issue();
  const UtcTime now = world.clock.now();
  world.server_clock.saw("store", now + 1h, now, now);
  EXPECT_EQ(trigger(), false);
  EXPECT_EQ(state(code), CodeState::pending);
}

TEST(Issuer, UnannouncedLeavesTheMessageToTheCaller) {
  World world;
  IssueRequest request{.binding = {"ada", "sign-in"}, .caller = "tester"};
  const auto issued =
      testing::await(world.context, world.issuer.issue_unannounced(std::move(request)));
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(world.row(issued->code)->state, CodeState::pending);
  EXPECT_TRUE(world.queues.calls.empty());
  EXPECT_EQ(world.audit.count("code_issued"), 1);
}

}  // namespace
}  // namespace latchkey::codes
