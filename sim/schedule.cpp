#include "sim/schedule.hpp"

#include <cstdio>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "codes/sqlite_code_rows.hpp"
#include "codes/sqlite_columns.hpp"
#include "sim/toggle.hpp"

namespace latchkey::sim {
namespace {
using std::chrono::milliseconds;

/// The watchers' longest pause after failures, and a little more.
constexpr Micros kBackOffMax{32'000'000};
constexpr Micros kRestartMax{2'000'000};
/// Longer than messages, and rows without one, outlive their codes.
constexpr Micros kHour{3'700'000'000};
/// A watcher sweeps once within this after its start.
constexpr Micros kSweep{95'000'000};

World* watched = nullptr;  // The log's sink is a plain function.

/// Everything that is logged while this lives is searched for codes.
class LogWatch {
 public:
  explicit LogWatch(World& world) {
    watched = &world;
    log::configure(log::Level::debug, log::Format::text);
    log::set_sink([](std::string_view line) { watched->look_for_codes(line); });
  }
  ~LogWatch() { log::set_sink(nullptr); }
  LogWatch(const LogWatch&) = delete;
  LogWatch& operator=(const LogWatch&) = delete;
};

void deny_updates(World& world) {
  world.queues.refuse = [](const auto& call) {
    std::optional<http::Response> denied;
    if (call.step == codes::testing::FakeQueues::Step::update) {
      denied = codes::testing::storage_refusal(403, "AuthorizationPermissionMismatch");
    }
    return denied;
  };
}

/// The queue says that it has done them.
void ignore_calls(World& world, codes::testing::FakeQueues::Step step) {
  world.queues.refuse = [step](const auto& call) {
    std::optional<http::Response> done;
    if (call.step != step) return done;
    done.emplace().status = 204;
    if (step == codes::testing::FakeQueues::Step::put) {
      wire::QueueMessage message;
      message.id = "nowhere";
      message.expiration_time = wire::never_expires();
      done->status = 201;
      done->body = wire::render_messages(wire::MessageAnswer::put, {message});
    }
    return done;
  };
}

void build_machines(World& world, const Plan& plan, ToggleTable& toggle_table) {
  const auto boot = [&world, &plan, &toggle_table](Machine& machine) {
    const bool toggle = plan.mode == Mode::toggle;
    const bool foreign = plan.mode == Mode::seed_mode && machine.role == Machine::Role::api;
    return toggle || foreign ? toggle_program(plan.setup, world, machine, toggle_table)
                             : our_program(plan.setup, world, machine);
  };
  const Micros error = plan.setup.rules.clock_error_max;
  const auto add = [&](int count, Machine::Role role) {
    for (int i = 0; i < count; ++i) {
      const int number = static_cast<int>(world.machines.size());
      auto& machine = *world.machines.emplace_back(
          std::make_unique<Machine>(world.timeline, number, role, boot));
      const Micros skews[] = {-error, error, Micros{0}, world.dice.between(-error, error)};
      machine.skew = skews[world.dice.below(4)];
      if (role == Machine::Role::watcher && i == 0 && plan.wrong_clock) {
        machine.skew = *plan.wrong_clock;
      }
      if (role == Machine::Role::api) world.history.settings.producers.insert(number);
    }
  };
  add(plan.apis, Machine::Role::api);
  add(plan.watchers, Machine::Role::watcher);
  add(plan.verifiers, Machine::Role::verifier);
  for (const auto& machine : world.machines) machine->start();
}

Settings settings_of(const Plan& plan) {
  Settings settings;
  const Setup& setup = plan.setup;
  settings.clock_error = setup.rules.clock_error_max;
  settings.work_visibility = setup.watcher.work_visibility;
  settings.poll_max = setup.watcher.poll_max;
  settings.restart_max = std::chrono::ceil<milliseconds>(kRestartMax);
  settings.attempts_per_code = setup.limits.attempts_per_code;
  settings.deliveries_max = setup.rules.dequeue_count_max;
  settings.pending_rows = plan.mode == Mode::ours || plan.mode == Mode::resend;
  settings.one_message = plan.mode == Mode::ours || plan.mode == Mode::seed_mode;
  settings.only_crashes = plan.only_crashes;
  return settings;
}

/// An hour later, by when every row's message is gone as well: only the sweep can find it.
void live_through_the_sweep(World& world) {
  for (const auto& machine : world.machines) machine->kill();
  world.run_until(world.timeline.now() + kHour);
  for (const auto& machine : world.machines) {
    if (machine->role == Machine::Role::watcher) machine->start();
  }
  world.run_until(world.timeline.now() + kSweep);
  Event swept = world.event(Event::Kind::swept);
  auto& left = world.rows.cached("SELECT count(*) FROM codes");
  const auto counted = codes::rows::each_row(
      left, [&](const sqlite::Statement& row) { swept.count = row.integer(0); });
  LK_ASSERT(counted.has_value());
  world.history.add(std::move(swept));
}

void live_through(World& world, Driver& driver, const Plan& plan) {
  const auto pass = [&world](Micros time) { world.run_until(world.timeline.now() + time); };
  const codes::LifetimeRules& rules = plan.setup.rules;
  world.network.weather = plan.storm;
  driver.plan_storm();
  pass(plan.storm_length);
  driver.calm();
  if (!plan.restart_when_calm) pass(kBackOffMax);
  // The last calls of the storm arrive, and what they took comes back.
  pass(plan.storm.slow_max + 2 * plan.setup.watcher.work_visibility);
  world.history.add(world.event(Event::Kind::settled));
  driver.issue();
  driver.issue();
  // A forged message may claim to be as young as the queue lets it: its life begins again. What is
  // hidden, is so for a life and the spread, in whole seconds.
  pass(3 * rules.lifetime + 4 * rules.spread() + 2 * plan.setup.watcher.work_visibility +
       2 * plan.setup.watcher.poll_max + std::chrono::seconds{6});
  Event drained = world.event(Event::Kind::drained);
  drained.count = static_cast<std::int64_t>(world.queues.messages(kQueue).size());
  world.history.add(std::move(drained));
  if (plan.sweep) live_through_the_sweep(world);
}

}  // namespace

sqlite::Database make_rows() {
  auto rows = sqlite::Database::open({});
  LK_ASSERT(rows.has_value());
  const auto ready = codes::rows::prepare_file(*rows, "memory");
  LK_ASSERT(ready.has_value());
  return std::move(*rows);
}

Outcome run_schedule(sqlite::Database& rows, std::uint64_t seed, Mode mode, const Control* control,
                     bool trace) {
  testing::SeededRandom planning(seed);
  Plan plan = make_plan(control != nullptr ? control->mode : mode, Dice{planning});
  World world(rows, seed + 1'000'000'007);
  const LogWatch log_watch(world);
  world.history.settings = settings_of(plan);
  if (control != nullptr) control->apply(plan);
  if (plan.update_denied) deny_updates(world);
  if (plan.setup.queue_ignores) ignore_calls(world, *plan.setup.queue_ignores);
  ToggleTable toggle_table;
  Driver driver(world, plan);
  build_machines(world, plan, toggle_table);
  const UtcTime start = world.timeline.now();
  live_through(world, driver, plan);

  Outcome outcome;
  outcome.violations = check(world.history);
  outcome.driver = driver.counts();
  outcome.network = world.network.counts;
  outcome.virtual_time = world.timeline.now() - start;
  outcome.fingerprint = world.history.fingerprint();
  if (trace) {
    std::puts(to_text(plan).c_str());
    for (const Event& event : world.history.events) std::puts(to_text(event).c_str());
  }
  world.machines.clear();
  return outcome;
}

}  // namespace latchkey::sim
