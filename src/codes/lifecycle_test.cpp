#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "codes/run_all.hpp"
#include "codes/testing/world.hpp"

/// The life of codes under random histories: lost answers, refusals, a failing table, duplicate and
/// forged messages, two watchers and two verifiers at once. Every seed replays by its number. What
/// must hold is checked after every step; the names I1 to I12 are those of the lifecycle's
/// invariants.
namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::await;
using testing::FakeQueues;
using testing::kQueue;
using testing::storage_refusal;
using testing::World;

struct Life {
  Secret code;
  Binding binding;
  UtcTime expires{};
  int accepted = 0;
  CodeState state = CodeState::pending;  ///< when last looked at
  bool over = false;                     ///< was, when last looked at
  bool gone = false;
};

Task<> verify_into(Verifier& verifier, Secret code, Binding binding, int& accepted, int& failed) {
  VerifyRequest request{.code = std::move(code), .binding = std::move(binding)};
  auto answer = co_await verifier.verify(std::move(request));
  if (!answer) ++failed;
  if (answer && answer->verdict == Verdict::accepted) ++accepted;
}

Task<> watch_into(Watcher& watcher) {
  auto taken = co_await watcher.run_once();
  (void)taken.has_value();
}

class Simulation {
 public:
  Simulation(std::uint64_t seed, Requeue requeue) : random_(seed), world_(seed + 1'000'000) {
    rules_.lifetime = 20s;
    WatcherOptions options;
    options.rules = rules_;
    options.requeue = requeue;
    // Poison would take codes out of the game while everything fails at once.
    options.rules.dequeue_count_max = 1'000;
    one_ = std::make_unique<Watcher>(world_.for_watcher(), options);
    two_ = std::make_unique<Watcher>(world_.for_watcher(), options);
    issuer_ = std::make_unique<Issuer>(world_.for_issuer(),
                                       IssuerOptions{.rules = rules_, .limits = no_limits()});
    world_.queues.refuse = [this](const FakeQueues::Call& call) { return maybe_refuse(call); };
    world_.queues.lose_answer = [this](const FakeQueues::Call&) { return chance(loss_); };
  }

  void step() {
    switch (random_.below(12)) {
      case 0:
      case 1:
        issue();
        break;
      case 2:
        duplicate();
        break;
      case 3:
        forge();
        break;
      case 4:
      case 5:
      case 6:
        watch();
        break;
      case 7:
      case 8:
        verify();
        break;
      case 9:
        change_the_weather();
        break;
      default:
        world_.clock.advance(std::chrono::milliseconds{random_.below(chance(10) ? 25'000 : 2'000)});
    }
    observe();
  }

  /// From here on everything works: the queue and the table must drain.
  void drain() {
    refusal_ = loss_ = 0;
    world_.table.failure.reset();
    for (int i = 0; i < 10; ++i) {
      watch();
      observe();
      world_.clock.advance(6s);
    }
    EXPECT_EQ(world_.messages().size(), 0U);  // I12
    for (const Life& life : lives_) EXPECT_FALSE(world_.row(life.code));
  }
  int accepted() const {
    int sum = 0;
    for (const Life& life : lives_) sum += life.accepted;
    return sum;
  }

 private:
  /// This game is about states and times; the limits have tests of their own.
  static Limits no_limits() {
    Limits limits;
    limits.attempts_per_code = limits.failures_max = limits.issues_max = 1'000'000;
    limits.newest_only = false;
    return limits;
  }
  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }

  std::optional<http::Response> maybe_refuse(const FakeQueues::Call& call) {
    if (lacks_update_ && call.step == FakeQueues::Step::update) {
      return storage_refusal(403, "AuthorizationPermissionMismatch");
    }
    if (!chance(refusal_)) return std::nullopt;
    return storage_refusal(503, "ServerBusy");
  }

  void issue() {
    Binding binding{chance(50) ? "ada" : "", chance(50) ? "sign-in" : ""};
    auto issued = await(world_.context, issuer_->issue({.binding = binding}));
    if (!issued) return;
    Life& life = lives_.emplace_back();
    life.code = issued->code;
    life.binding = binding;
    life.expires = issued->expires;
  }

  Life* any_life() {
    // The newest are the interesting ones.
    if (lives_.empty()) return nullptr;
    const auto back = random_.below(std::min<std::uint64_t>(lives_.size(), 6));
    return &lives_[lives_.size() - 1 - static_cast<std::size_t>(back)];
  }

  void duplicate() {
    const auto& messages = world_.messages();
    if (messages.empty()) return;
    const std::string text =
        messages[static_cast<std::size_t>(random_.below(messages.size()))].text;
    world_.queues.add(kQueue, text);
  }

  /// A message that no issuer sent: of a code that does not exist, or of one that does, with
  /// another time.
  void forge() {
    const UtcTime time = world_.clock.now() - 60s + std::chrono::seconds{random_.below(120)};
    const Life* life = any_life();
    if (life != nullptr && chance(60)) {
      world_.queues.add(kQueue, render_message({life->code, time}));
      return;
    }
    Secret code = make_code(7, random_);
    world_.queues.add(kQueue, render_message({code, time}));
    forged_.push_back(std::move(code));
  }

  void watch() {
    std::vector<Task<>> watchers;
    watchers.push_back(watch_into(*one_));
    if (chance(50)) watchers.push_back(watch_into(*two_));
    await_all(std::move(watchers));
  }

  void verify() {
    Life* life = any_life();
    if (life == nullptr) return;
    const bool right = chance(80);
    const Binding binding = right ? life->binding : Binding{"eve", life->binding.purpose};
    const auto row = world_.row(life->code);
    const bool acceptable = right && row && row->state == CodeState::valid &&
                            world_.clock.now() < life->expires && !world_.table.failure;
    int accepted = 0;
    int failed = 0;
    std::vector<Task<>> attempts;
    for (int i = chance(50) ? 1 : 2; i > 0; --i) {
      attempts.push_back(
          verify_into(i == 1 ? verifier_ : other_verifier_, life->code, binding, accepted, failed));
    }
    await_all(std::move(attempts));
    EXPECT_EQ(accepted, acceptable ? 1 : 0);  // I1, I4, I7
    life->accepted += accepted;
    EXPECT_LE(life->accepted, 1);  // I2, I3
    if (!forged_.empty()) {
      const auto answer = await(world_.context, other_verifier_.verify({.code = forged_.back()}));
      EXPECT_TRUE(!answer || answer->verdict == Verdict::refused);  // I8
    }
  }

  void change_the_weather() {
    refusal_ = chance(50) ? 0 : random_.below(60);
    loss_ = chance(50) ? 0 : random_.below(60);
    if (chance(10)) lacks_update_ = !lacks_update_;
    world_.table.failure.reset();
    if (chance(20)) {
      world_.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
    }
  }

  void observe() {
    for (Life& life : lives_) {
      const auto row = world_.row(life.code);
      if (!row) {
        EXPECT_LE(life.expires + rules_.spread(), world_.clock.now());  // I4
        life.gone = true;
        continue;
      }
      EXPECT_FALSE(life.gone);            // I5
      EXPECT_GE(row->state, life.state);  // I5
      EXPECT_EQ(row->expires, life.expires);
      if (life.over) EXPECT_EQ(row->state, life.state);               // I9
      if (life.accepted > 0) EXPECT_EQ(row->state, CodeState::used);  // I2
      life.state = row->state;
      life.over = world_.clock.now() >= life.expires;
    }
    for (const Secret& code : forged_) EXPECT_FALSE(world_.row(code));  // I8
  }

  void await_all(std::vector<Task<>> tasks) {
    run_to_end(world_.context,
               run_all(world_.context.get_executor(), "together", std::move(tasks)));
  }

  latchkey::testing::SeededRandom random_;
  World world_;
  LifetimeRules rules_;
  std::unique_ptr<Watcher> one_;
  std::unique_ptr<Watcher> two_;
  std::unique_ptr<Issuer> issuer_;
  Verifier verifier_{world_.for_verifier(), no_limits()};
  Verifier other_verifier_{world_.for_verifier(), no_limits()};
  std::vector<Life> lives_;
  std::vector<Secret> forged_;
  std::uint64_t refusal_ = 0;  ///< percent of calls that are refused
  std::uint64_t loss_ = 0;     ///< percent of calls whose answer is lost
  bool lacks_update_ = false;
};

class Lifecycle : public ::testing::TestWithParam<Requeue> {};

TEST_P(Lifecycle, KeepsItsInvariantsUnderEverySeed) {
  int accepted = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed, GetParam());
    for (int i = 0; i < 250; ++i) simulation.step();
    simulation.drain();
    accepted += simulation.accepted();
    if (HasFailure()) return;
  }
  EXPECT_GT(accepted, 50);  // The histories were not all failure.
}

INSTANTIATE_TEST_SUITE_P(Modes, Lifecycle,
                         ::testing::Values(Requeue::update, Requeue::resend, Requeue::automatic));

}  // namespace
}  // namespace latchkey::codes
