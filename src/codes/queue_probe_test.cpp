#include "codes/queue_probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::codes {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

wire::QueueMessage message(UtcTime inserted, std::int64_t taken = 0) {
  wire::QueueMessage made;
  made.insertion_time = inserted;
  made.dequeue_count = taken;
  return made;
}

TEST(UntakenFor, CountsFromTheInsertionUntilSomebodyTakesIt) {
  const UtcTime now{seconds{1'586'969'688}};
  const LifetimeRules rules;
  EXPECT_EQ(untaken_for(message(now - seconds{40}), now, rules), seconds{40});
  EXPECT_EQ(untaken_for(message(now - seconds{40}, 1), now, rules), seconds{0});
  EXPECT_EQ(untaken_for(message(now + seconds{2}), now, rules), seconds{0}) << "clocks differ";
  EXPECT_EQ(untaken_for(message(now - seconds{601}), now, rules), seconds{0})
      << "sent again, it comes back when its code is over";
  EXPECT_EQ(untaken_for(message(now - seconds{700}), now, rules), seconds{700});
}

class QueueProbeTest : public ::testing::Test {
 protected:
  QueueProbeTest() {
    http_.answer_with([this](const http::ClientRequest& request) { return answer(request); });
    tasks_.spawn("probe", probe_.run());
    turn();
  }
  ~QueueProbeTest() override {
    tasks_.cancel();
    turn();
  }

  http::Response answer(const http::ClientRequest& request) const {
    if (status_ != 200) return http::text_response(status_, "");
    auto response = http::text_response(200, front_);
    response.headers.set("x-ms-approximate-messages-count", "7");
    if (request.url.query.starts_with("comp=metadata")) response.body.clear();
    return response;
  }
  /// One message at the front, as Peek Messages tells it.
  void show(seconds age, int dequeue_count) {
    front_ = "<QueueMessagesList><QueueMessage><MessageId>1</MessageId><InsertionTime>" +
             to_rfc1123(clock_.now() - age) +
             "</InsertionTime><ExpirationTime>Fri, 31 Dec 9999 23:59:59 GMT</ExpirationTime>"
             "<DequeueCount>" +
             std::to_string(dequeue_count) +
             "</DequeueCount><MessageText>x</MessageText></QueueMessage></QueueMessagesList>";
  }
  void turn() {
    context_.restart();
    context_.poll();
  }
  void advance(seconds by) {
    clock_.advance(by);
    turn();
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  http::testing::FakeHttpClient http_;
  int status_ = 200;
  std::string front_ = "<QueueMessagesList />";
  Metrics metrics_;
  azure::QueueClient queue_{azure::queue_address_from_url(
                                "https://store.queue.core.windows.net/codes?sv=x&sig=y", nullptr)
                                .value(),
                            http_,
                            clock_,
                            random_,
                            {.attempts_max = 1}};
  QueueProbe probe_{{queue_, queue_}, clock_, metrics_, {}};
  TaskGroup tasks_{context_.get_executor()};
};

TEST_F(QueueProbeTest, TellsTheOldestThatNobodyHasTakenAndTheMessagesOfAllQueues) {
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_oldest_unactivated_seconds 0\n"));
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_watched_messages 14\n"));
  show(seconds{10}, 0);
  advance(seconds{30});
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_oldest_unactivated_seconds 40\n"));
  show(seconds{10}, 1);
  advance(seconds{30});
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_oldest_unactivated_seconds 0\n"));
}

TEST_F(QueueProbeTest, SaysNothingOfAQueueThatItCannotSee) {
  status_ = 503;
  advance(seconds{30});
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_queue_probes_total{outcome=\"failed\"} 1\n"));
  EXPECT_THAT(metrics_.render(), Not(HasSubstr("\nlatchkey_oldest_unactivated_seconds ")));
  status_ = 200;
  advance(seconds{30});
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_oldest_unactivated_seconds 0\n"));
}

TEST_F(QueueProbeTest, WhoMayNotReadAsksSeldom) {
  status_ = 403;
  advance(seconds{30});
  const auto asked = http_.calls.size();
  EXPECT_THAT(metrics_.render(), HasSubstr("latchkey_queue_probes_total{outcome=\"denied\"} 1\n"));
  advance(seconds{300});
  EXPECT_EQ(http_.calls.size(), asked);
  advance(seconds{300});
  EXPECT_EQ(http_.calls.size(), asked + 1);
}

}  // namespace
}  // namespace latchkey::codes
