#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "sim/schedule.hpp"

/// latchkey_sim: lives through many schedules and says what came of it. See --help.
namespace latchkey::sim {
namespace {

constexpr const char* kHelp = R"(latchkey_sim [OPTION...]
  --schedules N     how many (default 1000)
  --seed S          of the first; the others follow (default 1)
  --mode M          ours, resend, seed-mode or toggle (default: the first three in turn)
  --control NAME    take a mechanism away; --controls lists them
  --replay SEED     one schedule, told event by event
  --jobs J          processes (default 1)
Exit status 1 when an invariant was violated.
)";

struct Options {
  std::uint64_t schedules = 1000;
  std::uint64_t seed = 1;
  std::optional<Mode> mode;
  const Control* control = nullptr;
  bool replay = false;
  std::uint64_t jobs = 1;

  Mode mode_for(std::uint64_t schedule_seed) const {
    constexpr Mode kTurns[] = {Mode::ours, Mode::resend, Mode::seed_mode};
    return mode.value_or(kTurns[schedule_seed % 3]);
  }
};

/// Sums that jobs hand to the process that started them, as they are.
struct Totals {
  std::uint64_t schedules = 0, codes = 0, accepted = 0, refused = 0, crashes = 0, pauses = 0,
                outages = 0, calls = 0, lost = 0, refused_calls = 0, doubled = 0, violated = 0,
                virtual_seconds = 0, fingerprint = 0;

  void add(const Totals& other) {
    for (std::size_t i = 0; i < sizeof(Totals) / sizeof(std::uint64_t); ++i) {
      reinterpret_cast<std::uint64_t*>(this)[i] +=
          reinterpret_cast<const std::uint64_t*>(&other)[i];
    }
  }
  void add(const Outcome& outcome) {
    add(Totals{1, outcome.driver.codes, outcome.driver.accepted, outcome.driver.refused,
               outcome.driver.crashes, outcome.driver.pauses, outcome.driver.outages,
               outcome.network.calls, outcome.network.lost, outcome.network.refused,
               outcome.network.doubled, outcome.violations.empty() ? 0U : 1U,
               static_cast<std::uint64_t>(outcome.virtual_time.count() / 1'000'000),
               outcome.fingerprint});
  }
};

void tell(const Violation& violation, std::uint64_t seed, const Options& options) {
  const std::string how = options.control != nullptr
                              ? fmt::format("--control {}", options.control->name)
                              : fmt::format("--mode {}", to_string(options.mode_for(seed)));
  std::puts(fmt::format("violation {} seed {}: {}; replay: latchkey_sim {} --replay {}",
                        violation.invariant, seed, violation.what, how, seed)
                .c_str());
}

Totals run_some(const Options& options, std::uint64_t first, std::uint64_t step) {
  Totals totals;
  auto rows = make_rows();
  for (std::uint64_t i = first; i < options.schedules; i += step) {
    const std::uint64_t seed = options.seed + i;
    const Outcome outcome =
        run_schedule(rows, seed, options.mode_for(seed), options.control, options.replay);
    for (const Violation& violation : outcome.violations) tell(violation, seed, options);
    totals.add(outcome);
  }
  std::fflush(stdout);
  return totals;
}

/// Each job is a process of its own, since the log's sink is one per process.
Totals run_all_jobs(const Options& options) {
  if (options.jobs <= 1) return run_some(options, 0, 1);
  Totals totals;
  std::vector<int> pipes;
  for (std::uint64_t job = 0; job < options.jobs; ++job) {
    int ends[2];
    if (pipe(ends) != 0) std::exit(2);
    if (fork() == 0) {
      const Totals mine = run_some(options, job, options.jobs);
      const auto written = write(ends[1], &mine, sizeof mine);
      std::_Exit(written == sizeof mine ? 0 : 2);
    }
    close(ends[1]);
    pipes.push_back(ends[0]);
  }
  for (const int end : pipes) {
    Totals part;
    if (read(end, &part, sizeof part) != sizeof part) {
      std::puts("a job died");
      std::exit(2);
    }
    totals.add(part);
  }
  while (wait(nullptr) > 0) {
  }
  return totals;
}

void report(const Totals& t, std::chrono::duration<double> took) {
  std::puts(fmt::format("{} schedules, {} codes, {} accepted, {} not accepted, {} crashes, {} "
                        "pauses, {} outages, {} calls, {} lost, {} refused calls, {} duplicates, "
                        "{:.1f} virtual hours, {:.0f} schedules/s, {} violated; history {:016x}",
                        t.schedules, t.codes, t.accepted, t.refused, t.crashes, t.pauses, t.outages,
                        t.calls, t.lost, t.refused_calls, t.doubled,
                        static_cast<double>(t.virtual_seconds) / 3600,
                        static_cast<double>(t.schedules) / took.count(), t.violated, t.fingerprint)
                .c_str());
}

std::optional<Options> parse(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    const auto number = parse_integer<std::uint64_t>(value);
    if (name == "--mode") {
      options.mode = mode_from(value);
      if (!options.mode) return std::nullopt;
    } else if (name == "--control") {
      options.control = find_control(value);
      if (options.control == nullptr) return std::nullopt;
    } else if (!number) {
      return std::nullopt;
    } else if (name == "--schedules") {
      options.schedules = *number;
    } else if (name == "--seed") {
      options.seed = *number;
    } else if (name == "--jobs") {
      options.jobs = *number;
    } else if (name == "--replay") {
      options.seed = *number;
      options.schedules = 1;
      options.replay = true;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.size() % 2 == 0) return std::nullopt;
  return options;
}

int run(std::span<char*> arguments) {
  if (arguments.size() == 2 && std::string_view(arguments[1]) == "--controls") {
    for (const Control& control : controls()) {
      std::puts(
          fmt::format("{:<22}{:<5}{}", control.name, control.invariant, control.removes).c_str());
    }
    return 0;
  }
  const auto options = parse(arguments);
  if (!options) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  // Whole lines, also from several jobs.
  std::setvbuf(stdout, nullptr, _IOLBF, 4096);
  const auto start = std::chrono::steady_clock::now();
  const Totals totals = run_all_jobs(*options);
  report(totals, std::chrono::steady_clock::now() - start);
  return totals.violated > 0 ? 1 : 0;
}

}  // namespace
}  // namespace latchkey::sim

int main(int argc, char** argv) {
  return latchkey::sim::run(std::span(argv, static_cast<std::size_t>(argc)));
}
