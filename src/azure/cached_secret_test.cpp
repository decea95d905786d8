#include <gtest/gtest.h>

#include <optional>

#include "azure/key_vault_client.hpp"
#include "azure/testing/stepper.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;

/// A vault with one secret, which takes 100 ms to answer.
class SlowVault final : public KeyVaultClient {
 public:
  explicit SlowVault(Clock& clock) : clock_(clock) {}
  Task<Result<wire::SecretBundle>> get_secret(std::string, std::string, Trace) override {
    ++reads;
    co_await clock_.sleep_for(100ms);
    if (failing) co_return fail(ErrorKind::unavailable, "Down", "the vault is down");
    wire::SecretBundle bundle;
    bundle.value = Secret(value);
    co_return bundle;
  }
  Task<Result<wire::SecretBundle>> set_secret(std::string, wire::SetSecretRequest) override {
    co_return fail(ErrorKind::internal, "NotUsed", "no test sets");
  }

  std::string value = "one";
  bool failing = false;
  int reads = 0;

 private:
  Clock& clock_;
};

struct CachedSecretTest : ::testing::Test {
  static std::string text(Result<Secret> secret) {
    return secret ? std::string(secret->reveal()) : secret.error().code;
  }
  std::string get() { return text(testing::run_through(context, clock, secret->get())); }
  std::string after_refusal(const char* refused) {
    return text(testing::run_through(context, clock, secret->get_after_refusal(Secret(refused))));
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    testing::settle(context);
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  SlowVault vault{clock};
  std::optional<CachedSecret> secret{std::in_place, vault, "key", clock, context.get_executor()};
};

TEST_F(CachedSecretTest, IsReadOnceHoweverManyWait) {
  std::vector<testing::Running<Result<Secret>>> waiting;
  for (int i = 0; i < 50; ++i) waiting.emplace_back(context, secret->get());
  testing::settle(context);
  pass(100ms);
  for (auto& one : waiting) {
    ASSERT_TRUE(one.done());
    EXPECT_EQ(text(one.take()), "one");
  }
  EXPECT_EQ(get(), "one");
  EXPECT_EQ(vault.reads, 1);
}

TEST_F(CachedSecretTest, AFailedFirstReadIsHeldForASecond) {
  vault.failing = true;
  EXPECT_EQ(get(), "Down");
  EXPECT_EQ(get(), "Down");
  EXPECT_EQ(vault.reads, 1);
  pass(1s);
  vault.failing = false;
  EXPECT_EQ(get(), "one");
}

TEST_F(CachedSecretTest, IsReadAgainInTheBackgroundWhenOld) {
  EXPECT_EQ(get(), "one");
  vault.value = "two";
  pass(1h);
  EXPECT_EQ(get(), "one");
  EXPECT_EQ(get(), "one");
  pass(100ms);
  EXPECT_EQ(get(), "two");
  EXPECT_EQ(vault.reads, 2);
}

TEST_F(CachedSecretTest, AFailedRefreshKeepsTheOldValueAndIsSpaced) {
  EXPECT_EQ(get(), "one");
  vault.failing = true;
  pass(1h);
  for (int second = 0; second < 60; ++second) {
    EXPECT_EQ(get(), "one");
    pass(1s);
  }
  EXPECT_EQ(vault.reads, 1 + 2);
}

TEST_F(CachedSecretTest, ARefusalReadsAgain) {
  EXPECT_EQ(get(), "one");
  vault.value = "two";
  pass(10s);
  EXPECT_EQ(after_refusal("one"), "two");
  EXPECT_EQ(vault.reads, 2);
}

TEST_F(CachedSecretTest, ManyRefusalsOfOneValueReadOnce) {
  EXPECT_EQ(get(), "one");
  vault.value = "two";
  pass(10s);
  std::vector<testing::Running<Result<Secret>>> refused;
  for (int i = 0; i < 50; ++i) {
    refused.emplace_back(context, secret->get_after_refusal(Secret("one")));
  }
  testing::settle(context);
  pass(100ms);
  for (auto& one : refused) EXPECT_EQ(text(one.take()), "two");
  pass(1min);
  EXPECT_EQ(after_refusal("one"), "two") << "somebody has read it since";
  EXPECT_EQ(vault.reads, 2);
}

TEST_F(CachedSecretTest, AValueReadJustNowIsNotReadAgain) {
  EXPECT_EQ(get(), "one");
  EXPECT_EQ(after_refusal("one"), "one");
  EXPECT_EQ(vault.reads, 1);
}

TEST_F(CachedSecretTest, WhenReadingAfterARefusalFailsTheCallerLearnsWhy) {
  EXPECT_EQ(get(), "one");
  vault.failing = true;
  pass(10s);
  EXPECT_EQ(after_refusal("one"), "Down");
  EXPECT_EQ(get(), "one");
}

TEST_F(CachedSecretTest, ARefusalBeforeTheFirstReadReads) {
  EXPECT_EQ(after_refusal("zero"), "one");
}

TEST_F(CachedSecretTest, MayGoWhileItReads) {
  testing::Running<Result<Secret>> waiting(context, secret->get());
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 1U);
  secret.reset();
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 0U);
  ASSERT_TRUE(waiting.done());
  EXPECT_FALSE(waiting.take());
}

}  // namespace
}  // namespace latchkey::azure
