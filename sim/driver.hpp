#pragma once

#include <string>
#include <vector>

#include "sim/plan.hpp"
#include "sim/programs.hpp"
#include "sim/world.hpp"

namespace latchkey::sim {

/// Everybody outside: users and apps that get codes and submit them at the most awkward times,
/// attackers with guesses and forged messages, and whoever kills, stops and restarts machines.
class Driver {
 public:
  Driver(World& world, const Plan& plan) : world_(world), plan_(plan) {}

  /// Plans the storm: all that happens in the first `storm_length`.
  void plan_storm();
  /// Ends all faults, now.
  void calm();
  /// One more code, with its whole life, now.
  void issue();

  struct Counts {
    std::uint64_t codes = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t crashes = 0;
    std::uint64_t pauses = 0;
    std::uint64_t outages = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Code {
    Secret code{};
    std::string id{};
    codes::Binding binding{};
    UtcTime issued{};
    UtcTime expires{};
  };
  using Roles = Machine::Role;

  Machine* any_machine(Roles role);
  codes::Binding any_binding();
  void follow(const Code& code);
  void guess(const codes::Binding& binding);
  void forge(const Code* code);
  void submit_twice(const Code& code, int tries_left);
  void submit(const Code& code, const codes::Binding& binding, std::string key, int tries_left);
  void crash();
  void pause();
  void outage();
  Micros some_time(Micros most) { return world_.dice.between(Micros{0}, most); }
  UtcTime some_storm_time() { return world_.timeline.now() + some_time(plan_.storm_length); }

  Task<> issue_on(Machine& machine, codes::IssueRequest request);
  Task<> verify_on(Machine& machine, Code code, codes::VerifyRequest request, UtcTime asked,
                   int tries_left);
  Task<> revoke_on(Machine& machine, Code code);
  Task<> revoke_subject_on(Machine& machine, std::string subject);

  World& world_;
  const Plan& plan_;
  Counts counts_;
  bool calm_ = false;
};

}  // namespace latchkey::sim
