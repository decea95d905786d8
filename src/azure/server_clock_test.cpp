#include "azure/server_clock.hpp"

#include <gtest/gtest.h>

#include "azure/testing/slow_http_client.hpp"
#include "azure/testing/stepper.hpp"
#include "base/time_text.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

struct ServerClockTest : ::testing::Test {
  /// An answer that took no time, from a host whose clock is `ahead` of ours.
  void see(const std::string& host, std::chrono::milliseconds ahead) {
    const auto date = std::chrono::floor<std::chrono::seconds>(clock.now() + ahead);
    server_clock.saw(host, date, clock.now(), clock.now());
  }
  /// Sends through a DatedClient; the answer's Date is `date`.
  void send(UtcTime date, std::chrono::milliseconds took = 0ms, bool aged = false) {
    http::Response response;
    response.headers.set("Date", to_rfc1123(date));
    if (aged) response.headers.set("Age", "5");
    http.queue(response);
    testing::SlowHttpClient slow(http, clock, took);
    DatedClient dated(slow, server_clock, clock);
    http::ClientRequest request;
    request.url = http::parse_url("https://acct.queue.core.windows.net/q?sig=hidden").value();
    EXPECT_TRUE(testing::run_through(context, clock, dated.send(std::move(request))));
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  http::testing::FakeHttpClient http;
  ServerClock server_clock{clock, 2s};
};

TEST_F(ServerClockTest, IsRightWhileNothingIsKnown) {
  EXPECT_TRUE(server_clock.right());
  EXPECT_EQ(server_clock.standing().off_by, 0ms);
  EXPECT_EQ(server_clock.standing().host, "");
}

TEST_F(ServerClockTest, ADateOfWholeSecondsProvesNoOffsetBelowOne) {
  clock.advance(999'999us);
  see("a", 0ms);
  EXPECT_EQ(server_clock.standing().off_by, 0ms);
  clock.advance(1us);
  see("a", 0ms);
  EXPECT_EQ(server_clock.standing().off_by, 0ms);
}

TEST_F(ServerClockTest, IsWrongBeyondTheLimitOnEitherSide) {
  struct Row {
    std::chrono::milliseconds ahead;
    std::chrono::milliseconds off_by;
    bool right;
  };
  // Our clock stands at a whole second: of what the host is behind, one second is in doubt.
  for (const Row& row : {Row{2s, 2s, true}, Row{3s, 3s, false}, Row{-3s, -2s, true},
                         Row{-3001ms, -3s, false}, Row{1h, 1h, false}}) {
    see("a", row.ahead);
    EXPECT_EQ(server_clock.standing().off_by, row.off_by) << row.ahead.count();
    EXPECT_EQ(server_clock.right(), row.right) << row.ahead.count();
    EXPECT_EQ(server_clock.standing().host, "a");
  }
}

TEST_F(ServerClockTest, ASlowAnswerProvesLess) {
  const UtcTime sent = clock.now();
  server_clock.saw("a", sent + 4s, sent, sent + 3s);
  EXPECT_EQ(server_clock.standing().off_by, 1s);
  server_clock.saw("a", sent + 1s, sent, sent + 3s);
  EXPECT_EQ(server_clock.standing().off_by, 0s);
}

TEST_F(ServerClockTest, TheWorstHostDecidesByItsNewestAnswer) {
  see("a", 0s);
  see("b", 10s);
  see("c", -5s);
  EXPECT_EQ(server_clock.standing().host, "b");
  EXPECT_FALSE(server_clock.right());
  see("b", 0s);
  EXPECT_EQ(server_clock.standing().host, "c");
  see("c", 0s);
  EXPECT_TRUE(server_clock.right());
}

TEST_F(ServerClockTest, AnOldAnswerNoLongerCounts) {
  see("a", 10s);
  clock.advance(ServerClock::kAnswerCounts - 1us);
  EXPECT_FALSE(server_clock.right());
  clock.advance(1us);
  EXPECT_TRUE(server_clock.right());
}

TEST_F(ServerClockTest, AStepOfOurClockShowsAtOnceAndSoDoesItsCorrection) {
  see("a", 0s);
  clock.jump(-10s);
  EXPECT_FALSE(server_clock.right());
  EXPECT_EQ(server_clock.standing().off_by, 10s);
  see("a", 10s);
  clock.jump(10s);
  EXPECT_TRUE(server_clock.right());
}

TEST_F(ServerClockTest, TheClientShowsEveryDate) {
  send(clock.now() + 10s);
  EXPECT_EQ(server_clock.standing().off_by, 10s);
  EXPECT_EQ(server_clock.standing().host, "acct.queue.core.windows.net");
  // Written at the end of a call of 3 s.
  send(clock.now() + 3s, 3s);
  EXPECT_EQ(server_clock.standing().off_by, 0s);
  // Written at its beginning.
  send(clock.now(), 3s);
  EXPECT_EQ(server_clock.standing().off_by, 0s);
  // Written, at the latest, at the end: 2 s ahead of what ours is then.
  send(clock.now() + 5s, 3s);
  EXPECT_EQ(server_clock.standing().off_by, 2s);
}

TEST_F(ServerClockTest, TheClientPassesOverAnswersWithoutADateOfTheirOwn) {
  send(clock.now() + 10s, 0ms, true);
  http.queue(http::Response{});
  http::Response nonsense;
  nonsense.headers.set("Date", "yesterday");
  http.queue(nonsense);
  http.queue(fail(ErrorKind::timeout, "ResponseTimeout", "no answer"));
  DatedClient dated(http, server_clock, clock);
  for (const bool answered : {true, true, false}) {
    EXPECT_EQ(testing::run_through(context, clock, dated.send({})).has_value(), answered);
  }
  EXPECT_EQ(server_clock.standing().host, "");
}

}  // namespace
}  // namespace latchkey::azure
