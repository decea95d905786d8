#include "sim/capacity/play.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "azure/server_clock.hpp"
#include "codes/issuer.hpp"
#include "codes/testing/fake_vault.hpp"
#include "codes/verifier.hpp"
#include "codes/watcher.hpp"

namespace latchkey::sim::capacity {
namespace {

using std::chrono::duration_cast;

constexpr int kQueuesMax = 2;
constexpr double kCodesMin = 3'000;  ///< so many make a figure good to a few per cent
constexpr std::chrono::milliseconds kLifetime{5'000};
constexpr std::chrono::seconds kWarmUp{12};  ///< a life, and all that follows it
constexpr std::chrono::seconds kUserTakes{2};

Micros micros(double seconds) {
  return Micros{static_cast<Micros::rep>(seconds * 1e6)};
}

codes::LifetimeRules rules() {
  codes::LifetimeRules made;
  made.lifetime = kLifetime;
  return made;
}

std::vector<azure::QueueClient> clients(AzureModel& model, http::HttpClient& http, Clock& clock) {
  std::vector<azure::QueueClient> made;
  for (auto& address : model.addresses()) {
    made.emplace_back(std::move(address), http, clock, model.random);
  }
  return made;
}

/// `latchkey serve`: issuer and verifier.
class Serve final : public Program {
 public:
  Serve(AzureModel& model, Machine& machine)
      : edge_(model, machine),
        table_(model, machine),
        key_(vault_, "third-party-api-key", machine.clock(), machine.executor()),
        numbers_(http::parse_url("https://numbers.example/api/RandomNumber").value(), key_, edge_),
        queues_(clients(model, edge_, machine.clock()), machine.clock()),
        unlimited_(machine.clock(), {}, {}),
        issuer_({numbers_, queues_, table_, model.hasher, unlimited_, model, machine.clock(),
                 model.random},
                {.rules = rules()}),
        verifier_({table_, model.hasher, unlimited_, model, machine.clock()}, {}),
        clock_(machine.clock()) {}

  /// A user gets a code and types it.
  Task<> use_one() {
    codes::IssueRequest wanted{.binding = {}, .caller = "app"};
    auto issued = co_await issuer_.issue(std::move(wanted));
    if (!issued) co_return;
    co_await clock_.sleep_for(kUserTakes);
    codes::VerifyRequest typed{.code = issued->code, .binding = {}, .caller = "app"};
    auto answer = co_await verifier_.verify(std::move(typed));
    (void)answer.has_value();
  }

 private:
  ModelEdge edge_;
  ModelTable table_;
  codes::testing::FakeVault vault_{"function-key"};
  azure::CachedSecret key_;
  codes::NumberApi numbers_;
  azure::QueueShards queues_;
  codes::RateLimiter unlimited_;
  codes::Issuer issuer_;
  codes::Verifier verifier_;
  Clock& clock_;
};

/// `latchkey watch`: a watcher for each queue.
class Watch final : public Program {
 public:
  Watch(AzureModel& model, Machine& machine)
      : edge_(model, machine),
        table_(model, machine),
        server_clock_(machine.clock(), rules().clock_error_max),
        queues_(clients(model, edge_, machine.clock())) {
    codes::WatcherOptions options;
    options.rules = rules();
    for (azure::QueueClient& queue : queues_) {
      watchers_.push_back(std::make_unique<codes::Watcher>(
          codes::Watcher::Dependencies{queue, table_, model.hasher, server_clock_, model,
                                       machine.clock(), model.random, machine.executor()},
          options));
    }
    for (auto& watcher : watchers_) machine.spawn(watcher->run());
  }

 private:
  ModelEdge edge_;
  ModelTable table_;
  azure::ServerClock server_clock_;
  std::vector<azure::QueueClient> queues_;
  std::vector<std::unique_ptr<codes::Watcher>> watchers_;
};

/// Users come at random, so many a second.
class Users {
 public:
  Users(AzureModel& model, std::vector<Machine*> serves, double rate)
      : model_(model), serves_(std::move(serves)), rate_(rate) {
    next();
  }

 private:
  void next() {
    const double pause = -std::log(1 - model_.random.unit()) / rate_;
    model_.timeline.after(micros(pause), [this] {
      Machine& machine = *serves_[model_.random.below(serves_.size())];
      machine.spawn(machine.program<Serve>().use_one());
      next();
    });
  }

  AzureModel& model_;
  std::vector<Machine*> serves_;
  double rate_;
};

}  // namespace

Played play(const Plan& plan, const Facts& facts, double overload) {
  const int queues = std::min(plan.queues, kQueuesMax);
  Played played{.counts = {}, .part = static_cast<double>(queues) / plan.queues};
  const double rate = plan.codes * played.part * overload;
  AzureModel model(facts, queues, plan.accounts * played.part,
                   facts.limits.table_requests_per_account * plan.table_accounts * played.part);
  std::vector<std::unique_ptr<Machine>> machines;
  std::vector<Machine*> serves;
  int number = 0;
  for (int i = 0; i < facts.polling.watchers; ++i) {
    machines.push_back(std::make_unique<Machine>(
        model.timeline, number++, Machine::Role::api,
        [&model](Machine& machine) { return std::make_unique<Serve>(model, machine); }));
    serves.push_back(machines.back().get());
    machines.push_back(std::make_unique<Machine>(
        model.timeline, number++, Machine::Role::watcher,
        [&model](Machine& machine) { return std::make_unique<Watch>(model, machine); }));
  }
  for (const auto& machine : machines) machine->start();
  const auto run_until = [&](UtcTime end) {
    for (bool more = true; more;) {
      for (const auto& machine : machines) machine->run();
      more = model.timeline.step(end);
    }
  };
  Users users(model, serves, rate);
  played.seconds = std::max(10.0, kCodesMin / rate);
  run_until(model.timeline.now() + kWarmUp);
  const Counts before = model.counts;
  run_until(model.timeline.now() + micros(played.seconds));
  played.counts = model.counts.since(before);
  played.lag_seconds = played.counts.lag_seconds / std::max(1.0, played.counts.activated);
  return played;
}

}  // namespace latchkey::sim::capacity
