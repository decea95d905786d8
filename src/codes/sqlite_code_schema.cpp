#include <fmt/format.h>

#include "codes/sqlite_code_rows.hpp"
#include "codes/sqlite_columns.hpp"

namespace latchkey::codes::rows {
namespace {
using sqlite::Statement;

// The file, version 2. Times are microseconds since 1970, UTC; `state` is CodeState.
//
// codes: `key` is CodeHasher's; `used_at` is 0 and `used_by` empty until the code is used. The key
// is uniform, so the table is a tree by key without a second copy of it; codes_by_expiry serves the
// sweep, codes_by_binding what concerns all codes of a subject.
// failures: `key` is attempt_key; nothing is compared before `blocked_until`.
// issues: `key` is issue_key; one row for each issue that is in the window until `until`.
// answers: `sealed` is empty while the request is at work, until its lease ends.
// A row whose `until` has passed means nothing and may be deleted.
constexpr int kVersion = 2;
constexpr const char* kCodes = R"sql(
CREATE TABLE codes (
  key      BLOB    NOT NULL PRIMARY KEY,
  key_id   TEXT    NOT NULL,
  issued   INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  state    INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  subject  TEXT    NOT NULL,
  purpose  TEXT    NOT NULL,
  used_at  INTEGER NOT NULL,
  used_by  TEXT    NOT NULL,
  id       TEXT    NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires);
)sql";
// Rows of version 1 had no id: they get one as make_code_id gives them (UUID version 7).
constexpr const char* kCodesFromVersion1 = R"sql(
ALTER TABLE codes ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE codes ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
UPDATE codes SET id = lower(printf('%08x-%04x-7%s-8%s-%s',
  issued / 1000 / 65536, (issued / 1000) % 65536,
  substr(hex(randomblob(2)), 2), substr(hex(randomblob(2)), 2), hex(randomblob(6))));
)sql";
constexpr const char* kNewInVersion2 = R"sql(
CREATE UNIQUE INDEX codes_by_id ON codes (id);
CREATE INDEX codes_by_binding ON codes (subject, purpose) WHERE subject <> '';
CREATE TABLE failures (
  key           BLOB    NOT NULL PRIMARY KEY,
  failures      INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL,
  until         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_end ON failures (until);
CREATE TABLE issues (
  key   BLOB    NOT NULL,
  until INTEGER NOT NULL,
  code  TEXT    NOT NULL,
  PRIMARY KEY (key, until, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX issues_by_end ON issues (until);
CREATE TABLE answers (
  key         BLOB    NOT NULL PRIMARY KEY,
  fingerprint BLOB    NOT NULL,
  sealed      BLOB    NOT NULL,
  until       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_end ON answers (until);
PRAGMA user_version = 2;
)sql";

Result<std::int64_t> one_number(Database& database, std::string_view sql) {
  auto statement = database.prepare(sql);
  if (!statement) return fail(std::move(statement.error()));
  std::int64_t number = 0;
  auto done = each_row(*statement, [&](const Statement& row) { number = row.integer(0); });
  if (!done) return fail(std::move(done.error()));
  return number;
}

Result<> make_or_update(Database& database, const std::string& name) {
  auto version = one_number(database, "PRAGMA user_version");
  if (!version) return fail(std::move(version.error()));
  if (*version == kVersion) return {};
  if (*version > kVersion) {
    return fail(ErrorKind::storage, "TableTooNew",
                fmt::format("code table {} is of version {}, this program knows {}: start a newer "
                            "latchkey, or name another file",
                            name, *version, kVersion));
  }
  auto others = one_number(database, "SELECT count(*) FROM sqlite_schema");
  if (!others) return fail(std::move(others.error()));
  if (*version == 0 && *others > 0) {
    return fail(ErrorKind::storage, "NotACodeTable",
                fmt::format("{} is a SQLite file of something else, not a code table: name another "
                            "file",
                            name));
  }
  auto codes = database.execute(*version == 0 ? kCodes : kCodesFromVersion1);
  if (!codes) return codes;
  return database.execute(kNewInVersion2);
}

}  // namespace

Result<> prepare_file(Database& database, const std::string& name) {
  // A file that is up to date is not locked: somebody who was stopped while writing to it must not
  // keep others from starting.
  const auto version = one_number(database, "PRAGMA user_version");
  if (version && *version == kVersion) return {};
  // In one transaction, since several processes may open a new file together.
  auto begun = database.execute("BEGIN IMMEDIATE");
  if (!begun) return begun;
  auto ready = make_or_update(database, name);
  auto ended = database.execute(ready ? "COMMIT" : "ROLLBACK");
  if (!ready) return ready;
  return ended;
}

}  // namespace latchkey::codes::rows
