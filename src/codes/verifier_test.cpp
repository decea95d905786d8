#include "codes/verifier.hpp"

#include <gtest/gtest.h>

#include "codes/testing/log_capture.hpp"
#include "codes/testing/world.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::await;

class VerifierTest : public ::testing::Test {
 protected:
  static Binding ada() { return {"ada", "sign-in"}; }
  void issue(const std::string& code, CodeState state = CodeState::valid, Binding binding = {}) {
    CodeRow row{.key = key(code),
                .key_id = "v1",
                .id = "id of " + code.substr(4, 1),
                .issued = world.clock.now(),
                .expires = world.clock.now() + 600s,
                .state = state,
                .binding = std::move(binding)};
    Limits limits;
    limits.newest_only = false;
    ASSERT_TRUE(await(world.context, world.table.insert(std::move(row), limits)));
  }
  Sha256 key(std::string_view code) { return world.hasher.hash_new(code, world.clock.now()).key; }
  static VerifyRequest request(std::string code, Binding binding = {}, std::string key = {}) {
    return {.code = Secret(std::move(code)),
            .binding = std::move(binding),
            .caller = "tester",
            .idempotency_key = std::move(key)};
  }
  Result<VerifyAnswer> ask(VerifyRequest asked) {
    return await(world.context, verifier.verify(std::move(asked)));
  }
  Verdict verify(std::string code, Binding binding = {}, std::string key = {}) {
    return ask(request(std::move(code), std::move(binding), std::move(key))).value().verdict;
  }
  int events(std::string_view words) { return world.audit.count(words); }

  testing::World world;
  RateLimiter failures{world.clock, {.count = 100, .window = 60s}, {.count = 200, .window = 60s}};
  Verifier verifier{{world.table, world.hasher, failures, world.audit, world.clock}, {}};
};

// I3
TEST_F(VerifierTest, AcceptsAValidCodeOnce) {
  issue("abc-1-def");
  const auto answer = ask(request("abc-1-def")).value();
  EXPECT_EQ(answer.verdict, Verdict::accepted);
  EXPECT_EQ(answer.id, "id of 1");
  EXPECT_EQ(answer.failures_left, 100);
  EXPECT_EQ(verify("abc-1-def"), Verdict::refused);
}

TEST_F(VerifierTest, RefusesWhatWasNeverIssuedOrHasNoCodesForm) {
  issue("abc-1-def");
  for (const char* code : {"abc-1-deF", "abc-2-def", "", "abc-1-def ", "x", "abc-01-def"}) {
    EXPECT_EQ(verify(code), Verdict::refused) << code;
  }
  EXPECT_EQ(verify("abc-1-def"), Verdict::accepted);
}

// Enumeration: what has no code's form goes the same way, so that it takes the same time.
TEST_F(VerifierTest, WhatHasNoCodesFormIsCountedLikeAWrongCode) {
  issue("abc-1-def", CodeState::valid, ada());
  for (int i = 0; i < 5; ++i) {
    const int calls = world.table.calls;
    EXPECT_EQ(ask(request("no code", ada()))->failures_left, 99 - i);
    EXPECT_EQ(world.table.calls, calls + 1);
  }
  EXPECT_EQ(verify("abc-1-def", ada()), Verdict::refused);
}

TEST_F(VerifierTest, ARefusalDoesNotTellWhoseCodeItWas) {
  issue("abc-1-def", CodeState::valid, ada());
  const auto other = ask(request("abc-1-def", {"eve", "sign-in"})).value();
  const auto unknown = ask(request("abc-9-def", {"bob", "sign-in"})).value();
  EXPECT_EQ(other.verdict, unknown.verdict);
  EXPECT_EQ(other.id, "");
  EXPECT_EQ(other.failures_left, unknown.failures_left);
}

// I7
TEST_F(VerifierTest, AWrongSubjectOrPurposeDoesNotUseTheCodeUp) {
  issue("abc-1-def", CodeState::valid, ada());
  EXPECT_EQ(verify("abc-1-def"), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", {"ada", "payment"}), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", {"eve", "sign-in"}), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", ada()), Verdict::accepted);
}

// I1
TEST_F(VerifierTest, AcceptsInTheLastMicrosecondAndRefusesFromTheEndOn) {
  issue("abc-1-def");
  issue("abc-2-def");
  world.clock.advance(600s - 1us);
  EXPECT_EQ(verify("abc-1-def"), Verdict::accepted);
  world.clock.advance(1us);
  EXPECT_EQ(verify("abc-2-def"), Verdict::refused);
}

// I1: the second look at the clock.
TEST_F(VerifierTest, LooksAtTheClockAgainAfterTheTableAnswered) {
  issue("abc-1-def");
  world.clock.advance(599s);
  world.table.before_answer = [this] { world.clock.advance(1s); };  // The table took its time.
  EXPECT_EQ(verify("abc-1-def"), Verdict::refused);
  EXPECT_EQ(events("code_refused id of 1 - - tester expired"), 1);
  world.table.before_answer = nullptr;
  // The code is burned: turning the clock back does not bring it back.
  world.clock.jump(-300s);
  EXPECT_EQ(verify("abc-1-def"), Verdict::refused);
}

// I3: the same idempotency key counts once.
TEST_F(VerifierTest, ARetryWithTheSameIdempotencyKeyGetsTheSameAnswer) {
  issue("abc-1-def");
  EXPECT_EQ(verify("abc-1-def", {}, "retry-1"), Verdict::accepted);
  world.clock.advance(2s);
  EXPECT_EQ(verify("abc-1-def", {}, "retry-1"), Verdict::accepted);
  EXPECT_EQ(verify("abc-1-def", {}, "retry-2"), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def"), Verdict::refused);
  EXPECT_EQ(events("code_accepted id of 1 - - tester -"), 1);
  EXPECT_EQ(events("code_accepted id of 1 - - tester repeated"), 1);
}

// I2: a stolen idempotency key is worth nothing.
TEST_F(VerifierTest, AnotherCallerWithTheSameIdempotencyKeyIsRefused) {
  issue("abc-1-def");
  EXPECT_EQ(verify("abc-1-def", {}, "retry-1"), Verdict::accepted);
  auto thief = request("abc-1-def", {}, "retry-1");
  thief.caller = "thief";
  EXPECT_EQ(ask(thief)->verdict, Verdict::refused);
}

TEST_F(VerifierTest, FailsClosedWhenTheTableCannotAnswer) {
  issue("abc-1-def");
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  auto answer = ask(request("abc-1-def"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::storage);
  EXPECT_EQ(events("code_accepted"), 0);
}

// I6
TEST_F(VerifierTest, TheFifthGuessRevokesTheCode) {
  issue("abc-1-def", CodeState::valid, ada());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(verify("abc-9-def", ada()), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", ada()), Verdict::refused);
  EXPECT_EQ(events("code_refused - ada sign-in tester unknown"), 5);
  EXPECT_EQ(events("code_revoked id of 1 ada sign-in tester attempts"), 1);
  EXPECT_EQ(events("code_refused id of 1 ada sign-in tester revoked"), 1);
}

TEST_F(VerifierTest, ManyFailuresInARowAreThrottledWhoeverAsks) {
  for (int i = 0; i < 100; ++i) {
    auto asked = request("abc-9-def", ada());
    asked.caller = "bot " + std::to_string(i);
    ASSERT_EQ(ask(asked)->verdict, Verdict::refused) << i;
  }
  const auto answer = ask(request("abc-9-def", ada())).value();
  EXPECT_EQ(answer.verdict, Verdict::throttled);
  EXPECT_EQ(answer.retry_after, 30s);
  EXPECT_EQ(answer.failures_left, 0);
  EXPECT_EQ(events("attempt_throttled - ada sign-in tester throttled"), 1);
}

TEST_F(VerifierTest, ACallerMayFailOnlySoOften) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(verify("abc-9-def", {"user " + std::to_string(i), ""}), Verdict::refused);
  }
  const int calls = world.table.calls;
  const auto answer = ask(request("abc-9-def", {"somebody else", ""})).value();
  EXPECT_EQ(answer.verdict, Verdict::throttled);
  EXPECT_EQ(answer.retry_after, 1s);
  EXPECT_EQ(world.table.calls, calls);
  EXPECT_EQ(events("attempt_throttled - somebody else - tester caller"), 1);
}

TEST_F(VerifierTest, WhatIsNoFailureCostsTheCallerNothing) {
  issue("abc-2-def", CodeState::pending);
  for (int i = 0; i < 150; ++i) {
    ASSERT_EQ(verify("abc-2-def"), Verdict::not_active_yet) << i;
  }
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  for (int i = 0; i < 150; ++i) ASSERT_FALSE(ask(request("abc-2-def")));
  world.table.failure.reset();
  issue("abc-1-def");
  for (int i = 0; i < 150; ++i) {
    ASSERT_EQ(verify("abc-1-def", {}, "same"), Verdict::accepted) << i;
  }
}

TEST_F(VerifierTest, SaysNotActiveYetToTheCodesOwnSubjectOnly) {
  issue("abc-1-def", CodeState::pending, ada());
  EXPECT_EQ(verify("abc-1-def", ada()), Verdict::not_active_yet);
  EXPECT_EQ(verify("abc-1-def", {"eve", "sign-in"}), Verdict::refused);
  EXPECT_EQ(events("code_refused id of 1 ada sign-in tester pending"), 1);
}

/// A verification that waits beside the test.
class WaitingTest : public VerifierTest {
 protected:
  void start(std::chrono::milliseconds wait) {
    issue("abc-1-def", CodeState::pending);
    auto asked = request("abc-1-def");
    asked.wait = wait;
    group.spawn("verify", store(verifier, std::move(asked), verdict));
    settle();
  }
  static Task<> store(Verifier& verifier, VerifyRequest asked, std::optional<Verdict>& verdict) {
    auto answer = co_await verifier.verify(std::move(asked));
    verdict = answer.value().verdict;
  }
  void settle() {
    do {
      world.context.restart();
      if (world.table.in_flight > 0) world.context.run_one();
      world.context.poll();
    } while (world.table.in_flight > 0);
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 10ms) {
      world.clock.advance(10ms);
      settle();
    }
  }
  ~WaitingTest() override {
    group.cancel();
    settle();
  }
  TaskGroup group{world.context.get_executor()};
  std::optional<Verdict> verdict;
};

TEST_F(WaitingTest, AUserWhoWasFasterThanTheWatcherIsAcceptedAsSoonAsTheCodeIsActive) {
  start(2s);
  pass(500ms);
  EXPECT_FALSE(verdict);
  ASSERT_TRUE(await(world.context, world.store->activate({key("abc-1-def")}, world.clock.now())));
  pass(50ms);
  EXPECT_EQ(verdict, Verdict::accepted);
}

TEST_F(WaitingTest, GivesUpWhenTheWaitIsOver) {
  start(2s);
  pass(1'900ms);
  EXPECT_FALSE(verdict);
  pass(100ms);
  EXPECT_EQ(verdict, Verdict::not_active_yet);
  EXPECT_EQ(events("tester pending"), 1);  // One event, however often it asked.
}

TEST_F(WaitingTest, WaitsNoLongerThanTheLongestWait) {
  start(1h);
  pass(4'900ms);
  EXPECT_FALSE(verdict);
  pass(100ms);
  EXPECT_EQ(verdict, Verdict::not_active_yet);
}

// I1
TEST_F(WaitingTest, ACodeThatEndsMeanwhileIsRefused) {
  start(5s);
  world.clock.advance(600s);
  settle();
  EXPECT_EQ(verdict, Verdict::refused);
}

// I10
TEST_F(VerifierTest, NoLogLineAndNoEventHoldsACode) {
  const testing::LogCapture log;
  issue("abc-1-def", CodeState::valid, ada());
  verify("abc-1-def", {"eve", ""});
  verify("abc-1-def", ada());
  verify("abc-1-def", ada());
  EXPECT_EQ(world.audit.events.size(), 3U);
  EXPECT_EQ(events("abc-1-def"), 0);
  EXPECT_EQ(log.count("abc-1-def"), 0);
}

}  // namespace
}  // namespace latchkey::codes
