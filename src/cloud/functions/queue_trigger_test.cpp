#include "cloud/functions/queue_trigger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "cloud/functions/polling_delay.hpp"
#include "cloud/queues/testing/queue_world.hpp"

namespace latchkey::cloud {
namespace {

using namespace std::chrono_literals;
using http::Method;

using Texts = std::vector<std::string>;

/// A trigger on the real queue service, with time that a test moves and a function that ends when
/// the test says so.
class QueueTriggerTest : public ::testing::Test {
 protected:
  QueueTriggerTest() : queues_(connection(), access(), world_.clock) {
    for (const auto* name : {"orders", "old-poison", "turns"}) make(name);
  }

  ~QueueTriggerTest() override {
    if (trigger_) run_to_end(world_.context, trigger_->drain(0s));
  }

  QueueConnection connection() const {
    QueueConnection made;
    made.name = "Test";
    made.endpoint = "https://acc.queue.core.windows.net";
    made.account = "acc";
    made.account_key = world_.key1;
    return made;
  }
  QueueAccess access() {
    return {.service = [this](const http::Request& request) { return ask(request); },
            .token = {},
            .serves = [](std::string_view) { return true; }};
  }
  Task<http::Response> ask(const http::Request& request) {
    calls_.push_back(request.method_name + " " + std::string(request.path()));
    const bool refused = !refused_.empty() && calls_.back().starts_with(refused_);
    return refused ? refuse() : world_.service->handler()(request);
  }
  static Task<http::Response> refuse() { co_return http::text_response(403, "no"); }

  void start(QueueTriggerSettings settings = {}, std::string queue = "orders") {
    trigger_ = std::make_unique<QueueTrigger>(
        QueueTrigger::Options{.function = "work", .queue = std::move(queue), .settings = settings},
        QueueTrigger::World{.clock = world_.clock,
                            .random = world_.random,
                            .executor = world_.context.get_executor(),
                            .queues = queues_},
        [this](const wire::QueueMessage& message) { return run(message.text); },
        [this] { return ready_; });
    trigger_->start();
    turn();
  }
  /// Ends when the test has put an outcome for that text.
  Task<Result<>> run(std::string text) {
    begun_.push_back(text);
    while (!outcomes_.contains(text)) co_await world_.clock.sleep_for(1s);
    if (outcomes_.at(text)) co_return Result<>{};
    co_return fail(ErrorKind::protocol, "Failed", "as the test wants it");
  }
  void make(const std::string& queue) {
    world_.signed_send({.method = Method::put, .target = "/acc/" + queue});
  }
  void put(std::string_view text, const std::string& queue = "orders") {
    world_.signed_send({.method = Method::post,
                        .target = "/acc/" + queue + "/messages",
                        .body = world_.put_body(text)});
  }
  /// Lets what needs no time come to its end: the journal answers in the order of the writes.
  void turn() {
    for (int round = 0; round < 4; ++round) put("turn", "turns");
  }
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step = 1s) {
    for (auto left = time; left > 0ms; left -= std::min(left, step)) {
      world_.clock.advance(std::min(left, step));
      turn();
    }
  }
  template <class Condition>
  bool until(Condition condition) {
    for (int round = 0; round < 1000 && !condition(); ++round) pass(200ms, 200ms);
    return condition();
  }
  Texts visible(const std::string& queue) {
    const auto answer = world_.signed_send(
        {.method = Method::get,
         .target = "/acc/" + queue + "/messages?peekonly=true&numofmessages=32"});
    Texts texts;
    if (answer.status != 200) return texts;
    const auto messages = wire::parse_messages(answer.body).value();
    for (const auto& message : messages) texts.push_back(message.text);
    return texts;
  }
  /// All, hidden ones too.
  std::string count(const std::string& queue) {
    const auto answer =
        world_.signed_send({.method = Method::get, .target = "/acc/" + queue + "?comp=metadata"});
    return std::string(answer.headers.find("x-ms-approximate-messages-count").value_or("none"));
  }
  std::size_t calls(std::string_view method, std::string_view part) const {
    return static_cast<std::size_t>(std::ranges::count_if(calls_, [&](const std::string& call) {
      return call.starts_with(method) && call.find(part) != call.npos;
    }));
  }

  testing::QueueWorld world_;
  AppQueues queues_;
  std::vector<std::string> calls_;
  std::string refused_;  ///< calls that begin so get 403
  std::vector<std::string> begun_;
  std::map<std::string, bool> outcomes_;
  bool ready_ = true;
  std::unique_ptr<QueueTrigger> trigger_;
};

TEST_F(QueueTriggerTest, ASuccessDeletesTheMessage) {
  outcomes_["a"] = true;
  put("a");
  start();
  EXPECT_TRUE(until([&] { return count("orders") == "0"; }));
  EXPECT_EQ(begun_, Texts{"a"});
  EXPECT_EQ(calls("DELETE", "/orders/messages/"), 1U);
}

TEST_F(QueueTriggerTest, AFailureIsBackAfterItsDelayAndPoisonAtTheLast) {
  outcomes_["bad"] = false;
  put("bad");
  start({.retry_delay = 30s, .dequeue_count_max = 2});
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  pass(25s);
  EXPECT_EQ(begun_.size(), 1U) << "hidden for visibilityTimeout";
  EXPECT_TRUE(until([&] { return visible("orders-poison") == Texts{"bad"}; }));
  EXPECT_EQ(begun_.size(), 2U);
  EXPECT_TRUE(until([&] { return count("orders") == "0"; }));
}

TEST_F(QueueTriggerTest, WithoutACopyInThePoisonQueueNothingIsDeleted) {
  outcomes_["bad"] = false;
  refused_ = "POST /orders-poison";
  put("bad");
  start({.dequeue_count_max = 1});
  EXPECT_TRUE(until([&] { return calls("POST", "/orders-poison/messages") == 1; }));
  pass(5min, 5s);
  EXPECT_EQ(count("orders"), "1");
  EXPECT_EQ(calls("DELETE", "/orders/messages/"), 0U);
  refused_.clear();
  pass(6min, 5s);
  EXPECT_EQ(visible("orders-poison"), Texts{"bad"}) << "tried again when the lease has ended";
  EXPECT_EQ(begun_.size(), 1U);
}

TEST_F(QueueTriggerTest, AMessageThatIsSomebodyElsesNowIsLeftAlone) {
  put("a");
  start();
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  world_.signed_send({.method = Method::delete_, .target = "/acc/orders/messages"});
  outcomes_["a"] = true;
  EXPECT_TRUE(until([&] { return calls("DELETE", "/orders/messages/") == 1; }));
  put("b");
  EXPECT_TRUE(until([&] { return begun_.size() == 2; })) << "and it goes on";
}

TEST_F(QueueTriggerTest, AMessageThatCameTooOftenIsPoisonUnrun) {
  put("old");
  for (int round = 0; round < 2; ++round) {
    world_.signed_send(
        {.method = Method::get, .target = "/acc/orders/messages?visibilitytimeout=1"});
    world_.clock.advance(2s);
  }
  start({.dequeue_count_max = 2});
  EXPECT_TRUE(until([&] { return visible("orders-poison") == Texts{"old"}; }));
  EXPECT_TRUE(until([&] { return count("orders") == "0"; }));
  EXPECT_EQ(begun_, Texts{});
}

TEST_F(QueueTriggerTest, ALeaseIsRenewedAtHalfTimeForAsLongAsTheFunctionRuns) {
  put("long");
  start();
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  const auto renewals = [&] { return calls("PUT", "/orders/messages/"); };
  pass(4min, 5s);
  EXPECT_EQ(renewals(), 0U);
  pass(90s, 5s);
  EXPECT_EQ(renewals(), 1U);
  pass(10min, 5s);
  EXPECT_EQ(renewals(), 3U);
  EXPECT_EQ(begun_, Texts{"long"}) << "nobody else gets it meanwhile";
  outcomes_["long"] = true;
  EXPECT_TRUE(until([&] { return count("orders") == "0"; })) << "deleted by the newest receipt";
}

TEST_F(QueueTriggerTest, AQueueOfPoisonHasNoneAndItsFailuresWaitForTheLeasesEnd) {
  outcomes_["bad"] = false;
  put("bad", "old-poison");
  start({.dequeue_count_max = 1}, "old-poison");
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  pass(9min, 5s);
  EXPECT_EQ(begun_.size(), 1U);
  EXPECT_EQ(count("old-poison"), "1");
  EXPECT_EQ(calls("POST", "poison-poison"), 0U);
  pass(2min, 5s);
  EXPECT_EQ(begun_.size(), 1U) << "above maxDequeueCount it is not even run";
  EXPECT_EQ(count("old-poison"), "1");
}

TEST_F(QueueTriggerTest, NoMoreIsFetchedThanThereIsRoomFor) {
  for (int number = 0; number < 10; ++number) put(std::to_string(number));
  start({.batch_size = 4, .new_batch_threshold = 1});
  EXPECT_TRUE(until([&] { return begun_.size() == 4; }));
  pass(20s);
  EXPECT_EQ(begun_.size(), 4U);
  for (const auto* text : {"0", "1"}) outcomes_[text] = true;
  pass(20s);
  EXPECT_EQ(begun_.size(), 4U) << "two are worked on, one may be";
  outcomes_["2"] = true;
  EXPECT_TRUE(until([&] { return begun_.size() == 8; }));
}

TEST_F(QueueTriggerTest, WithoutAHandlerMessagesStayWhereTheyAre) {
  ready_ = false;
  put("a");
  start();
  pass(30s);
  EXPECT_EQ(visible("orders"), Texts{"a"});
  ready_ = true;
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
}

TEST_F(QueueTriggerTest, AnIdleTriggerAsksSeldomAndAMissingQueueIsIdle) {
  start({}, "not-there");
  pass(2min, 100ms);
  const auto before = calls("GET", "/not-there/messages");
  pass(10min, 1s);
  const auto asked = calls("GET", "/not-there/messages") - before;
  EXPECT_GE(asked, 9U);
  EXPECT_LE(asked, 11U) << "once a minute, which is maxPollingInterval";
  make("not-there");
  put("a", "not-there");
  pass(61s);
  EXPECT_EQ(begun_, Texts{"a"});
}

TEST_F(QueueTriggerTest, AtTheStopWhatRunsMayEnd) {
  put("a");
  start();
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  TaskGroup stopping(world_.context.get_executor());
  stopping.spawn("drain", trigger_->drain(10s));
  put("late");
  pass(3s);
  outcomes_["a"] = true;
  pass(3s);
  EXPECT_EQ(stopping.size(), 0U) << "drained";
  EXPECT_EQ(begun_, Texts{"a"});
  EXPECT_EQ(visible("orders"), Texts{"late"});
  EXPECT_EQ(count("orders"), "1");
}

TEST_F(QueueTriggerTest, WhatRunsTooLongAtTheStopComesBackByItself) {
  put("a");
  start();
  EXPECT_TRUE(until([&] { return begun_.size() == 1; }));
  TaskGroup stopping(world_.context.get_executor());
  stopping.spawn("drain", trigger_->drain(10s));
  pass(9s);
  EXPECT_EQ(stopping.size(), 1U);
  pass(3s);
  EXPECT_EQ(stopping.size(), 0U);
  pass(10min, 10s);
  EXPECT_EQ(visible("orders"), Texts{"a"});
}

TEST(PollingDelay, GrowsToItsMaximumAndBeginsAgain) {
  latchkey::testing::SeededRandom random{7};
  PollingDelay delay(10s, random);
  EXPECT_EQ(delay.next(), 100ms);
  for (const auto [least, most] : {std::pair{180, 220}, {340, 460}, {660, 940}}) {
    const auto next = delay.next().count();
    EXPECT_GE(next, least);
    EXPECT_LE(next, most);
  }
  for (int round = 0; round < 2000; ++round) EXPECT_LE(delay.next(), 10s);
  EXPECT_EQ(delay.next(), 10s);
  delay.reset();
  EXPECT_EQ(delay.next(), 100ms);
}

}  // namespace
}  // namespace latchkey::cloud
