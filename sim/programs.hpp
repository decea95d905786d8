#pragma once

#include <functional>
#include <memory>

#include "codes/code_directory.hpp"
#include "codes/issuer.hpp"
#include "codes/verifier.hpp"
#include "codes/watcher.hpp"
#include "sim/edges.hpp"

/// What runs on the machines: the real parts of src/codes, wired to the edges of the world.
namespace latchkey::sim {

class Api : public Program {
 public:
  virtual Task<Result<codes::IssuedCode>> issue(codes::IssueRequest request) = 0;
  virtual Task<Result<codes::CodeDirectory::Revoked>> revoke(std::string id) = 0;
  virtual Task<Result<std::int64_t>> revoke_subject(std::string subject) = 0;
};

class SignIn : public Program {
 public:
  virtual Task<Result<codes::VerifyAnswer>> verify(codes::VerifyRequest request) = 0;
};

/// What a schedule's programs are told, and the places at which a negative control changes them.
struct Setup {
  codes::LifetimeRules rules;
  codes::Limits limits;
  codes::WatcherOptions watcher;
  azure::RetryOptions retry;

  using Table = std::function<std::unique_ptr<codes::CodeTable>(World&, Machine&)>;
  Table table = [](World& world, Machine& machine) {
    return std::make_unique<TableEdge>(world, machine);
  };
  /// The verifier's second look at the clock sees the first time.
  bool verifier_looks_once = false;
  /// Calls of this kind are answered as if they had been carried out.
  std::optional<codes::testing::FakeQueues::Step> queue_ignores{};
  /// Nobody compares his clock with the Date of the queue's answers.
  bool ignores_dates = false;
  /// The sign-in logs what was typed.
  bool logs_codes = false;
};

/// The setup must outlive the program.
std::unique_ptr<Program> our_program(const Setup& setup, World& world, Machine& machine);

}  // namespace latchkey::sim
