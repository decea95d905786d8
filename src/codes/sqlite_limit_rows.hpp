#pragma once

#include <string>

#include "base/sqlite.hpp"
#include "codes/code_table.hpp"

/// The limits' part of the embedded table: failures in a row, and issues in the window. As in
/// sqlite_code_rows.hpp, to be called inside a transaction.
namespace latchkey::codes::rows {

struct FailureCount {
  std::int64_t failures = 0;
  UtcTime blocked_until{};
};
/// Of nobody known: none.
Result<FailureCount> find_failures(sqlite::Database& database, const Sha256& key);
/// Raises the count, and sets the delay that follows from it.
Result<> raise_failures(sqlite::Database& database, const Sha256& key, FailureCount& count,
                        UtcTime now, const Limits& limits);
Result<> forget_failures(sqlite::Database& database, const Sha256& key);

struct IssueCount {
  std::int64_t issues = 0;  ///< in the window that ends now
  UtcTime free_at{};        ///< when one more fits in, if none does now
};
/// Counts up to `limits.issues_max`.
Result<IssueCount> find_issues(sqlite::Database& database, const Sha256& key, UtcTime now,
                               const Limits& limits);
Result<> note_issue(sqlite::Database& database, const Sha256& key, const CodeRow& row,
                    const Limits& limits);

/// Deletes up to `limit` counts of each kind that no longer matter.
Result<> forget_old_counts(sqlite::Database& database, UtcTime now, std::int64_t limit);

}  // namespace latchkey::codes::rows
