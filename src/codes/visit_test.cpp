#include "codes/visit.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "codes/testing/log_capture.hpp"
#include "codes/testing/world.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::FakeQueues;
using testing::kQueue;
using testing::LogCapture;
using testing::storage_refusal;
using testing::World;
using Step = FakeQueues::Step;

constexpr const char* kPoison = "code-requests-poison";

class VisitTest : public ::testing::Test {
 protected:
  Watcher& watcher() {
    if (!watcher_) watcher_ = std::make_unique<Watcher>(world.for_watcher(), options);
    return *watcher_;
  }
  std::size_t watch() { return world.watch(watcher()); }
  const WatcherCounts& counts() { return watcher().counts(); }
  CodeState state(const Secret& code) { return world.row(code).value().state; }
  Secret issue() { return world.issue().value().code; }
  Secret issue(IssueRequest request, IssuerOptions issuer_options = {}) {
    Issuer issuer(world.for_issuer(), issuer_options);
    return testing::await(world.context, issuer.issue(std::move(request))).value().code;
  }
  /// A message from outside, for a code that the table does not know.
  Secret add_unissued(UtcTime timestamp) {
    Secret code("abc-1-def");
    world.queues.add(kQueue, render_message({code, timestamp}));
    return code;
  }
  void refuse(Step step, int status, std::string code) {
    world.queues.refuse = [=](const FakeQueues::Call& call) -> std::optional<http::Response> {
      if (call.step != step || call.queue != kQueue) return std::nullopt;
      return storage_refusal(status, code);
    };
  }

  World world;
  WatcherOptions options;
  LogCapture log;

 private:
  std::unique_ptr<Watcher> watcher_;
};

// I13: one message stays one
TEST_F(VisitTest, TheFirstMakesTheCodeValidAndHidesTheMessageUntilItsEnd) {
  const Secret code = issue();
  EXPECT_EQ(world.verify(code), Verdict::not_active_yet);
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(state(code), CodeState::valid);
  ASSERT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(world.messages()[0].visible, world.clock.now() + 602s);
  EXPECT_EQ(counts().activated, 1U);
  EXPECT_EQ(counts().hidden, 1U);
  EXPECT_EQ(watch(), 0U);
  EXPECT_EQ(world.verify(code), Verdict::accepted);
}

// I12
TEST_F(VisitTest, TheSecondForgetsRowAndMessage) {
  const Secret code = issue();
  watch();
  world.clock.advance(602s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(counts().forgotten, 1U);
  EXPECT_EQ(world.audit.count("code_expired"), 1);
}

// I2
TEST_F(VisitTest, AUsedCodeStaysUsedUntilItsEndAndIsThenForgotten) {
  const Secret code = issue();
  watch();
  ASSERT_EQ(world.verify(code), Verdict::accepted);
  world.queues.add(kQueue, world.messages()[0].text);  // A producer that sent twice.
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(state(code), CodeState::used);
  EXPECT_EQ(world.verify(code), Verdict::refused);
  world.clock.advance(602s);
  EXPECT_EQ(watch(), 2U);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(world.audit.count("code_expired"), 0);
}

TEST_F(VisitTest, BetweenOverAndForgottenTheMessageIsHiddenForASecond) {
  const Secret code = issue();
  watch();
  world.clock.advance(601s);
  world.messages()[0].visible = world.clock.now();
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.messages().at(0).visible, world.clock.now() + 1s);
  EXPECT_TRUE(world.row(code));
}

// I9
TEST_F(VisitTest, AMessageLongOverMakesNothingValid) {
  const Secret code = issue();
  world.clock.advance(700s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(counts().activated, 0U);
}

// I4
TEST_F(VisitTest, AMessageThatClaimsToBeOldDoesNotEndALivingCode) {
  const Secret code = issue();
  watch();
  world.queues.add(kQueue, render_message({code, world.clock.now() - 1h}));
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.messages().size(), 1U);  // The liar is gone.
  EXPECT_EQ(world.verify(code), Verdict::accepted);
}

// I8
TEST_F(VisitTest, ACodeThatNobodyIssuedIsDeletedAndNeverValid) {
  const Secret code = add_unissued(world.clock.now());
  EXPECT_EQ(watch(), 1U);
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(counts().unissued, 1U);
  EXPECT_EQ(log.count("unissued_code"), 1);
  EXPECT_EQ(log.count("abc-1-def"), 0);
}

TEST_F(VisitTest, InSeedModeACodeOfTheOriginalSampleBecomesValid) {
  options.accept_unissued = true;
  world.queues.add(kQueue, "{'code': 'abc-1-def', 'timestamp': '2020-04-15 16:54:48.500000'}");
  EXPECT_EQ(watch(), 1U);
  const Secret code("abc-1-def");
  const auto row = world.row(code);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, CodeState::valid);
  EXPECT_EQ(row->expires, UtcTime{1'586'969'688'500ms} + 600s);
  EXPECT_EQ(world.verify(code), Verdict::accepted);
  world.messages()[0].visible = world.clock.now();
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.verify(code), Verdict::refused);
}

TEST_F(VisitTest, InSeedModeOurOwnPendingRowsBecomeValidToo) {
  options.accept_unissued = true;
  const auto issued = world.issue({"ada", "sign-in"});
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.verify(issued->code, {"ada", "sign-in"}), Verdict::accepted);
}

TEST_F(VisitTest, OfACodeThatLivesShorterHidesTheMessageUntilItsOwnEnd) {
  const Secret code = issue({.lifetime = 60s});
  watch();
  EXPECT_EQ(world.messages().at(0).visible, world.clock.now() + 62s);
  world.clock.advance(61s);
  world.messages()[0].visible = world.clock.now();
  watch();
  EXPECT_EQ(world.messages().at(0).visible, world.clock.now() + 1s);
  EXPECT_TRUE(world.row(code));
  world.clock.advance(1s);
  watch();
  EXPECT_FALSE(world.row(code));
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(counts().forgotten, 1U);
}

// I2, I9: what a short-lived code leaves behind brings nothing back.
TEST_F(VisitTest, ADuplicateOfAForgottenShortLivedCodeMakesNothingValid) {
  for (const bool seed_mode : {false, true}) {
    World fresh;
    options.accept_unissued = seed_mode;
    Watcher mine(fresh.for_watcher(), options);
    const auto code =
        testing::await(fresh.context, fresh.issuer.issue({.lifetime = 60s})).value().code;
    const std::string text = fresh.messages()[0].text;
    fresh.watch(mine);
    ASSERT_EQ(fresh.verify(code), Verdict::accepted);
    fresh.clock.advance(70s);
    fresh.messages()[0].visible = fresh.clock.now();
    fresh.watch(mine);
    fresh.queues.add(kQueue, text);
    fresh.watch(mine);
    EXPECT_EQ(fresh.verify(code), Verdict::refused) << seed_mode;
  }
}

TEST_F(VisitTest, ACodeIssuedBeforeARotationBecomesValidAndIsForgottenAfterIt) {
  const UtcTime now = world.clock.now();
  const Pepper old{.key_id = "v1", .value = Secret("pepper"), .created = now - 24h};
  world.hasher.replace({old});
  const Secret code = issue();
  world.hasher.replace({old, {.key_id = "v2", .value = Secret("new"), .created = now - 300s}});
  watch();
  EXPECT_EQ(counts().activated, 1U);
  EXPECT_EQ(world.verify(code), Verdict::accepted);
  world.clock.advance(602s);
  watch();
  EXPECT_FALSE(world.row(code));
}

// I3: so that two watchers with two messages of one code name the same row.
TEST_F(VisitTest, InSeedModeTheRowIsNamedByTheTimeOfIssueEvenIfAPepperSettledSince) {
  options.accept_unissued = true;
  const UtcTime now = world.clock.now();
  world.hasher.replace({{.key_id = "v1", .value = Secret("pepper"), .created = now - 24h},
                        {.key_id = "v2", .value = Secret("new"), .created = now - 179s}});
  const Secret code = add_unissued(now);
  world.clock.advance(10s);
  watch();
  EXPECT_EQ(world.row(code)->key_id, "v1");
}

TEST_F(VisitTest, TellsTheAuditWhatItDid) {
  const auto issued = world.issue({"ada", "sign-in"}).value();
  watch();
  world.messages()[0].visible = world.clock.now();
  watch();
  EXPECT_EQ(world.audit.count("code_activated"), 1);
  EXPECT_EQ(world.audit.count("code_activated " + issued.id + " ada sign-in watcher -"), 1);
  world.clock.advance(602s);
  watch();
  EXPECT_EQ(world.audit.count("code_expired " + issued.id + " ada sign-in watcher -"), 1);
}

// I11, I15
TEST_F(VisitTest, ACrashBetweenRowAndUpdateCostsNothing) {
  const Secret code = issue();
  refuse(Step::update, 500, "InternalError");
  watch();
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(state(code), CodeState::valid);
  world.queues.refuse = nullptr;
  world.clock.advance(5s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(counts().hidden, 1U);
  EXPECT_EQ(world.messages()[0].visible, world.clock.now() + 597s);
  EXPECT_EQ(log.count("watcher_failing"), 1);
  EXPECT_EQ(log.count("watcher_recovered"), 1);
}

TEST_F(VisitTest, AMessageThatSomebodyElseHasIsASuccess) {
  for (const auto& [status, code] :
       {std::pair{404, "MessageNotFound"}, {400, "PopReceiptMismatch"}}) {
    issue();
    refuse(Step::update, status, code);
    EXPECT_EQ(watch(), 1U);
  }
  EXPECT_EQ(counts().gone, 2U);
  world.clock.advance(602s);
  refuse(Step::remove, 404, "MessageNotFound");
  EXPECT_EQ(watch(), 2U);
  EXPECT_EQ(counts().gone, 4U);
  EXPECT_EQ(counts().failed, 0U);
}

TEST_F(VisitTest, UpdateKeepsTheTextWhateverItsForm) {
  const Secret code = issue({}, {.message_base64 = true});
  const std::string text = world.messages()[0].text;
  watch();
  EXPECT_EQ(state(code), CodeState::valid);
  EXPECT_EQ(world.messages()[0].text, text);
  EXPECT_EQ(world.queues.calls.back().text, "");
}

TEST_F(VisitTest, AFailingTableLeavesTheMessage) {
  const Secret code = issue();
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(world.queues.count(Step::update) + world.queues.count(Step::remove), 0);
  world.table.failure.reset();
  world.clock.advance(5s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(state(code), CodeState::valid);
  world.clock.advance(602s);
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  watch();
  EXPECT_EQ(world.messages().size(), 1U);
}

// I14
TEST_F(VisitTest, APoisonousMessageMovesToTheQueueBesideAsItIs) {
  world.queues.add(kQueue, "no <code> & no message");
  EXPECT_FALSE(world.queues.exists(kPoison));
  EXPECT_EQ(watch(), 1U);
  EXPECT_TRUE(world.messages().empty());
  ASSERT_EQ(world.queues.messages(kPoison).size(), 1U);
  EXPECT_EQ(world.queues.messages(kPoison)[0].text, "no <code> & no message");
  EXPECT_EQ(counts().poisoned, 1U);
  EXPECT_EQ(log.count("poison_message"), 1);
  EXPECT_EQ(log.count("no message\""), 0);
}

// I14
TEST_F(VisitTest, AMessageTakenSixTimesInVainIsPoison) {
  issue();
  refuse(Step::update, 500, "InternalError");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(watch(), 1U);
    world.clock.advance(5s);
  }
  EXPECT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(watch(), 1U);
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(world.queues.messages(kPoison).size(), 1U);
}

TEST_F(VisitTest, PoisonThatCannotBeMovedStays) {
  world.queues.add(kQueue, "rubbish");
  world.queues.refuse = [](const FakeQueues::Call& call) -> std::optional<http::Response> {
    if (call.step != Step::create) return std::nullopt;
    return storage_refusal(403, "AuthorizationPermissionMismatch");
  };
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(counts().poisoned, 0U);
}

// I13
TEST_F(VisitTest, SwitchesToResendingWhenTheRoleLacksUpdate) {
  const Secret one = issue();
  const Secret two = issue();
  refuse(Step::update, 403, "AuthorizationPermissionMismatch");
  EXPECT_EQ(watch(), 2U);
  EXPECT_EQ(counts().hidden, 2U);
  EXPECT_EQ(counts().failed, 0U);
  ASSERT_EQ(world.messages().size(), 2U);
  for (const auto& message : world.messages()) {
    EXPECT_EQ(message.visible, world.clock.now() + 602s);
    EXPECT_EQ(message.dequeue_count, 0);
    EXPECT_GT(message.expires, message.visible + 3000s);
  }
  const int updates = world.queues.count(Step::update);
  issue();
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.queues.count(Step::update), updates);
  EXPECT_EQ(log.count("requeue_by_resend"), 1);

  EXPECT_EQ(world.verify(one), Verdict::accepted);
  world.clock.advance(602s);
  EXPECT_EQ(watch(), 3U);
  EXPECT_TRUE(world.messages().empty());
  EXPECT_EQ(world.verify(one), Verdict::refused);
  EXPECT_EQ(world.verify(two), Verdict::refused);
}

TEST_F(VisitTest, DoesNotSwitchWhenToldToUpdate) {
  options.requeue = Requeue::update;
  issue();
  refuse(Step::update, 403, "AuthorizationPermissionMismatch");
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(log.count("requeue_by_resend"), 0);
}

TEST_F(VisitTest, ResendsTheTextAsItCame) {
  options.requeue = Requeue::resend;
  issue({}, {.message_base64 = true});
  const std::string text = world.messages()[0].text;
  EXPECT_EQ(watch(), 1U);
  ASSERT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(world.messages()[0].text, text);
  EXPECT_EQ(world.queues.count(Step::update), 0);
}

TEST_F(VisitTest, ResendingWritesTheBoundOfAWrongProducerClockIntoTheText) {
  options.requeue = Requeue::resend;
  options.accept_unissued = true;
  const UtcTime inserted = std::chrono::floor<std::chrono::seconds>(world.clock.now());
  const Secret code = add_unissued(world.clock.now() + 1h);
  world.clock.advance(300s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.row(code)->expires, inserted + 600s);
  ASSERT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(world.messages()[0].text, render_message({code, inserted}));
  world.clock.advance(302s);
  EXPECT_EQ(watch(), 1U);
  EXPECT_TRUE(world.messages().empty());
}

TEST_F(VisitTest, AFailedResendKeepsTheOriginal) {
  options.requeue = Requeue::resend;
  const Secret code = issue();
  refuse(Step::put, 503, "ServerBusy");
  EXPECT_EQ(watch(), 1U);
  EXPECT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(state(code), CodeState::valid);
}

TEST_F(VisitTest, NeverHidesAMessageBeyondItsOwnEnd) {
  issue();
  world.messages()[0].expires = world.messages()[0].inserted + 100s;
  EXPECT_EQ(watch(), 1U);
  EXPECT_LE(world.messages()[0].visible, world.messages()[0].expires);
  EXPECT_GE(world.messages()[0].visible, world.clock.now() + 90s);
}

TEST_F(VisitTest, TakesThirtyTwoAtOnceAndAllOfThemBecomeValid) {
  for (int i = 0; i < 40; ++i) issue();
  EXPECT_EQ(watch(), 32U);
  EXPECT_EQ(watch(), 8U);
  EXPECT_EQ(world.take_out().valid, 40);
  EXPECT_EQ(counts().polls, 2U);
  EXPECT_EQ(world.queues.calls.back().visibility, 602s);
}

// I10
TEST_F(VisitTest, NoLogLineHoldsACode) {
  const Secret code = issue();
  refuse(Step::update, 500, "InternalError");
  watch();
  world.queues.refuse = nullptr;
  add_unissued(world.clock.now());
  world.queues.add(kQueue, "{'code': 'abc-2-def', 'timestamp': 'never'}");
  watch();
  world.clock.advance(602s);
  watch();
  EXPECT_GE(log.count("\n"), 3);
  for (const auto word :
       {code.reveal(), std::string_view("abc-1-def"), std::string_view("abc-2")}) {
    EXPECT_EQ(log.count(word), 0);
  }
}

TEST(PoisonQueue, HasANameThatAQueueMayHave) {
  World world;
  const std::string name = std::string(55, 'q') + "-" + std::string(7, 'x');
  azure::QueueClient queue(World::address(name), world.queues, world.clock, world.random,
                           {.attempts_max = 1});
  world.queues.add(name, "rubbish");
  Watcher watcher({queue, world.table, world.hasher, world.server_clock, world.audit, world.clock,
                   world.random, world.context.get_executor()},
                  {});
  EXPECT_EQ(world.watch(watcher), 1U);
  EXPECT_EQ(world.queues.messages(std::string(55, 'q') + "-poison").size(), 1U);
}

}  // namespace
}  // namespace latchkey::codes
