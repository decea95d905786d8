#include <algorithm>
#include <utility>

#include "codes/sqlite_code_rows.hpp"
#include "codes/sqlite_columns.hpp"
#include "codes/sqlite_limit_rows.hpp"

// One attempt is one transaction: the writer answers nobody before it is durable, so whoever learns
// how a comparison ended has been counted for it, and no crash or second process gives more
// attempts than the limits have. A store without transactions must count first, as a call of its
// own, and compare then.
namespace latchkey::codes::rows {
namespace {
using sqlite::Statement;
using AttemptAnswer = CodeTable::AttemptAnswer;
using AttemptRequest = CodeTable::AttemptRequest;
using Attempted = CodeTable::Attempted;

constexpr const char* kTake =
    "UPDATE codes SET state = 2, used_at = ?1, used_by = ?2 WHERE key = ?3 AND state = 1 "
    "AND subject = ?4 AND purpose = ?5 AND expires > ?1 RETURNING id, expires";
constexpr const char* kCountForBinding =
    "UPDATE codes SET attempts = attempts + 1 WHERE subject = ?1 AND subject <> '' "
    "AND purpose = ?2 AND state IN (0, 1) AND expires > ?3 "
    "RETURNING key, id, subject, purpose, expires, state, attempts";
constexpr const char* kCountForKey =
    "UPDATE codes SET attempts = attempts + 1 WHERE key = ?1 AND state IN (0, 1) "
    "AND expires > ?2 RETURNING key, id, subject, purpose, expires, state, attempts";
constexpr const char* kRevoke = "UPDATE codes SET state = 3 WHERE key = ?";

/// The caller of this request took the code a moment ago, and asks again.
bool is_repeat(const CodeRow& row, const AttemptRequest& request) {
  return row.state == CodeState::used && row.used_by == request.used_by &&
         row.binding == request.binding && request.now - row.used_at <= kRepeatWindow &&
         request.now < row.expires;
}

/// Sets the outcome to yes if it was done.
Result<> take(Database& database, const AttemptRequest& request, AttemptAnswer& answer) {
  for (const Sha256& key : request.keys) {
    Statement& statement = database.cached(kTake);
    statement.bind(1, to_column(request.now)).bind(2, request.used_by).bind(3, key);
    statement.bind(4, request.binding.subject).bind(5, request.binding.purpose);
    auto taken = each_row(statement, [&](const Statement& row) {
      answer.outcome = Attempted::yes;
      answer.id = row.text(0);
      answer.expires = from_column(row.integer(1));
    });
    if (!taken || answer.outcome == Attempted::yes) return taken;
  }
  return {};
}

/// Why nothing was taken. What a caller may learn is the same for every refusal; a pending code
/// shows itself to its own subject and purpose only.
const char* why_refused(const std::optional<CodeRow>& row, const AttemptRequest& request) {
  if (!row) return "unknown";
  if (row->binding != request.binding) return "other_binding";
  if (row->expires <= request.now) return "expired";
  return to_string(row->state);
}

struct Counted {
  std::vector<Sha256> exhausted_keys;
  std::vector<CodeFacts> exhausted;
};

/// Runs one of the counting statements.
Result<> count(Statement& statement, const Limits& limits, Counted& counted) {
  return each_row(statement, [&](const Statement& row) {
    if (row.integer(6) < limits.attempts_per_code) return;
    Sha256 key{};
    std::copy_n(row.blob(0).begin(), key.size(), key.begin());
    counted.exhausted_keys.push_back(key);
    counted.exhausted.push_back({.id = std::string(row.text(1)),
                                 .binding = {std::string(row.text(2)), std::string(row.text(3))},
                                 .expires = from_column(row.integer(4)),
                                 .state = static_cast<CodeState>(row.integer(5))});
  });
}

/// Counts a refusal on every code that it was a guess at, and revokes those that it was the last
/// one for.
Result<std::vector<CodeFacts>> count_on_codes(Database& database, const AttemptRequest& request,
                                              const std::optional<CodeRow>& row) {
  Counted counted;
  const std::int64_t now = to_column(request.now);
  const Binding& binding = request.binding;
  Statement& for_binding = database.cached(kCountForBinding);
  for_binding.bind(1, binding.subject).bind(2, binding.purpose).bind(3, now);
  auto done = count(for_binding, request.limits, counted);
  if (done && row && row->binding != binding) {
    Statement& for_key = database.cached(kCountForKey).bind(1, row->key).bind(2, now);
    done = count(for_key, request.limits, counted);
  }
  for (const Sha256& key : counted.exhausted_keys) {
    if (done) done = database.cached(kRevoke).bind(1, key).run();
  }
  if (!done) return fail(std::move(done.error()));
  return std::move(counted.exhausted);
}

/// Compares, in a transaction that undoes what an error leaves half done.
Result<> compare(Database& database, const AttemptRequest& request, FailureCount& failures,
                 AttemptAnswer& answer) {
  auto taken = take(database, request, answer);
  if (!taken) return taken;
  if (answer.outcome == Attempted::yes) {
    if (failures.failures == 0) return {};
    failures = {};
    return forget_failures(database, request.counted);
  }
  auto row = find(database, request.keys);
  if (!row) return fail(std::move(row.error()));
  answer.reason = why_refused(*row, request);
  if (*row) {
    answer.id = (*row)->id;
    answer.expires = (*row)->expires;
  }
  if (answer.reason == to_string(CodeState::pending)) {
    answer.outcome = Attempted::not_active_yet;
    return {};
  }
  auto raised = raise_failures(database, request.counted, failures, request.now, request.limits);
  if (!raised) return raised;
  auto exhausted = count_on_codes(database, request, *row);
  if (!exhausted) return fail(std::move(exhausted.error()));
  answer.exhausted = std::move(*exhausted);
  return {};
}

std::int64_t left(const FailureCount& failures, const Limits& limits) {
  return std::max<std::int64_t>(limits.failures_max - failures.failures, 0);
}

}  // namespace

Result<AttemptAnswer> attempt(Database& database, const AttemptRequest& request) {
  AttemptAnswer answer;
  auto failures = find_failures(database, request.counted);
  if (!failures) return fail(std::move(failures.error()));
  answer.failures_left = left(*failures, request.limits);
  if (!request.used_by.empty()) {
    auto row = find(database, request.keys);
    if (!row) return fail(std::move(row.error()));
    if (*row && is_repeat(**row, request)) {
      answer.outcome = Attempted::yes;
      answer.id = (*row)->id;
      answer.expires = (*row)->expires;
      answer.reason = "repeated";
      return answer;
    }
  }
  if (request.now < failures->blocked_until) {
    answer.outcome = Attempted::throttled;
    answer.retry_after =
        std::chrono::ceil<std::chrono::seconds>(failures->blocked_until - request.now);
    answer.reason = "throttled";
    return answer;
  }
  sqlite::Savepoint undo(database);
  auto compared = compare(database, request, *failures, answer);
  if (!compared) return fail(std::move(compared.error()));
  undo.keep();
  answer.failures_left = left(*failures, request.limits);
  return answer;
}

}  // namespace latchkey::codes::rows
