#include "azure/queue_shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "azure/testing/stepper.hpp"
#include "base/testing/seeded_random.hpp"
#include "http/testing/fake_http_client.hpp"
#include "wire/storage_error.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

std::vector<std::string> expanded(std::string_view text) {
  auto urls = expand_queue_urls(text);
  return urls ? *urls : std::vector<std::string>{urls.error().message};
}

using Urls = std::vector<std::string>;

TEST(ExpandQueueUrls, TakesOneUrlAsItIs) {
  EXPECT_EQ(expanded("https://a.queue.core.windows.net/codes?sig={1..2},"),
            Urls{"it has an empty place between two commas"});
  EXPECT_EQ(expanded("https://a.queue.core.windows.net/codes?sig={1..2}"),
            Urls{"https://a.queue.core.windows.net/codes?sig={1..2}"});
}

TEST(ExpandQueueUrls, TakesAListWhereEachHasItsOwnSas) {
  EXPECT_EQ(expanded("https://a/b/q-1?sig=x , https://a/b/q-2?sig=y"),
            (Urls{"https://a/b/q-1?sig=x", "https://a/b/q-2?sig=y"}));
}

TEST(ExpandQueueUrls, CountsThroughPatternsAsWideAsTheyAreWritten) {
  EXPECT_EQ(expanded("https://codes{0..1}/code-{08..10}?sv=1"),
            (Urls{"https://codes0/code-08?sv=1", "https://codes0/code-09?sv=1",
                  "https://codes0/code-10?sv=1", "https://codes1/code-08?sv=1",
                  "https://codes1/code-09?sv=1", "https://codes1/code-10?sv=1"}));
  EXPECT_EQ(expanded("https://a/b/q-{8..10}"),
            (Urls{"https://a/b/q-8", "https://a/b/q-9", "https://a/b/q-10"}));
}

TEST(ExpandQueueUrls, SaysWhatIsWrong) {
  for (const char* bad :
       {"https://a/{1..", "https://a/1..2}", "https://a/}1..2{", "https://a/{2..1}",
        "https://a/{1-2}", "https://a/{a..b}", "https://a/{1..{2..3}}"}) {
    EXPECT_NE(expanded(bad).front().find("such as {00..15}"), std::string::npos) << bad;
  }
  EXPECT_EQ(expanded("https://a/q-{1..3},https://a/q-2?sig=secret"),
            Urls{"it lists https://a/q-2 twice"});
  EXPECT_EQ(expanded("https://a{1..600}/q").front(), "it lists more than 512 queues");
  EXPECT_EQ(expanded("https://a{1..4000000000}/q{1..4000000000}").front(),
            "it lists more than 512 queues");
}

/// Hashes of addresses, as any.
std::vector<std::uint64_t> some_queues(std::size_t count) {
  latchkey::testing::SeededRandom random{7};
  std::vector<std::uint64_t> queues(count);
  std::ranges::generate(queues, [&] { return random.next_u64(); });
  return queues;
}

TEST(Rendezvous, GivesEachQueueAnEqualPart) {
  const auto queues = some_queues(16);
  latchkey::testing::SeededRandom random{1};
  std::map<std::size_t, int> parts;
  for (int i = 0; i < 160'000; ++i) {
    ++parts[rendezvous(queues, random.next_u64(), std::vector<bool>(16)).value()];
  }
  ASSERT_EQ(parts.size(), 16U);
  for (const auto& [queue, count] : parts) EXPECT_NEAR(count, 10'000, 500) << queue;
}

TEST(Rendezvous, AnotherQueueTakesItsPartAndMovesNothingElse) {
  const auto queues = some_queues(8);
  const auto fewer = std::span(queues).first(7);
  latchkey::testing::SeededRandom random{1};
  int moved = 0;
  for (int i = 0; i < 80'000; ++i) {
    const std::uint64_t key = random.next_u64();
    const auto before = rendezvous(fewer, key, std::vector<bool>(7));
    const auto after = rendezvous(queues, key, std::vector<bool>(8));
    if (before == after) continue;
    EXPECT_EQ(after, 7U);
    ++moved;
  }
  EXPECT_NEAR(moved, 10'000, 500);
}

TEST(Rendezvous, AQueueLeftOutLeavesItsPartToAllOthers) {
  const auto queues = some_queues(5);
  std::vector<bool> without(5);
  without[2] = true;
  latchkey::testing::SeededRandom random{1};
  std::map<std::size_t, int> heirs;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t key = random.next_u64();
    const auto whole = rendezvous(queues, key, std::vector<bool>(5));
    const auto rest = rendezvous(queues, key, without);
    if (whole == 2U) {
      ++heirs[rest.value()];
    } else {
      EXPECT_EQ(rest, whole);
    }
  }
  ASSERT_EQ(heirs.size(), 4U);
  for (const auto& [queue, count] : heirs) EXPECT_NEAR(count, 2'500, 250) << queue;
  EXPECT_EQ(rendezvous(queues, 1, std::vector<bool>(5, true)), std::nullopt);
}

struct QueueShardsTest : ::testing::Test {
  QueueShardsTest() {
    http.answer_with([this](const http::ClientRequest& request) -> Result<http::Response> {
      const std::string host = request.url.host.substr(0, request.url.host.find('.'));
      ++asked[host];
      if (down.contains(host)) {
        return wire::render_storage_error(wire::storage_error(down.at(host)), "id", clock.now());
      }
      ++taken[host];
      http::Response response;
      if (request.method == http::Method::get) {
        response.headers.add("x-ms-approximate-messages-count", "0");
        return response;
      }
      response.status = 201;
      wire::QueueMessage message;
      message.id = "m1";
      message.pop_receipt = "r1";
      message.insertion_time = message.expiration_time = message.time_next_visible = clock.now();
      response.body = wire::render_messages(wire::MessageAnswer::put, {message});
      return response;
    });
  }
  QueueShards shards(int count) {
    std::vector<QueueClient> queues;
    for (int i = 0; i < count; ++i) {
      const auto url = "https://codes" + std::to_string(i) + ".queue.core.windows.net/codes?sig=x";
      queues.emplace_back(queue_address_from_url(url, nullptr).value(), http, clock, random);
    }
    return QueueShards(queues, clock);
  }
  template <class T>
  T run(Task<T> task) {
    return testing::run_through(context, clock, std::move(task));
  }
  int put(QueueShards& queues, int count) {
    int done = 0;
    for (int i = 0; i < count; ++i) {
      if (run(queues.put(sha256(std::to_string(next++)), "text"))) ++done;
    }
    return done;
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  http::testing::FakeHttpClient http;
  std::map<std::string, std::string> down;  ///< host -> the code of its error
  std::map<std::string, int> asked;
  std::map<std::string, int> taken;
  int next = 0;
};

TEST_F(QueueShardsTest, SpreadsMessagesAndKeepsEachKeysQueue) {
  QueueShards queues = shards(4);
  EXPECT_EQ(put(queues, 400), 400);
  ASSERT_EQ(taken.size(), 4U);
  for (const auto& [host, count] : taken) EXPECT_NEAR(count, 100, 40) << host;
  taken.clear();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(run(queues.put(sha256("the same"), "text")));
  EXPECT_EQ(taken.size(), 1U);
}

TEST_F(QueueShardsTest, PutsIntoTheNextQueueWhileOneFailsWhateverTheReason) {
  for (const char* problem : {"ServerBusy", "QueueNotFound", "AuthorizationPermissionMismatch"}) {
    QueueShards queues = shards(3);
    down = {{"codes1", problem}};
    taken.clear();
    EXPECT_EQ(put(queues, 100), 100) << problem;
    EXPECT_EQ(taken.size(), 2U);
    EXPECT_EQ(queues.resting(), std::vector<std::string>{"codes1.queue.core.windows.net/codes"});
  }
}

TEST_F(QueueShardsTest, AFailingQueueIsAskedOnceInAWhileAndTakenBack) {
  QueueShards queues = shards(2);
  down = {{"codes1", "QueueNotFound"}};
  put(queues, 100);
  EXPECT_EQ(asked["codes1"], 1);
  clock.advance(QueueShards::kRest);
  put(queues, 100);
  EXPECT_EQ(asked["codes1"], 2);
  down.clear();
  put(queues, 100);
  EXPECT_EQ(asked["codes1"], 2);
  clock.advance(QueueShards::kRest);
  put(queues, 100);
  EXPECT_GT(taken["codes1"], 20);
  EXPECT_TRUE(queues.resting().empty());
}

TEST_F(QueueShardsTest, GivesUpAfterThreeQueuesWithTheLastError) {
  QueueShards queues = shards(5);
  for (int i = 0; i < 5; ++i) down["codes" + std::to_string(i)] = "QueueNotFound";
  const auto put = run(queues.put(sha256("key"), "text"));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, "QueueNotFound");
  EXPECT_EQ(asked.size(), 3U);
  // All rest by now or fail: each is tried all the same.
  EXPECT_EQ(this->put(queues, 2), 0);
  EXPECT_EQ(asked.size(), 5U);
  down.clear();
  EXPECT_EQ(this->put(queues, 10), 10);
}

TEST_F(QueueShardsTest, OneQueueHasTheWholePatience) {
  QueueShards queues = shards(1);
  down = {{"codes0", "ServerBusy"}};
  EXPECT_EQ(put(queues, 1), 0);
  EXPECT_EQ(asked["codes0"], RetryOptions{}.attempts_max);
}

TEST_F(QueueShardsTest, ThreeQueuesThatHangTakeNoLongerThanThePatienceOfOne) {
  EXPECT_LE(QueueShards::kRetry.deadline * QueueShards::kTriesMax, RetryOptions{}.deadline);
}

TEST_F(QueueShardsTest, ChecksOneAfterTheOtherAndFailsWhenNoneAnswers) {
  QueueShards queues = shards(3);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(run(queues.check()));
  for (const auto& [host, count] : asked) EXPECT_GT(count, 5) << host;
  EXPECT_EQ(asked.size(), 3U);
  down = {{"codes0", "ServerBusy"}, {"codes1", "AuthorizationPermissionMismatch"}};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(run(queues.check()));
  down = {{"codes0", "ServerBusy"}, {"codes1", "ServerBusy"}, {"codes2", "ServerBusy"}};
  const auto checked = run(queues.check());
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find(".queue.core.windows.net/codes)"), std::string::npos);
  EXPECT_EQ(checked.error().message.find("sig"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::azure
