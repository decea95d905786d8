#include "codes/issuer.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "codes/testing/world.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::FakeQueues;
using testing::storage_refusal;
using testing::World;

TEST(Issuer, PutsRowAndMessageBeforeItAnswers) {
  World world;
  const auto issued = world.issue({"ada", "sign-in"});
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(is_code_form(issued->code.reveal()));
  EXPECT_NE(issued->code.reveal().find("-161-"), std::string::npos);
  EXPECT_EQ(issued->issued, world.clock.now());
  EXPECT_EQ(issued->expires, world.clock.now() + 600s);

  const auto row = world.row(issued->code);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, CodeState::pending);
  EXPECT_EQ(row->issued, issued->issued);
  EXPECT_EQ(row->expires, issued->expires);
  EXPECT_EQ(row->id, issued->id);
  EXPECT_EQ(row->binding, (Binding{"ada", "sign-in"}));
  EXPECT_EQ(row->key_id, "v1");

  ASSERT_EQ(world.messages().size(), 1U);
  EXPECT_EQ(world.messages()[0].text, render_message({issued->code, issued->issued}));
  EXPECT_EQ(world.messages()[0].visible, world.clock.now());
}

// I15
TEST(Issuer, TheRowIsThereBeforeTheMessage) {
  World world;
  world.queues.refuse = [&](const FakeQueues::Call&) -> std::optional<http::Response> {
    EXPECT_EQ(world.table.calls, 1);  // Inserted and answered.
    EXPECT_EQ(world.table.in_flight, 0);
    return std::nullopt;
  };
  EXPECT_TRUE(world.issue());
  EXPECT_EQ(world.queues.calls.size(), 1U);
}

TEST(Issuer, TheMessageOutlivesItsCodeByAnHourAndTheClocksError) {
  World world;
  ASSERT_TRUE(world.issue());
  EXPECT_EQ(world.queues.calls[0].time_to_live, 600s + 2s + 3600s);
  EXPECT_EQ(world.queues.calls[0].visibility, std::nullopt);
}

TEST(Issuer, SendsBase64WhenTold) {
  World world;
  world.options.message_base64 = true;
  Issuer issuer(world.for_issuer(), world.options);
  const auto issued = testing::await(world.context, issuer.issue({}));
  ASSERT_TRUE(issued);
  const auto text = render_message({issued->code, issued->issued});
  EXPECT_EQ(world.messages().at(0).text, to_base64(text));
}

TEST(Issuer, WithoutANumberNothingIsWritten) {
  World world;
  world.number_http.queue(http::text_response(418, ""));
  const auto issued = world.issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, "NumberApiStatus");
  EXPECT_EQ(issued.error().http_status, 418);
  EXPECT_EQ(world.table.calls, 0);
  EXPECT_TRUE(world.queues.calls.empty());
}

TEST(Issuer, AFailingTableKeepsTheMessageBack) {
  World world;
  world.table.failure = fail(ErrorKind::storage, "StorageFull", "disk full").value();
  const auto issued = world.issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(issued.error().code, "TableUnavailable");
  EXPECT_NE(issued.error().message.find("disk full"), std::string::npos);
  EXPECT_TRUE(world.queues.calls.empty());
}

TEST(Issuer, AFailingPutRevokesTheRow) {
  World world;
  world.queues.refuse = [](const FakeQueues::Call&) {
    return storage_refusal(403, "AuthenticationFailed");
  };
  const auto issued = world.issue();
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(issued.error().code, "QueueUnavailable");
  EXPECT_EQ(issued.error().http_status, 0);
  EXPECT_NE(issued.error().message.find("code-requests"), std::string::npos);
  const auto counts = world.take_out();
  EXPECT_EQ(counts.revoked, 1);
  EXPECT_EQ(counts.total(), 1);
}

// I2
TEST(Issuer, ACodeWhosePutLostItsAnswerNeverBecomesValid) {
  World world;
  world.queues.lose_answer = [](const FakeQueues::Call& call) {
    return call.step == FakeQueues::Step::put;
  };
  EXPECT_FALSE(world.issue());
  ASSERT_EQ(world.messages().size(), 1U);
  world.queues.lose_answer = nullptr;
  Watcher watcher(world.for_watcher(), {});
  EXPECT_EQ(world.watch(watcher), 1U);
  const auto message = parse_message(world.messages().at(0).text);
  EXPECT_EQ(world.row(message->code)->state, CodeState::revoked);
  EXPECT_EQ(world.verify(message->code), Verdict::refused);
}

/// Gives the same bytes again and again, `stuck_fills` times.
class StuckRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    ++fills;
    const auto byte = static_cast<std::uint8_t>(fills > stuck_fills ? fills : 1);
    for (auto& b : bytes) b = byte;
  }
  int stuck_fills = 0;
  int fills = 0;
};
/// What one code takes: two for the id, six letters.
constexpr int kFillsPerDraw = 8;

TEST(Issuer, ACollisionDrawsAgainAndLeavesTheOtherCodeAlone) {
  World world;
  StuckRandom random;
  Issuer issuer({world.number_api, world.queues_of_issuer, world.table, world.hasher,
                 world.unlimited, world.audit, world.clock, random},
                {});
  random.stuck_fills = 3 * kFillsPerDraw;  // The first, and two that collide.
  const auto first = testing::await(world.context, issuer.issue({.binding = {"ada", ""}}));
  const auto second = testing::await(world.context, issuer.issue({.binding = {"eve", ""}}));
  ASSERT_TRUE(first);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(first->code.reveal(), second->code.reveal());
  EXPECT_EQ(world.row(first->code)->binding.subject, "ada");
  EXPECT_EQ(world.row(second->code)->binding.subject, "eve");
  EXPECT_EQ(world.messages().size(), 2U);
}

TEST(Issuer, GivesUpWhenEveryDrawCollides) {
  World world;
  StuckRandom random;
  random.stuck_fills = 1'000'000;
  Issuer issuer({world.number_api, world.queues_of_issuer, world.table, world.hasher,
                 world.unlimited, world.audit, world.clock, random},
                {});
  ASSERT_TRUE(testing::await(world.context, issuer.issue({})));
  const auto again = testing::await(world.context, issuer.issue({}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "TableUnavailable");
  EXPECT_EQ(random.fills, 6 * kFillsPerDraw);
  EXPECT_EQ(world.messages().size(), 1U);
}

TEST(Issuer, TakesALifetimeForOneRequest) {
  World world;
  const auto issued = testing::await(world.context, world.issuer.issue({.lifetime = 90s}));
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->expires, world.clock.now() + 90s);
  EXPECT_EQ(world.row(issued->code)->expires, world.clock.now() + 90s);
}

TEST(Issuer, ALimitOfTheCallerCostsTheThirdPartyNothing) {
  World world;
  RateLimiter callers(world.clock, {.count = 2, .window = 60s}, {.count = 0});
  Issuer issuer({world.number_api, world.queues_of_issuer, world.table, world.hasher, callers,
                 world.audit, world.clock, world.random},
                {});
  const auto issue = [&] { return testing::await(world.context, issuer.issue({.caller = "app"})); };
  EXPECT_TRUE(issue());
  EXPECT_TRUE(issue());
  const auto asked = world.number_http.calls.size();
  const auto refused = issue();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::throttled);
  EXPECT_EQ(refused.error().code, "IssueLimit");
  EXPECT_EQ(refused.error().retry_after, 30s);
  EXPECT_EQ(world.number_http.calls.size(), asked);
  EXPECT_EQ(world.audit.count("issue_refused - - - app caller"), 1);
  world.clock.advance(30s);
  EXPECT_TRUE(issue());
}

TEST(Issuer, ASubjectGetsFiveInTenMinutes) {
  World world;
  for (int i = 4; i >= 0; --i) {
    const auto issued = world.issue({"ada", "sign-in"});
    ASSERT_TRUE(issued);
    EXPECT_EQ(issued->quota->left, i);
    EXPECT_EQ(issued->quota->reset, 600s);
  }
  world.clock.advance(60s);
  const auto refused = world.issue({"ada", "payment"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::throttled);
  EXPECT_EQ(refused.error().code, "IssueLimit");
  EXPECT_EQ(refused.error().retry_after, 540s);
  EXPECT_EQ(world.messages().size(), 5U);
  EXPECT_EQ(world.audit.count("issue_refused - ada payment tester subject"), 1);
  EXPECT_TRUE(world.issue({"eve", "sign-in"}));
  world.clock.advance(540s);
  EXPECT_TRUE(world.issue({"ada", "sign-in"}));
}

TEST(Issuer, WithoutASubjectThereIsNoQuota) {
  World world;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(world.issue()->quota, std::nullopt);
}

TEST(Issuer, ANewCodeMakesTheOlderOneUseless) {
  World world;
  Watcher watcher(world.for_watcher(), {});
  const auto older = world.issue({"ada", "sign-in"}).value();
  world.watch(watcher);
  const auto newer = world.issue({"ada", "sign-in"}).value();
  world.watch(watcher);
  EXPECT_EQ(world.verify(older.code, {"ada", "sign-in"}), Verdict::refused);
  EXPECT_EQ(world.verify(newer.code, {"ada", "sign-in"}), Verdict::accepted);
  EXPECT_EQ(world.audit.count("code_revoked " + older.id + " ada sign-in tester superseded"), 1);
}

TEST(Issuer, TellsTheAuditWhatItDid) {
  World world;
  const auto issued = world.issue({"ada", "sign-in"}).value();
  EXPECT_EQ(world.audit.events,
            std::vector<std::string>{"code_issued " + issued.id + " ada sign-in tester -"});
  world.queues.refuse = [](const FakeQueues::Call&) {
    return storage_refusal(403, "AuthenticationFailed");
  };
  ASSERT_FALSE(world.issue({"eve", ""}));
  ASSERT_EQ(world.audit.events.size(), 3U);
  EXPECT_EQ(world.audit.count("code_issued"), 2);
  EXPECT_EQ(world.audit.count("eve - tester queue_failed"), 1);
  EXPECT_EQ(world.audit.count(issued.code.reveal()), 0);  // I10
}

}  // namespace
}  // namespace latchkey::codes
