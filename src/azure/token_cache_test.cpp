#include "azure/token_cache.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "azure/testing/stepper.hpp"
#include "base/time_text.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

const std::string kVault = "https://vault.azure.net";
const std::string kStorage = "https://storage.azure.com";

/// What the source under a cache did and should do; outlives it.
struct Script {
  std::chrono::milliseconds delay{100};
  std::chrono::seconds lifetime{1h};
  std::chrono::seconds refresh_in{30min};
  bool failing = false;
  int calls = 0;
  int forgotten = 0;
};

/// Takes its time, then gives "token-N", N counting its calls.
class ScriptedSource final : public TokenCredential {
 public:
  ScriptedSource(Script& script, Clock& clock) : script_(script), clock_(clock) {}
  Task<Result<AccessToken>> get_token(std::string) override {
    const int number = ++script_.calls;
    if (script_.delay > 0ms) co_await clock_.sleep_for(script_.delay);
    if (script_.failing) co_return fail(ErrorKind::unavailable, "Down", "the endpoint is down");
    AccessToken token;
    token.value = Secret("token-" + std::to_string(number));
    token.expires_on = clock_.now() + script_.lifetime;
    token.refresh_on = clock_.now() + script_.refresh_in;
    co_return token;
  }
  void forget(const std::string&) override { ++script_.forgotten; }
  std::string name() const override { return "ScriptedSource"; }

 private:
  Script& script_;
  Clock& clock_;
};

struct TokenCacheTest : ::testing::Test {
  std::string ask(const std::string& resource = kVault) {
    auto token = testing::run_through(context, clock, cache->get_token(resource));
    return token ? std::string(token->value.reveal()) : token.error().code;
  }
  /// Asks, without letting time pass: "" when that would mean to wait.
  std::string ask_now() {
    testing::Running<Result<AccessToken>> running(context, cache->get_token(kVault));
    testing::settle(context);
    if (!running.done()) return "";
    auto token = running.take();
    return token ? std::string(token->value.reveal()) : token.error().code;
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    testing::settle(context);
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  Script script;
  std::optional<TokenCache> cache{std::in_place, std::make_unique<ScriptedSource>(script, clock),
                                  clock, context.get_executor()};
};

TEST_F(TokenCacheTest, TellsWhichTokensItHoldsAndTheirTimes) {
  EXPECT_TRUE(cache->held_tokens().empty());
  ask(kStorage);
  const UtcTime fetched = clock.now();
  pass(10min);
  const auto held = cache->held_tokens();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].resource, kStorage);
  EXPECT_EQ(held[0].fetched, fetched);
  EXPECT_EQ(held[0].expires_on, fetched + 1h);
}

TEST_F(TokenCacheTest, FetchesOnceHoweverManyAsk) {
  std::vector<testing::Running<Result<AccessToken>>> askers;
  for (int i = 0; i < 100; ++i) askers.emplace_back(context, cache->get_token(kVault));
  testing::settle(context);
  EXPECT_EQ(script.calls, 1);
  pass(100ms);
  for (auto& asker : askers) {
    ASSERT_TRUE(asker.done());
    EXPECT_EQ(asker.take()->value.reveal(), "token-1");
  }
  EXPECT_EQ(ask(), "token-1");
  EXPECT_EQ(script.calls, 1);
}

TEST_F(TokenCacheTest, ResourcesDoNotWaitForEachOther) {
  testing::Running<Result<AccessToken>> vault(context, cache->get_token(kVault));
  testing::Running<Result<AccessToken>> storage(context, cache->get_token(kStorage));
  testing::settle(context);
  EXPECT_EQ(script.calls, 2);
  pass(100ms);
  EXPECT_TRUE(vault.done());
  EXPECT_TRUE(storage.done());
}

TEST_F(TokenCacheTest, AFailureIsEverybodysAndIsHeldForASecond) {
  script.failing = true;
  testing::Running<Result<AccessToken>> first(context, cache->get_token(kVault));
  testing::Running<Result<AccessToken>> second(context, cache->get_token(kVault));
  testing::settle(context);
  pass(100ms);
  ASSERT_TRUE(first.done());
  ASSERT_TRUE(second.done());
  EXPECT_EQ(first.take().error().code, "Down");
  EXPECT_EQ(second.take().error().code, "Down");
  EXPECT_EQ(ask_now(), "Down");
  EXPECT_EQ(script.calls, 1);
  pass(1s);
  script.failing = false;
  EXPECT_EQ(ask(), "token-2");
}

TEST_F(TokenCacheTest, RenewsInTheBackgroundWhileTheOldTokenLives) {
  EXPECT_EQ(ask(), "token-1");
  pass(30min);
  EXPECT_EQ(cache->cached_token(kVault), nullptr) << "somebody has to start the refresh";
  EXPECT_EQ(ask_now(), "token-1");
  EXPECT_EQ(ask_now(), "token-1");
  EXPECT_NE(cache->cached_token(kVault), nullptr);
  EXPECT_EQ(script.calls, 2);
  pass(100ms);
  EXPECT_EQ(ask_now(), "token-2");
  EXPECT_EQ(script.calls, 2);
}

TEST_F(TokenCacheTest, FailedRefreshesAreHarmlessAndComeFartherAndFartherApart) {
  script.delay = 0ms;
  EXPECT_EQ(ask(), "token-1");
  script.failing = true;
  pass(30min);
  std::vector<int> at;
  for (int second = 0; second < 1200; ++second) {
    const int before = script.calls;
    EXPECT_EQ(ask_now(), "token-1");
    if (script.calls > before) at.push_back(second);
    pass(1s);
  }
  EXPECT_EQ(at, (std::vector<int>{0, 10, 30, 70, 150, 310, 610, 910}));
  script.failing = false;
  pass(300s);
  EXPECT_EQ(ask_now(), "token-10");
}

TEST_F(TokenCacheTest, AfterTheEndTheErrorSaysSinceWhenAndWhy) {
  EXPECT_EQ(ask(), "token-1");
  const UtcTime end = clock.now() + script.lifetime;
  script.failing = true;
  pass(40min);
  const UtcTime since = clock.now() + script.delay;
  EXPECT_EQ(ask_now(), "token-1");
  pass(script.delay);
  pass(20min);
  const auto token = testing::run_through(context, clock, cache->get_token(kVault));
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "Down");
  for (const std::string& part : {std::string("the endpoint is down"), kVault,
                                  "ended at " + to_rfc1123(end), "since " + to_rfc1123(since)}) {
    EXPECT_NE(token.error().message.find(part), std::string::npos) << token.error().message;
  }
  script.failing = false;
  pass(1s);
  EXPECT_EQ(ask(), "token-4") << "as soon as the endpoint is back";
}

TEST_F(TokenCacheTest, AnEndpointThatKeepsGivingItsCachedTokenIsNotHammered) {
  script.refresh_in = 0s;
  script.delay = 0ms;
  EXPECT_NE(ask_now(), "");
  for (int i = 0; i < 1000; ++i) EXPECT_NE(ask_now(), "");
  EXPECT_EQ(script.calls, 1);
  pass(30s);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(ask_now(), "");
  EXPECT_EQ(script.calls, 2);
}

TEST_F(TokenCacheTest, ATokenNearItsEndIsNotGivenOut) {
  EXPECT_EQ(ask(), "token-1");
  script.failing = true;
  pass(1h - 30s - 1ms);
  EXPECT_EQ(ask_now(), "token-1");
  pass(1ms);
  EXPECT_EQ(ask(), "Down");
}

TEST_F(TokenCacheTest, AShortLivedTokenIsRenewedToo) {
  script.lifetime = 16s;
  script.refresh_in = 8s;
  EXPECT_EQ(ask(), "token-1");
  pass(8s);
  EXPECT_EQ(ask_now(), "token-1");
  pass(script.delay);
  EXPECT_EQ(ask_now(), "token-2");
}

TEST_F(TokenCacheTest, AShortLivedTokenIsStillOfUse) {
  script.lifetime = 10s;
  EXPECT_EQ(ask(), "token-1");
  pass(9s - 1ms);
  EXPECT_EQ(ask_now(), "token-1");
  pass(1ms);
  EXPECT_EQ(ask_now(), "") << "its last tenth has begun";
}

TEST_F(TokenCacheTest, ForgetDropsTheTokenOnce) {
  EXPECT_EQ(ask(), "token-1");
  cache->forget(kVault);
  EXPECT_EQ(script.forgotten, 1);
  EXPECT_EQ(ask(), "token-2");
  // Calls that ran with token-1 come back refused as well.
  for (int i = 0; i < 10; ++i) cache->forget(kVault);
  EXPECT_EQ(ask_now(), "token-2");
  pass(30s);
  cache->forget(kVault);
  EXPECT_EQ(ask(), "token-3");
}

TEST_F(TokenCacheTest, ForgetConcernsItsResourceOnly) {
  EXPECT_EQ(ask(kVault), "token-1");
  EXPECT_EQ(ask(kStorage), "token-2");
  cache->forget(kStorage);
  cache->forget("https://never.asked");
  EXPECT_EQ(ask_now(), "token-1");
}

TEST_F(TokenCacheTest, CachedTokenIsThereExactlyWhenNobodyHasToDoAnything) {
  EXPECT_EQ(cache->cached_token(kVault), nullptr);
  EXPECT_EQ(ask(), "token-1");
  ASSERT_NE(cache->cached_token(kVault), nullptr);
  EXPECT_EQ(cache->cached_token(kVault)->value.reveal(), "token-1");
  EXPECT_EQ(cache->cached_token(kStorage), nullptr);
  cache->forget(kVault);
  EXPECT_EQ(cache->cached_token(kVault), nullptr);
}

TEST_F(TokenCacheTest, MayGoDuringARefresh) {
  EXPECT_EQ(ask(), "token-1");
  pass(30min);
  EXPECT_EQ(ask_now(), "token-1");
  EXPECT_EQ(clock.sleepers(), 1U);
  cache.reset();
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 0U);
}

TEST_F(TokenCacheTest, MayGoBeforeARefreshHasBegun) {
  EXPECT_EQ(ask(), "token-1");
  pass(30min);
  testing::Running<Result<AccessToken>> asker(context, cache->get_token(kVault));
  context.restart();
  while (!asker.done()) context.poll_one();
  cache.reset();
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 0U);
}

TEST_F(TokenCacheTest, WhoWaitsWhenTheCacheGoesGetsAnError) {
  testing::Running<Result<AccessToken>> asker(context, cache->get_token(kVault));
  testing::settle(context);
  cache.reset();
  testing::settle(context);
  ASSERT_TRUE(asker.done());
  EXPECT_EQ(asker.take().error().kind, ErrorKind::unavailable);
}

TEST_F(TokenCacheTest, MayGoWithTheContextWhileARefreshRuns) {
  testing::Running<Result<AccessToken>> asker(context, cache->get_token(kVault));
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 1U);
}  // The fixture's members go now.

}  // namespace
}  // namespace latchkey::azure
