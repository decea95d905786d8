#include "base/encoding.hpp"
#include "codes/sqlite_code_rows.hpp"
#include "codes/sqlite_columns.hpp"

namespace latchkey::codes::rows {
namespace {
using sqlite::Statement;
using Begun = AnswerTable::Begun;
using Outcome = Begun::Outcome;

constexpr const char* kFind = "SELECT fingerprint, sealed FROM answers WHERE key = ? AND until > ?";
constexpr const char* kStart =
    "INSERT INTO answers (key, fingerprint, sealed, until) VALUES (?1, ?2, x'', ?3) "
    "ON CONFLICT (key) DO UPDATE SET fingerprint = ?2, sealed = x'', until = ?3";
constexpr const char* kKeep =
    "UPDATE answers SET sealed = ?1, until = ?2 WHERE key = ?3 AND sealed = x''";
constexpr const char* kDrop = "DELETE FROM answers WHERE key = ? AND sealed = x''";
constexpr const char* kRemoveExpired =
    "DELETE FROM answers WHERE key IN "
    "(SELECT key FROM answers WHERE until <= ? ORDER BY until LIMIT ?)";
/// Each start takes along so many that are over: nobody has to sweep.
constexpr std::int64_t kTakenAlong = 2;

Result<> remove_some_expired(Database& database, UtcTime now, std::int64_t limit) {
  return database.cached(kRemoveExpired).bind(1, to_column(now)).bind(2, limit).run();
}

}  // namespace

Result<Begun> begin_answer(Database& database, const Sha256& key, const Sha256& fingerprint,
                           UtcTime now, std::chrono::seconds lease) {
  Begun begun;
  auto& find = database.cached(kFind).bind(1, key).bind(2, to_column(now));
  auto found = each_row(find, [&](const Statement& row) {
    begun.sealed = as_text(row.blob(1));
    begun.outcome = begun.sealed.empty() ? Outcome::in_progress : Outcome::answered;
    if (as_text(row.blob(0)) != as_text(fingerprint)) begun.outcome = Outcome::other_request;
  });
  if (!found) return fail(std::move(found.error()));
  if (begun.outcome == Outcome::other_request) begun.sealed.clear();
  if (begun.outcome != Outcome::started) return begun;

  sqlite::Savepoint undo(database);
  auto& start = database.cached(kStart).bind(1, key).bind(2, fingerprint);
  auto started = start.bind(3, to_column(now + lease)).run();
  if (started) started = remove_some_expired(database, now, kTakenAlong);
  if (!started) return fail(std::move(started.error()));
  undo.keep();
  return begun;
}

Result<> keep_answer(Database& database, const Sha256& key, const std::string& sealed,
                     UtcTime until) {
  // If the lease ended and another did the work again, the answer kept first stands.
  auto& keep = database.cached(kKeep).bind(1, as_bytes(sealed)).bind(2, to_column(until));
  return keep.bind(3, key).run();
}

Result<> drop_answer(Database& database, const Sha256& key) {
  return database.cached(kDrop).bind(1, key).run();
}

Result<> remove_expired_answers(Database& database, UtcTime now) {
  constexpr std::int64_t kAll = -1;  // SQLite takes a negative limit for none.
  return remove_some_expired(database, now, kAll);
}

}  // namespace latchkey::codes::rows
