#include <algorithm>

#include "codes/azure_table_ledger.hpp"
#include "codes/azure_table_rows.hpp"
#include "codes/azure_table_steps.hpp"
#include "codes/run_all.hpp"

// One attempt is read, judged, and then committed on the ledger of its subject, whether the guess
// was right or wrong, before anything else is done or told. Both take the same way to that commit,
// and the ledger's ETag puts all of them in one order: of many guesses at once the right one is
// taken only if few enough came before it, as in a table with transactions. Were the right one
// committed on its code alone, it would overtake the wrong ones that are still being counted.
namespace latchkey::codes::azure_table {
namespace {
using AttemptAnswer = CodeTable::AttemptAnswer;
using AttemptRequest = CodeTable::AttemptRequest;
using Attempted = CodeTable::Attempted;

/// What an attempt found.
struct Sight {
  TableEntity entity{};  ///< the ledger's
  Ledger ledger{};
  std::optional<FoundCode> found{};
  const CodeRow* row() const { return found ? &found->row : nullptr; }
};

/// What is to be done about it.
struct Verdict {
  AttemptAnswer answer{};
  bool commit = false;              ///< the ledger has to be written first
  std::vector<Sha256> exhausted{};  ///< codes whose last guess this was
};

/// The caller of this request took the code a moment ago, and asks again.
bool is_repeat(const CodeRow& row, const AttemptRequest& request) {
  return !request.used_by.empty() && row.state == CodeState::used &&
         row.used_by == request.used_by && row.binding == request.binding &&
         request.now - row.used_at <= kRepeatWindow && request.now < row.expires;
}

/// Empty for the right code. What a caller may learn is the same for every refusal; a pending code
/// shows itself to its own subject and purpose only.
std::string why_refused(const Sight& sight, const AttemptRequest& request) {
  const CodeRow* row = sight.row();
  if (row == nullptr) return "unknown";
  if (row->binding != request.binding) return "other_binding";
  if (row->expires <= request.now) return "expired";
  const Ledger::Code* counted = sight.ledger.find(row->key);
  // Whoever made the last guess may not have come to revoke it.
  const bool exhausted =
      counted != nullptr && counted->attempts >= request.limits.attempts_per_code;
  const bool usable = row->state == CodeState::pending || row->state == CodeState::valid;
  if (usable && exhausted) return to_string(CodeState::revoked);
  return row->state == CodeState::valid ? "" : to_string(row->state);
}

std::int64_t failures_left(const Sight& sight, const AttemptRequest& request) {
  const auto failures = sight.ledger.failures_of(request.counted, request.now).failures;
  return std::max<std::int64_t>(request.limits.failures_max - failures, 0);
}

/// True when this was the last guess that the code allows.
bool count_guess(Ledger::Code& code, const AttemptRequest& request) {
  const std::int64_t guesses_max = request.limits.attempts_per_code;
  if (code.expires <= request.now || code.attempts >= guesses_max) return false;
  return ++code.attempts >= guesses_max;
}

/// Counts a refusal as a failure, and on every code of the subject that it was a guess at.
void count_refusal(Sight& sight, const AttemptRequest& request, Verdict& verdict) {
  sight.ledger.raise_failures(request.counted, request.now, request.limits);
  if (request.binding.subject.empty()) return;
  const std::uint64_t purpose = tag_of(request.binding.purpose);
  const CodeRow* row = sight.row();
  for (Ledger::Code& code : sight.ledger.codes) {
    const bool meant = code.purpose == purpose || (row != nullptr && code.key == row->key);
    if (meant && count_guess(code, request)) verdict.exhausted.push_back(code.key);
  }
}

/// Changes the ledger in `sight`, where something is to be counted.
Verdict judge(Sight& sight, const AttemptRequest& request) {
  Verdict verdict;
  AttemptAnswer& answer = verdict.answer;
  const CodeRow* row = sight.row();
  const auto failures = sight.ledger.failures_of(request.counted, request.now);
  answer.failures_left = failures_left(sight, request);
  const bool repeat = row != nullptr && is_repeat(*row, request);
  if (!repeat && request.now < failures.blocked_until) {
    answer.outcome = Attempted::throttled;
    answer.retry_after =
        std::chrono::ceil<std::chrono::seconds>(failures.blocked_until - request.now);
    answer.reason = "throttled";
    return verdict;
  }
  if (row != nullptr) {
    answer.id = row->id;
    answer.expires = row->expires;
  }
  if (repeat) {
    answer.outcome = Attempted::yes;
    answer.reason = "repeated";
    return verdict;
  }
  answer.reason = why_refused(sight, request);
  if (answer.reason == to_string(CodeState::pending)) {
    answer.outcome = Attempted::not_active_yet;
    return verdict;
  }
  if (answer.reason.empty()) {
    answer.outcome = Attempted::yes;
    // Codes without a subject have no order to keep: their callers' failures alone are counted.
    verdict.commit = !request.binding.subject.empty() || failures.failures > 0;
    sight.ledger.forget_failures(request.counted);
  } else {
    verdict.commit = true;
    count_refusal(sight, request, verdict);
  }
  answer.failures_left = failures_left(sight, request);
  return verdict;
}

Task<Result<Sight>> look(Store& store, const AttemptRequest& request) {
  std::optional<Result<TableEntity>> entity;
  std::optional<Result<std::optional<FoundCode>>> found;
  std::vector<Task<>> tasks;
  EntityKey key = ledger_key(request.binding, request.counted);
  tasks.push_back(keep_in(store.read(std::move(key), request.trace), entity));
  tasks.push_back(keep_in(find_code(store, request.keys, request.trace), found));
  co_await run_all(store.executor(), "table_read", std::move(tasks));
  if (!*entity) co_return fail(std::move(entity->error()));
  if (!*found) co_return fail(std::move(found->error()));
  Sight sight{.entity = std::move(**entity), .found = std::move(**found)};
  sight.ledger = ledger_in(sight.entity);
  co_return sight;
}

/// valid -> used. False: somebody else was first.
Task<Result<bool>> take(Store& store, Sight sight, const AttemptRequest& request) {
  CodeRow& row = sight.found->row;
  row.state = CodeState::used;
  row.used_at = request.now;
  row.used_by = request.used_by;
  if (const Ledger::Code* code = sight.ledger.find(row.key)) row.attempts = code->attempts;
  put_code(sight.found->entity, row);
  co_return co_await store.commit(std::move(sight.found->entity), request.trace);
}

/// A guess with somebody else's code counts on that code, wherever its guesses are counted. True:
/// it was the last one.
Task<Result<bool>> count_on_ledger(Store& store, Sha256 code_key, EntityKey ledger,
                                   const AttemptRequest& request) {
  Contention contention(store);
  for (;;) {
    auto entity = co_await store.read(ledger, request.trace);
    if (!entity) co_return fail(std::move(entity.error()));
    Ledger owners = ledger_in(*entity);
    Ledger::Code* code = owners.find(code_key);
    if (code == nullptr) co_return false;
    const bool last = count_guess(*code, request);
    put_ledger(*entity, std::move(owners), request.now);
    auto written = co_await store.commit(std::move(*entity), request.trace);
    if (!written) co_return written;
    if (*written) co_return last;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

/// As count_on_ledger, for a code without a subject: it has no ledger, its row counts.
Task<Result<bool>> count_on_row(Store& store, Sha256 key, const AttemptRequest& request) {
  Contention contention(store);
  for (;;) {
    CodeKeys keys{key};
    auto found = co_await find_code(store, std::move(keys), request.trace);
    if (!found) co_return fail(std::move(found.error()));
    if (!*found || (*found)->row.expires <= request.now) co_return false;
    CodeRow& row = (*found)->row;
    if (row.state != CodeState::pending && row.state != CodeState::valid) co_return false;
    const bool last = ++row.attempts >= request.limits.attempts_per_code;
    put_code((*found)->entity, row);
    auto written = co_await store.commit(std::move((*found)->entity), request.trace);
    if (!written) co_return written;
    if (*written) co_return last;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

/// What a refusal does beyond its own ledger; the codes that it revoked.
Task<Result<std::vector<CodeFacts>>> finish_refusal(Store& store, std::optional<FoundCode> found,
                                                    std::vector<Sha256> exhausted,
                                                    const AttemptRequest& request) {
  const Binding& own = request.binding;
  if (found && found->row.binding != own) {
    const Binding& others = found->row.binding;
    const Sha256 key = found->row.key;
    Result<bool> last = false;
    if (others.subject.empty()) {
      last = co_await count_on_row(store, key, request);
    } else if (others.subject != own.subject) {
      EntityKey ledger = ledger_key(others, {});
      last = co_await count_on_ledger(store, key, std::move(ledger), request);
    }
    if (!last) co_return fail(std::move(last.error()));
    if (*last) exhausted.push_back(key);
  }
  const RevokeOptions options{.from = request.now, .attempts = request.limits.attempts_per_code};
  co_return co_await revoke_all(store, std::move(exhausted), options, request.trace);
}

/// Nullopt: somebody else was first, and all is to be read and judged again.
Task<Result<std::optional<AttemptAnswer>>> attempt_once(Store& store,
                                                        const AttemptRequest& request) {
  auto sight = co_await look(store, request);
  if (!sight) co_return fail(std::move(sight.error()));
  Verdict verdict = judge(*sight, request);
  if (verdict.commit) {
    put_ledger(sight->entity, sight->ledger, request.now);
    auto written = co_await store.commit(std::move(sight->entity), request.trace);
    if (!written) co_return fail(std::move(written.error()));
    if (!*written) co_return std::nullopt;
  }
  const bool right = verdict.answer.outcome == Attempted::yes && verdict.answer.reason.empty();
  if (right) {
    auto taken = co_await take(store, std::move(*sight), request);
    if (!taken) co_return fail(std::move(taken.error()));
    if (!*taken) co_return std::nullopt;
  } else if (verdict.answer.outcome == Attempted::refused) {
    auto exhausted = co_await finish_refusal(store, std::move(sight->found),
                                             std::move(verdict.exhausted), request);
    if (!exhausted) co_return fail(std::move(exhausted.error()));
    verdict.answer.exhausted = std::move(*exhausted);
  }
  co_return std::move(verdict.answer);
}

}  // namespace

Task<Result<AttemptAnswer>> attempt(Store& store, AttemptRequest request) {
  Contention contention(store);
  for (;;) {
    auto answer = co_await attempt_once(store, request);
    if (!answer) co_return fail(std::move(answer.error()));
    if (*answer) co_return std::move(**answer);
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

}  // namespace latchkey::codes::azure_table
