#include "codes/sqlite_code_rows.hpp"

#include <algorithm>
#include <utility>

#include "codes/sqlite_columns.hpp"
#include "codes/sqlite_limit_rows.hpp"

namespace latchkey::codes::rows {
namespace {
using sqlite::Statement;
using Activation = CodeTable::Activation;
using InsertAnswer = CodeTable::InsertAnswer;
using Revocation = CodeTable::Revocation;

constexpr const char* kInsert =
    "INSERT INTO codes (key, key_id, issued, expires, state, subject, purpose, used_at, used_by, "
    "id, attempts) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING";
constexpr const char* kFind =
    "SELECT key, key_id, issued, expires, state, subject, purpose, used_at, used_by, id, attempts "
    "FROM codes WHERE key = ?";
constexpr const char* kFindId =
    "SELECT key, key_id, issued, expires, state, subject, purpose, used_at, used_by, id, attempts "
    "FROM codes WHERE id = ?";
constexpr const char* kActivate =
    "UPDATE codes SET state = 1 WHERE key = ? AND state = 0 AND expires > ? "
    "RETURNING id, subject, purpose, expires, 0";
constexpr const char* kRevoke = "UPDATE codes SET state = 3 WHERE key = ? AND state IN (0, 1)";
// ?2 is a purpose, or NULL for every purpose. ?4 is the key that stays.
constexpr const char* kFindUsable =
    "SELECT id, subject, purpose, expires, state FROM codes WHERE subject = ?1 AND subject <> '' "
    "AND (?2 IS NULL OR purpose = ?2) AND state IN (0, 1) AND expires > ?3 AND key <> ?4";
constexpr const char* kRevokeUsable =
    "UPDATE codes SET state = 3 WHERE subject = ?1 AND subject <> '' "
    "AND (?2 IS NULL OR purpose = ?2) AND state IN (0, 1) AND expires > ?3 AND key <> ?4";
constexpr const char* kRemove =
    "DELETE FROM codes WHERE key = ? AND expires <= ? "
    "RETURNING id, subject, purpose, expires, state";
constexpr const char* kRemoveExpired =
    "DELETE FROM codes WHERE key IN "
    "(SELECT key FROM codes WHERE expires <= ? ORDER BY expires LIMIT ?) "
    "RETURNING id, subject, purpose, expires, state";

CodeState state_in(const Statement& row, int column) {
  return static_cast<CodeState>(row.integer(column));
}

/// Of columns id, subject, purpose, expires, state.
CodeFacts facts_in(const Statement& row) {
  return {.id = std::string(row.text(0)),
          .binding = {std::string(row.text(1)), std::string(row.text(2))},
          .expires = from_column(row.integer(3)),
          .state = state_in(row, 4)};
}

CodeFacts facts_of(const CodeRow& row) {
  return {.id = row.id, .binding = row.binding, .expires = row.expires, .state = row.state};
}

Result<std::vector<CodeFacts>> all_facts(Statement& statement) {
  std::vector<CodeFacts> all;
  auto done = each_row(statement, [&](const Statement& row) { all.push_back(facts_in(row)); });
  if (!done) return fail(std::move(done.error()));
  return all;
}

Result<std::optional<CodeRow>> one_code(Statement& statement) {
  std::optional<CodeRow> found;
  auto done = each_row(statement, [&](const Statement& row) {
    found.emplace();
    std::copy_n(row.blob(0).begin(), found->key.size(), found->key.begin());
    found->key_id = row.text(1);
    found->issued = from_column(row.integer(2));
    found->expires = from_column(row.integer(3));
    found->state = state_in(row, 4);
    found->binding = {std::string(row.text(5)), std::string(row.text(6))};
    found->used_at = from_column(row.integer(7));
    found->used_by = row.text(8);
    found->id = row.text(9);
    found->attempts = row.integer(10);
  });
  if (!done) return fail(std::move(done.error()));
  return found;
}

/// False when its key exists.
Result<bool> add(Database& database, const CodeRow& row) {
  Statement& insert = database.cached(kInsert);
  insert.bind(1, row.key).bind(2, row.key_id).bind(3, to_column(row.issued));
  insert.bind(4, to_column(row.expires)).bind(5, static_cast<std::int64_t>(row.state));
  insert.bind(6, row.binding.subject).bind(7, row.binding.purpose);
  insert.bind(8, to_column(row.used_at)).bind(9, row.used_by);
  auto done = insert.bind(10, row.id).bind(11, row.attempts).run();
  if (!done) return fail(std::move(done.error()));
  return database.changes() > 0;
}

/// All but the row of key `except`; also what ended a moment ago by our clock, for a verifier whose
/// clock is behind would still accept it.
Result<std::vector<CodeFacts>> revoke_usable(Database& database, const std::string& subject,
                                             const std::optional<std::string>& purpose, UtcTime now,
                                             const Sha256& except) {
  const auto bound = [&](const char* sql) -> Statement& {
    Statement& statement = database.cached(sql).bind(1, subject);
    if (purpose) statement.bind(2, *purpose);  // Else it stays NULL.
    return statement.bind(3, to_column(now - kClocksApartMax)).bind(4, except);
  };
  auto usable = all_facts(bound(kFindUsable));
  if (!usable || usable->empty()) return usable;
  auto revoked = bound(kRevokeUsable).run();
  if (!revoked) return fail(std::move(revoked.error()));
  return usable;
}

Result<Revocation> revoke_found(Database& database, const std::optional<CodeRow>& row) {
  if (!row) return Revocation{};
  auto done = database.cached(kRevoke).bind(1, row->key).run();
  if (!done) return fail(std::move(done.error()));
  return Revocation{.revoked = database.changes() > 0, .facts = facts_of(*row)};
}

/// For a row that has a subject.
Result<InsertAnswer> insert_counted(Database& database, const CodeRow& row, const Limits& limits) {
  using Outcome = InsertAnswer::Outcome;
  const Sha256 counted = issue_key(row.binding.subject);
  auto issues = find_issues(database, counted, row.issued, limits);
  if (!issues) return fail(std::move(issues.error()));
  if (issues->issues >= limits.issues_max) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(issues->free_at - row.issued);
    return InsertAnswer{.outcome = Outcome::throttled, .retry_after = wait};
  }
  auto added = add(database, row);
  if (!added) return fail(std::move(added.error()));
  if (!*added) return InsertAnswer{.outcome = Outcome::exists};
  auto noted = note_issue(database, counted, row, limits);
  if (!noted) return fail(std::move(noted.error()));
  InsertAnswer answer{.retry_after = limits.issues_window,
                      .issues_left = limits.issues_max - issues->issues - 1};
  if (!limits.newest_only) return answer;
  const Binding& binding = row.binding;
  auto older = revoke_usable(database, binding.subject, binding.purpose, row.issued, row.key);
  if (!older) return fail(std::move(older.error()));
  answer.superseded = std::move(*older);
  return answer;
}

}  // namespace

Result<InsertAnswer> insert(Database& database, const CodeRow& row, const Limits& limits) {
  if (row.binding.subject.empty()) {
    auto added = add(database, row);
    if (!added) return fail(std::move(added.error()));
    using Outcome = InsertAnswer::Outcome;
    return InsertAnswer{.outcome = *added ? Outcome::inserted : Outcome::exists};
  }
  sqlite::Savepoint undo(database);
  auto answer = insert_counted(database, row, limits);
  if (answer) undo.keep();
  return answer;
}

Result<Activation> activate(Database& database, const CodeKeys& keys, UtcTime now) {
  using Standing = Activation::Standing;
  for (const Sha256& key : keys) {
    auto moved = all_facts(database.cached(kActivate).bind(1, key).bind(2, to_column(now)));
    if (!moved) return fail(std::move(moved.error()));
    if (!moved->empty()) return Activation{Standing::activated, std::move(moved->front())};
  }
  auto row = find(database, keys);
  if (!row) return fail(std::move(row.error()));
  if (!*row) return Activation{};
  return Activation{Standing::known, facts_of(**row)};
}

Result<Revocation> revoke_id(Database& database, const std::string& id) {
  auto row = find_id(database, id);
  if (!row) return fail(std::move(row.error()));
  return revoke_found(database, *row);
}

Result<std::vector<CodeFacts>> revoke_subject(Database& database, const std::string& subject,
                                              const std::optional<std::string>& purpose,
                                              UtcTime now) {
  return revoke_usable(database, subject, purpose, now, Sha256{});
}

Result<std::optional<CodeRow>> find(Database& database, const CodeKeys& keys) {
  for (const Sha256& key : keys) {
    auto row = one_code(database.cached(kFind).bind(1, key));
    if (!row || *row) return row;
  }
  return std::nullopt;
}

Result<std::optional<CodeRow>> find_id(Database& database, const std::string& id) {
  return one_code(database.cached(kFindId).bind(1, id));
}

Result<std::optional<CodeFacts>> remove(Database& database, const CodeKeys& keys,
                                        UtcTime expired_by) {
  for (const Sha256& key : keys) {
    auto removed = all_facts(database.cached(kRemove).bind(1, key).bind(2, to_column(expired_by)));
    if (!removed) return fail(std::move(removed.error()));
    if (!removed->empty()) return std::move(removed->front());
  }
  return std::nullopt;
}

Result<std::vector<CodeFacts>> remove_expired(Database& database, UtcTime expired_by,
                                              std::int64_t limit) {
  const std::int64_t rows_max = std::max<std::int64_t>(limit, 0);  // Negative would mean no limit.
  sqlite::Savepoint undo(database);
  auto removed =
      all_facts(database.cached(kRemoveExpired).bind(1, to_column(expired_by)).bind(2, rows_max));
  if (!removed) return removed;
  auto forgotten = forget_old_counts(database, expired_by, rows_max);
  if (!forgotten) return fail(std::move(forgotten.error()));
  undo.keep();
  return removed;
}

}  // namespace latchkey::codes::rows
