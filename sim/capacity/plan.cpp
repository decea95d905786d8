#include "sim/capacity/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

namespace latchkey::sim::capacity {
namespace {

constexpr double kDay = 86'400;
constexpr double kMonth = 30 * kDay;

int whole(double value) {
  return static_cast<int>(std::ceil(value - 1e-9));
}

/// "100,000".
std::string grouped(double value) {
  std::string text = fmt::format("{:.0f}", value);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

/// An idle watcher of one queue with that longest pause.
std::string idle_row(double max_ms, const Facts& facts) {
  const double polls = kDay / (max_ms / 1000 * facts.polling.mean_share);
  // Who comes at any time into a pause that is drawn from a half to the whole waits 7/18 of it.
  return fmt::format("| {} s | {:.1f} s | {} | {:.2f} |\n", max_ms / 1000, max_ms / 1000 * 7 / 18,
                     grouped(polls), polls * 30 / 10'000 * facts.prices.queue_per_10k);
}

}  // namespace

double gets_per_second(double messages, double others, const Facts& facts) {
  const Polling& polling = facts.polling;
  const Latency& latency = facts.latency;
  // Half of the visits are a code's first, half its last.
  const double steps = (facts.steps.table_activate + facts.steps.table_remove) / 2.0;
  const double visit = latency.queue_ms + steps * latency.table_ms;
  double interval = (latency.queue_ms + visit) / 1000;
  double longest = polling.min_ms;
  double still_empty = 1;  // The chance that the cycle has come so far.
  double gets = 0;
  double seconds = 0;
  while (still_empty > 1e-6) {
    gets += still_empty;
    seconds += still_empty * interval;
    // Empty: nothing came since the last Get, ours or, at random times, another's.
    const double anything = messages + others;
    const double nobody = std::exp(-anything * interval);
    still_empty *= nobody + (1 - nobody) * others / anything;
    interval = (longest * polling.mean_share + latency.queue_ms) / 1000;
    longest = std::min(2 * longest, polling.max_ms);
  }
  return gets / seconds;
}

namespace {

/// Whoever found something asks sooner and finds more: watchers of one queue settle at unequal
/// rates.
double gets_of_all(double messages, const Facts& facts) {
  std::vector<double> rates(static_cast<std::size_t>(facts.polling.watchers), 0.0);
  for (int round = 0; round < 30; ++round) {
    for (double& rate : rates) {
      const double others = std::accumulate(rates.begin(), rates.end(), -rate);
      rate = gets_per_second(messages, others, facts);
    }
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

Plan plan_for(double codes, const Facts& facts) {
  const Limits& limits = facts.limits;
  const Steps& steps = facts.steps;
  const Prices& prices = facts.prices;
  Plan plan{.codes = codes};
  const double moves = codes * steps.message_moves / limits.used_share;
  plan.queues = whole(moves / limits.messages_per_queue);
  plan.accounts = whole(moves / limits.messages_per_account);
  plan.gets = gets_of_all(2 * plan.codes_per_queue(), facts) * plan.queues;
  plan.queue_requests = codes * (steps.puts + steps.updates + steps.deletes) + plan.gets;
  plan.table_requests = codes * steps.table();
  plan.table_accounts =
      whole(plan.table_requests / limits.table_requests_per_account / limits.used_share);
  const double dollars = plan.queue_requests / 10'000 * prices.queue_per_10k +
                         plan.table_requests / 10'000 * prices.table_per_10k +
                         codes * steps.numbers / 1e6 * prices.function_per_million;
  plan.dollars_per_million = dollars / codes * 1e6;
  plan.dollars_per_month = dollars * kMonth;
  const Cpu& cpu = facts.cpu;
  plan.serve_cores = whole(codes * cpu.serve_ms / 1000 / cpu.used_share);
  plan.watch_cores = whole(codes * cpu.watch_ms / 1000 / cpu.used_share);
  return plan;
}

std::string render_tables(const Facts& facts) {
  std::string out =
      "| codes/s | queues | accounts | codes/s a queue | queue requests/s | of them Get | table "
      "requests/s | table accounts | number API/s | $ per million codes | $ a month | cores serve "
      "| cores watch |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const double codes : kRates) {
    const Plan plan = plan_for(codes, facts);
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2f} | {} | {} | {} |\n",
                       grouped(codes), plan.queues, plan.accounts, grouped(plan.codes_per_queue()),
                       grouped(plan.queue_requests), grouped(plan.gets),
                       grouped(plan.table_requests), plan.table_accounts,
                       grouped(codes * facts.steps.numbers), plan.dollars_per_million,
                       grouped(plan.dollars_per_month), plan.serve_cores, plan.watch_cores);
  }
  out +=
      "\n| `WATCH_POLL_MAX` | mean wait after idle | polls a day | $ a month |\n"
      "|---|---|---|---|\n";
  for (const double max_ms : {500.0, facts.polling.max_ms, 10'000.0, 60'000.0}) {
    out += idle_row(max_ms, facts);
  }
  return out;
}

}  // namespace latchkey::sim::capacity
