#include "codes/sqlite_limit_rows.hpp"

#include <algorithm>

#include "codes/sqlite_columns.hpp"

namespace latchkey::codes::rows {
namespace {
using sqlite::Database;
using sqlite::Statement;

/// Failures in a row count together when no more than this lies between two of them.
constexpr std::chrono::hours kFailuresKept{24};
/// Each step that adds a count takes along so many old ones: the tables stay as small as what
/// matters, at a small cost that never comes all at once.
constexpr std::int64_t kTakenAlong = 2;

constexpr const char* kFindFailures = "SELECT failures, blocked_until FROM failures WHERE key = ?";
constexpr const char* kSetFailures =
    "INSERT INTO failures (key, failures, blocked_until, until) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (key) DO UPDATE SET failures = ?2, blocked_until = ?3, until = ?4";
constexpr const char* kForgetFailures = "DELETE FROM failures WHERE key = ?";
constexpr const char* kFindIssues =
    "SELECT until FROM issues WHERE key = ?1 AND until > ?2 ORDER BY until DESC LIMIT ?3";
constexpr const char* kNoteIssue =
    "INSERT INTO issues (key, until, code) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
constexpr const char* kForgetOldFailures =
    "DELETE FROM failures WHERE key IN "
    "(SELECT key FROM failures WHERE until <= ?1 ORDER BY until LIMIT ?2)";
constexpr const char* kForgetOldIssues =
    "DELETE FROM issues WHERE (key, until, code) IN "
    "(SELECT key, until, code FROM issues WHERE until <= ?1 ORDER BY until LIMIT ?2)";

}  // namespace

Result<FailureCount> find_failures(Database& database, const Sha256& key) {
  FailureCount count;
  auto found = each_row(database.cached(kFindFailures).bind(1, key), [&](const Statement& row) {
    count = {.failures = row.integer(0), .blocked_until = from_column(row.integer(1))};
  });
  if (!found) return fail(std::move(found.error()));
  return count;
}

Result<> raise_failures(Database& database, const Sha256& key, FailureCount& count, UtcTime now,
                        const Limits& limits) {
  ++count.failures;
  const auto delay = delay_after(count.failures, limits);
  // Not `now` without a delay: a copy whose clock is behind ours would take that for one.
  count.blocked_until = delay > delay.zero() ? now + delay : UtcTime{};
  const UtcTime until = std::max(now + kFailuresKept, count.blocked_until);
  Statement& set = database.cached(kSetFailures);
  set.bind(1, key).bind(2, count.failures).bind(3, to_column(count.blocked_until));
  auto done = set.bind(4, to_column(until)).run();
  if (!done) return done;
  return forget_old_counts(database, now, kTakenAlong);
}

Result<> forget_failures(Database& database, const Sha256& key) {
  return database.cached(kForgetFailures).bind(1, key).run();
}

Result<IssueCount> find_issues(Database& database, const Sha256& key, UtcTime now,
                               const Limits& limits) {
  IssueCount count;
  Statement& find = database.cached(kFindIssues);
  find.bind(1, key).bind(2, to_column(now)).bind(3, limits.issues_max);
  auto found = each_row(find, [&](const Statement& row) {
    ++count.issues;
    count.free_at = from_column(row.integer(0));  // The last row is the first to leave.
  });
  if (!found) return fail(std::move(found.error()));
  return count;
}

Result<> note_issue(Database& database, const Sha256& key, const CodeRow& row,
                    const Limits& limits) {
  Statement& note = database.cached(kNoteIssue);
  auto noted =
      note.bind(1, key).bind(2, to_column(row.issued + limits.issues_window)).bind(3, row.id).run();
  if (!noted) return noted;
  return forget_old_counts(database, row.issued, kTakenAlong);
}

Result<> forget_old_counts(Database& database, UtcTime now, std::int64_t limit) {
  for (const char* sql : {kForgetOldFailures, kForgetOldIssues}) {
    auto done = database.cached(sql).bind(1, to_column(now)).bind(2, limit).run();
    if (!done) return done;
  }
  return {};
}

}  // namespace latchkey::codes::rows
