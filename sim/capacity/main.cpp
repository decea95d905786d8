#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <string_view>

#include "sim/capacity/play.hpp"

/// latchkey_capacity tables | check. See README.md.
namespace latchkey::sim::capacity {
namespace {

constexpr double kAgreement = 0.10;

int failures = 0;

void tell(bool holds, const std::string& what) {
  if (!holds) ++failures;
  std::puts(fmt::format("{:<8}{}", holds ? "ok" : "FAILED", what).c_str());
}

void compare(const char* what, double codes, double planned, double played) {
  const double off = played / planned - 1;
  tell(std::abs(off) <= kAgreement, fmt::format("{} codes/s: {} planned {:.1f}/s, played {:.1f}/s "
                                                "({:+.1f} %)",
                                                codes, what, planned, played, off * 100));
}

void check_plan(double codes, const Facts& facts) {
  const Plan plan = plan_for(codes, facts);
  const Played played = play(plan, facts);
  const double scale = 1 / played.seconds / played.part;
  const Counts& counts = played.counts;
  compare("queue requests", codes, plan.queue_requests, counts.queue() * scale);
  compare("table requests", codes, plan.table_requests, counts.table * scale);
  compare("numbers", codes, codes * facts.steps.numbers, counts.numbers * scale);
  compare("codes accepted", codes, codes, counts.accepted * scale);
  tell(counts.throttled <= counts.issued / 1000,
       fmt::format("{} codes/s: {} of {} codes throttled, valid after {:.0f} ms", codes,
                   counts.throttled, counts.issued, played.lag_seconds * 1000));
}

/// The limits of the model are limits: with what the plan keeps in reserve used up twice over,
/// Azure is too busy.
void check_overload(const Facts& facts) {
  const double codes = 1'000;
  const Played played = play(plan_for(codes, facts), facts, 1.6);
  tell(played.counts.throttled > played.counts.issued / 20,
       fmt::format("{} codes/s where {} are planned: {} requests throttled", codes * 1.6, codes,
                   played.counts.throttled));
}

int check() {
  const Facts facts;
  for (const double codes : kRates) check_plan(codes, facts);
  check_overload(facts);
  return failures == 0 ? 0 : 1;
}

int run(std::string_view command) {
  if (command == "tables") {
    std::fputs(render_tables(Facts{}).c_str(), stdout);
    return 0;
  }
  if (command == "check") return check();
  std::fputs("latchkey_capacity tables | check\n", stderr);
  return 2;
}

}  // namespace
}  // namespace latchkey::sim::capacity

int main(int argc, char** argv) {
  return latchkey::sim::capacity::run(argc == 2 ? argv[1] : "");
}
