#include <memory>

#include "app/subcommand.hpp"

namespace latchkey::app {
namespace {

constexpr int kRetryAfterMax = 3600;

void add_fault(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<FaultOptions>();
  auto* fault = app.add_subcommand("fault", "Make the local cloud fail (--test-controls)");
  fault->fallthrough();
  fault->require_subcommand(1);
  fault->add_flag("--json", options->json, "Print JSON");
  const auto add = [&](const char* name, const char* help) {
    return command(*fault, chosen, name, help, [options, name](const CommonOptions& common) {
      options->action = name;
      return run_fault(common, *options);
    });
  };
  const char* services = "identity, login, vault, queue, functions or management";
  auto* set = add("set", "Let a service fail from now on");
  set->add_option("service", options->service, services)->required();
  set->add_option("kind", options->kind, "429, 500, 503, slow, drop or expired-token")->required();
  set->add_option("--rate", options->rate, "The share of requests, such as 0.5")
      ->capture_default_str();
  set->add_option("--count", options->count, "So many requests; else until it is cleared");
  set->add_option("--delay", options->delay, "How late slow is")->capture_default_str();
  set->add_option("--retry-after", options->retry_after,
                  "Seconds that 429 and 503 ask to wait; 0 says nothing")
      ->check(CLI::Range(0, kRetryAfterMax))
      ->capture_default_str();
  add("list", "Show the faults and how many requests each has met");
  add("clear", "Take them back")->add_option("service", options->service, "Only of that service");
}

void add_clock(CLI::App& app, Run& chosen) {
  auto move = std::make_shared<std::string>("show");
  auto* clock = command(app, chosen, "clock", "Move the local cloud's clock (--test-controls)",
                        [move](const CommonOptions& common) { return run_clock(common, *move); });
  clock->add_option("move", *move, "+10m, -5s, show or reset")->capture_default_str();
  // "-5s" is read as the option -5 with the value "s".
  for (char digit = '0'; digit <= '9'; ++digit) {
    const std::string name{'-', digit};
    clock
        ->add_option_function<std::string>(
            name, [move, name](const std::string& rest) { *move = name + rest; })
        ->group("");
  }
}

}  // namespace

void add_test_control_commands(CLI::App& app, Run& chosen) {
  add_fault(app, chosen);
  add_clock(app, chosen);
}

}  // namespace latchkey::app
