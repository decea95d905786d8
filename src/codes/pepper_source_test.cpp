#include "codes/pepper_source.hpp"

#include <gtest/gtest.h>

#include "base/task.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/time_text.hpp"
#include "codes/testing/log_capture.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;

/// A vault with one secret of several versions.
class VersionedVault final : public azure::KeyVaultClient {
 public:
  explicit VersionedVault(Clock& clock) : clock_(clock) {}
  /// The value is "value of <version>".
  void set(std::string version) {
    versions.push_back({.version = std::move(version),
                        .enabled = true,
                        .created = from_epoch_seconds(to_epoch_seconds(clock_.now()))});
  }

  Task<Result<wire::SecretBundle>> get_secret(std::string, std::string version, Trace) override {
    if (failure) co_return fail(*failure);
    read.push_back(version);
    for (const auto& each : versions) {
      const bool wanted = version.empty() ? &each == &versions.back() : each.version == version;
      if (!wanted) continue;
      wire::SecretBundle bundle;
      bundle.id = "https://kv/secrets/pepper/" + each.version;
      bundle.value = Secret("value of " + each.version);
      bundle.attributes.created = to_epoch_seconds(each.created);
      co_return bundle;
    }
    co_return fail(ErrorKind::not_found, "SecretNotFound", "no such version");
  }
  Task<Result<wire::SecretBundle>> set_secret(std::string, wire::SetSecretRequest) override {
    co_return fail(ErrorKind::internal, "NotUsed", "no test sets");
  }
  Task<Result<std::vector<azure::SecretVersion>>> list_secret_versions(std::string) override {
    if (failure) co_return fail(*failure);
    if (!listable) co_return fail(ErrorKind::denied, "AccessDenied", "no list permission");
    co_return versions;
  }

  std::vector<azure::SecretVersion> versions;
  std::vector<std::string> read;  ///< the versions whose values were asked for
  std::optional<Error> failure;
  bool listable = true;

 private:
  Clock& clock_;
};

constexpr auto kOver = CodeHasher::kPepperSettle + CodeHasher::kPepperKept;

struct PepperSourceTest : ::testing::Test {
  Result<std::vector<Pepper>> read(std::vector<Pepper> known = {}) {
    return await(context, read_peppers(vault, "pepper", std::move(known), clock.now()));
  }
  static std::string ids(const Result<std::vector<Pepper>>& peppers) {
    if (!peppers) return peppers.error().code;
    std::string text;
    for (const auto& each : *peppers) {
      EXPECT_EQ(each.value.reveal(), "value of " + each.key_id);
      text += each.key_id + " ";
    }
    return text;
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  VersionedVault vault{clock};
};

TEST_F(PepperSourceTest, TheNewestComesFirstInWhateverOrderTheVaultLists) {
  vault.set("b");
  clock.advance(10s);
  vault.set("a");
  clock.advance(10s);
  vault.set("c");
  std::swap(vault.versions[0], vault.versions[2]);
  const auto peppers = read();
  ASSERT_EQ(ids(peppers), "c a b ");
  EXPECT_EQ(peppers->front().created, clock.now());
}

TEST_F(PepperSourceTest, OfTwoOfOneSecondEveryCopyTakesTheSame) {
  vault.set("a");
  vault.set("b");
  EXPECT_EQ(ids(read()), "b a ");
  std::swap(vault.versions[0], vault.versions[1]);
  EXPECT_EQ(ids(read()), "b a ");
}

TEST_F(PepperSourceTest, AnOldOneIsKeptAsLongAsItsCodesMayLive) {
  vault.set("1");
  clock.advance(24h);
  EXPECT_EQ(ids(read()), "1 ") << "without a successor for ever";
  vault.set("2");
  clock.advance(kOver);
  EXPECT_EQ(ids(read()), "2 1 ");
  clock.advance(1us);
  vault.read.clear();
  EXPECT_EQ(ids(read()), "2 ");
  EXPECT_EQ(vault.read, std::vector<std::string>{"2"}) << "what is not needed is not read";
  vault.set("3");
  EXPECT_EQ(ids(read()), "3 2 ");
}

TEST_F(PepperSourceTest, ADisabledOneIsNotUsed) {
  vault.set("1");
  clock.advance(10s);
  vault.set("2");
  vault.versions[1].enabled = false;
  EXPECT_EQ(ids(read()), "1 ");
  vault.versions[0].enabled = false;
  EXPECT_EQ(ids(read()), "NoPepper");
}

TEST_F(PepperSourceTest, WhatIsKnownIsNotReadAgain) {
  vault.set("1");
  auto known = read();
  clock.advance(10s);
  vault.set("2");
  vault.read.clear();
  EXPECT_EQ(ids(read(*known)), "2 1 ");
  EXPECT_EQ(vault.read, std::vector<std::string>{"2"});
}

TEST_F(PepperSourceTest, AVaultThatIsNotToBeListedGivesTheNewestBesidesWhatIsKnown) {
  vault.listable = false;
  vault.set("1");
  clock.advance(10s);
  const auto first = read();
  ASSERT_EQ(ids(first), "1 ");
  EXPECT_EQ(first->front().created, clock.now() - 10s);
  vault.set("2");
  const auto second = read(*first);
  ASSERT_EQ(ids(second), "2 1 ");
  EXPECT_EQ(ids(read(*second)), "2 1 ");
  clock.advance(kOver + 1us);
  EXPECT_EQ(ids(read(*second)), "2 ");
}

TEST_F(PepperSourceTest, OtherFailuresAreTheAnswer) {
  vault.set("1");
  vault.failure = fail(ErrorKind::unavailable, "Down", "down").value();
  EXPECT_EQ(ids(read()), "Down");
}

/// A source at work beside a test.
struct RunningPepperSourceTest : PepperSourceTest {
  RunningPepperSourceTest() {
    vault.set("1");
    // Two days old, so that it settled long ago.
    clock.advance(48h);
    auto peppers = read().value();
    hasher = std::make_unique<CodeHasher>(peppers);
    source = std::make_unique<PepperSource>(vault, "pepper", peppers, *hasher, clock);
    tasks.spawn("peppers", source->run());
    turn();
  }
  ~RunningPepperSourceTest() override {
    tasks.cancel();
    turn();
  }
  void turn() {
    context.restart();
    context.poll();
  }
  void pass(std::chrono::seconds time) {
    clock.advance(time);
    turn();
  }
  std::string key_id() const { return hasher->hash_new("abc-1-def", clock.now()).key_id; }
  std::size_t keys() const { return hasher->hash_all("abc-1-def", clock.now()).size(); }

  TaskGroup tasks{context.get_executor()};
  std::unique_ptr<CodeHasher> hasher;
  std::unique_ptr<PepperSource> source;
};

TEST_F(RunningPepperSourceTest, ARotationNeedsNoRestart) {
  testing::LogCapture captured;
  const auto before = hasher->hash_new("abc-1-def", clock.now()).key;
  vault.set("2");
  EXPECT_EQ(keys(), 1U);
  pass(CodeHasher::kPepperRefresh);
  EXPECT_EQ(keys(), 2U) << "found within a minute";
  EXPECT_EQ(key_id(), "1") << "not used before every copy has it";
  EXPECT_EQ(captured.count("pepper_rotated"), 1);
  pass(CodeHasher::kPepperSettle - CodeHasher::kPepperRefresh);
  EXPECT_EQ(key_id(), "2");
  const auto all = hasher->hash_all("abc-1-def", clock.now());
  EXPECT_EQ(all.back(), before) << "codes issued before are still found";
  EXPECT_EQ(captured.count("value of"), 0);
}

TEST_F(RunningPepperSourceTest, AFailureKeepsWhatThereIsAndIsToldOnce) {
  testing::LogCapture captured;
  vault.failure = fail(ErrorKind::unavailable, "Down", "down").value();
  vault.set("2");
  for (int i = 0; i < 3; ++i) pass(CodeHasher::kPepperRefresh);
  EXPECT_EQ(captured.count("pepper_refresh_failing"), 1);
  EXPECT_EQ(key_id(), "1");
  EXPECT_EQ(keys(), 1U);
  vault.failure.reset();
  pass(CodeHasher::kPepperRefresh);
  EXPECT_EQ(captured.count("pepper_refresh_recovered"), 1);
  EXPECT_EQ(keys(), 2U);
}

}  // namespace
}  // namespace latchkey::codes
