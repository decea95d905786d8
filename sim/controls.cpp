#include "sim/controls.hpp"

#include <algorithm>

#include "codes/sqlite_code_rows.hpp"

namespace latchkey::sim {
namespace {
using codes::CodeFacts;
using codes::CodeKeys;
using codes::CodeState;

template <class Edge>
void use_table(Plan& plan) {
  plan.setup.table = [](World& world, Machine& machine) {
    return std::make_unique<Edge>(world, machine);
  };
}

bool force_state(sqlite::Database& rows, const Sha256& key, CodeState from, CodeState to) {
  auto& statement = rows.cached("UPDATE codes SET state = ?1 WHERE key = ?2 AND state = ?3");
  statement.bind(1, static_cast<std::int64_t>(to)).bind(2, key);
  statement.bind(3, static_cast<std::int64_t>(from));
  return statement.run().has_value() && rows.changes() > 0;
}

/// Looks whether the code is valid in one call, and sets it used in the next.
class SplitConsume final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    auto row = co_await find(request.keys);
    if (!row) co_return fail(std::move(row.error()));
    const bool good = row->has_value() && (*row)->state == CodeState::valid &&
                      (*row)->binding == request.binding && request.now < (*row)->expires;
    AttemptAnswer answer;
    if (!good) co_return answer;
    answer.outcome = Attempted::yes;
    answer.expires = (*row)->expires;
    co_return co_await run<AttemptAnswer>("attempt", [key = (*row)->key, answer](Database& rows) {
      force_state(rows, key, CodeState::valid, CodeState::used);
      return Result<AttemptAnswer>(answer);
    });
  }
};

class UncountedAttempts final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    request.limits.attempts_per_code = 1'000'000;
    return TableEdge::attempt(std::move(request));
  }
};

/// Does not ask for whom the code was.
class AnyBinding final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    auto row = co_await find(request.keys);
    if (row && row->has_value()) request.binding = (*row)->binding;
    co_return co_await TableEdge::attempt(std::move(request));
  }
};

/// A message makes its code valid whenever it comes.
class LateActivation final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime, Trace trace) override {
    return TableEdge::activate(std::move(keys), UtcTime{}, trace);
  }
};

/// A message makes its code valid whatever its row says.
class ForgetfulActivation final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace) override {
    return run<Activation>("activate", [keys = std::move(keys), now](Database& rows) {
      force_state(rows, keys.front(), CodeState::used, CodeState::valid);
      return codes::rows::activate(rows, keys, now);
    });
  }
};

/// Says that it revoked, and does not.
class EmptyRevocation final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<Revocation>> revoke_id(std::string id, Trace trace) override {
    auto row = co_await find_id(std::move(id), trace);
    if (!row) co_return fail(std::move(row.error()));
    Revocation answer;
    if (!row->has_value()) co_return answer;
    answer.revoked = true;
    answer.facts = CodeFacts{.id = (*row)->id, .binding = (*row)->binding};
    co_return answer;
  }
};

/// Forgets what it is told to, whether it is over or not.
class EagerRemoval final : public TableEdge {
 public:
  using TableEdge::TableEdge;
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime, Trace trace) override {
    return TableEdge::remove(std::move(keys), UtcTime::max(), trace);
  }
};

constexpr Control kControls[] = {
    {"one-look", "the second look at the clock", "I1", Mode::ours,
     [](Plan& plan) { plan.setup.verifier_looks_once = true; }},
    {"empty-revocation", "revocation", "I2", Mode::ours, use_table<EmptyRevocation>},
    {"split-consume", "the atomic consume", "I3", Mode::ours, use_table<SplitConsume>},
    {"no-margin", "the rows' margin (a foreign producer's codes)", "I5", Mode::seed_mode,
     [](Plan& plan) { plan.setup.watcher.rules.clock_error_max = std::chrono::milliseconds{0}; }},
    {"eager-removal", "the row's own time when it is forgotten", "I4", Mode::ours,
     use_table<EagerRemoval>},
    {"ignored-dates", "the comparison of clocks with Azure's", "I4", Mode::ours,
     [](Plan& plan) {
       plan.setup.ignores_dates = true;
       plan.wrong_clock = std::chrono::seconds{20};
     }},
    {"forgetful-activation", "states that move forward only", "I5", Mode::ours,
     use_table<ForgetfulActivation>},
    {"uncounted-attempts", "the count of attempts", "I6", Mode::ours, use_table<UncountedAttempts>},
    {"any-binding", "the binding to subject and purpose", "I7", Mode::ours, use_table<AnyBinding>},
    {"unissued", "the pending row", "I8", Mode::ours,
     [](Plan& plan) { plan.setup.watcher.accept_unissued = true; }},
    {"late-activation", "the row's end when it is made valid", "I9", Mode::ours,
     use_table<LateActivation>},
    {"talkative", "silence about codes", "I10", Mode::ours,
     [](Plan& plan) { plan.setup.logs_codes = true; }},
    {"lazy", "polling as often as promised", "I11", Mode::ours,
     [](Plan& plan) {
       plan.setup.watcher.poll_min = std::chrono::seconds{9};
       plan.setup.watcher.poll_max = std::chrono::seconds{9};
     }},
    {"no-deletes", "deleting messages", "I12", Mode::ours,
     [](Plan& plan) { plan.setup.queue_ignores = codes::testing::FakeQueues::Step::remove; }},
    {"resend-only", "deleting what was sent again", "I13", Mode::resend,
     [](Plan& plan) { plan.setup.queue_ignores = codes::testing::FakeQueues::Step::remove; }},
    {"no-poison", "deleting what is malformed", "I14", Mode::ours,
     [](Plan& plan) { plan.setup.queue_ignores = codes::testing::FakeQueues::Step::remove; }},
    {"silent-put", "the put before the answer", "I15", Mode::ours,
     [](Plan& plan) { plan.setup.queue_ignores = codes::testing::FakeQueues::Step::put; }},
};

}  // namespace

std::span<const Control> controls() {
  return kControls;
}

const Control* find_control(std::string_view name) {
  const auto* found = std::find_if(std::begin(kControls), std::end(kControls),
                                   [&](const Control& control) { return control.name == name; });
  return found == std::end(kControls) ? nullptr : found;
}

}  // namespace latchkey::sim
