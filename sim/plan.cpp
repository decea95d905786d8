#include "sim/plan.hpp"

#include <fmt/format.h>

namespace latchkey::sim {
namespace {
using std::chrono::milliseconds;

constexpr const char* kModes[] = {"ours", "resend", "seed-mode", "toggle"};

milliseconds any(Dice& dice, int from_ms, int to_ms) {
  return milliseconds{from_ms +
                      static_cast<int>(dice.below(static_cast<std::uint64_t>(to_ms - from_ms)))};
}

Weather bad_weather(Dice& dice) {
  Weather storm;
  const auto some = [&dice] { return dice.chance(0.4) ? 0 : dice.random.unit() * 0.25; };
  storm.slow = some();
  storm.request_lost = some();
  storm.answer_lost = some();
  storm.refused = some();
  storm.doubled = some();
  storm.slow_max = dice.chance(0.3) ? Micros{15'000'000} : Micros{1'500'000};
  return storm;
}

}  // namespace

std::optional<Mode> mode_from(std::string_view name) {
  for (int i = 0; i < 4; ++i) {
    if (name == kModes[i]) return static_cast<Mode>(i);
  }
  return std::nullopt;
}

const char* to_string(Mode mode) {
  return kModes[static_cast<int>(mode)];
}

std::string to_text(const Plan& plan) {
  const Setup& setup = plan.setup;
  return fmt::format(
      "{}: {} APIs, {} watchers, {} verifiers (machines from 0 in this order); lifetime {} ms, "
      "clock "
      "error {} ms, work visibility {} s, polls up to {} ms apart, {} tries of {} ms; storm: "
      "{:.2f} "
      "slow (up to {} ms), {:.2f} requests and {:.2f} answers lost, {:.2f} refused, {:.2f} "
      "doubled; "
      "first watcher's clock {} ms wrong",
      to_string(plan.mode), plan.apis, plan.watchers, plan.verifiers, setup.rules.lifetime.count(),
      setup.rules.clock_error_max.count(), setup.watcher.work_visibility.count(),
      setup.watcher.poll_max.count(), setup.retry.attempts_max, setup.retry.attempt_timeout.count(),
      plan.storm.slow, plan.storm.slow_max.count() / 1'000, plan.storm.request_lost,
      plan.storm.answer_lost, plan.storm.refused, plan.storm.doubled,
      plan.wrong_clock.value_or(Micros{0}).count() / 1'000);
}

Plan make_plan(Mode mode, Dice dice) {
  const auto up_to = [&dice](int most) {
    return static_cast<int>(dice.below(static_cast<std::uint64_t>(most + 1)));
  };
  Plan plan;
  plan.mode = mode;
  plan.apis = 1 + up_to(2);
  plan.watchers = 1 + up_to(2);
  plan.verifiers = 1 + up_to(2);
  plan.codes = 2 + up_to(5);

  Setup& setup = plan.setup;
  setup.rules.lifetime = any(dice, 3'000, 10'000);
  setup.rules.clock_error_max = any(dice, 100, 1'000);
  setup.retry.attempts_max = 1 + up_to(2);
  setup.retry.attempt_timeout = any(dice, 500, 3'000);
  setup.retry.deadline = milliseconds{8'000};
  setup.watcher.rules = setup.rules;
  plan.update_denied = mode == Mode::resend && dice.chance(0.5);
  setup.watcher.requeue = mode == Mode::resend ? codes::Requeue::resend : codes::Requeue::update;
  if (plan.update_denied) setup.watcher.requeue = codes::Requeue::automatic;
  setup.watcher.accept_unissued = mode == Mode::seed_mode;
  setup.watcher.work_visibility = std::chrono::seconds{1 + up_to(4)};
  setup.watcher.poll_min = any(dice, 20, 100);
  setup.watcher.poll_max = any(dice, 300, 1'500);
  setup.watcher.lanes = dice.chance(0.25) ? 2 : 1;

  plan.storm_length = 2 * Micros{setup.rules.lifetime} + Micros{3'000'000};
  plan.crashes = dice.chance(0.3) ? 0 : up_to(6);
  plan.only_crashes = dice.chance(0.2);
  plan.restart_when_calm = dice.chance(0.8);
  plan.sweep = dice.chance(0.1);
  plan.storm.slow_max = Micros{0};
  if (plan.only_crashes) return plan;
  plan.pauses = dice.chance(0.3) ? 0 : up_to(5);
  plan.outages = dice.chance(0.7) ? 0 : 1;
  plan.clock_steps = dice.chance(0.7) ? 0 : up_to(4);
  plan.storm = bad_weather(dice);
  if (dice.chance(0.1)) {
    const Micros wrong =
        2 * setup.rules.clock_error_max + dice.between(Micros{1'500'000}, Micros{30'000'000});
    plan.wrong_clock = dice.chance(0.5) ? wrong : -wrong;
  }
  return plan;
}

}  // namespace latchkey::sim
