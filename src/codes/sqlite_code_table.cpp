#include "codes/sqlite_code_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/sqlite.hpp"
#include "base/sqlite_writer.hpp"

namespace latchkey::codes {

const char* to_string(CodeState state) {
  switch (state) {
    case CodeState::pending:
      return "pending";
    case CodeState::valid:
      return "valid";
    case CodeState::used:
      return "used";
    case CodeState::revoked:
      return "revoked";
  }
  return "unknown";
}

namespace {
using sqlite::Database;
using sqlite::Statement;

// The file, version 1. Times are microseconds since 1970, UTC; `key` is CodeHasher::hash; `state`
// is CodeState; `used_at` is 0 and `used_by` empty until the code is used. The key is uniform, so
// the table is a tree by key without a second copy of it; `codes_by_expiry` serves the sweep.
constexpr int kVersion = 1;
constexpr const char* kSchema = R"sql(
CREATE TABLE codes (
  key     BLOB    NOT NULL PRIMARY KEY,
  key_id  TEXT    NOT NULL,
  issued  INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  subject TEXT    NOT NULL,
  purpose TEXT    NOT NULL,
  used_at INTEGER NOT NULL,
  used_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_expiry ON codes (expires);
PRAGMA user_version = 1;
)sql";

constexpr const char* kInsert =
    "INSERT INTO codes (key, key_id, issued, expires, state, subject, purpose, used_at, used_by) "
    "VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING";
constexpr const char* kActivate =
    "UPDATE codes SET state = 1 WHERE key = ? AND state = 0 AND expires > ?";
constexpr const char* kRevoke = "UPDATE codes SET state = 3 WHERE key = ? AND state IN (0, 1)";
constexpr const char* kConsume =
    "UPDATE codes SET state = 2, used_at = ?1, used_by = ?2 WHERE key = ?3 AND state = 1 "
    "AND subject = ?4 AND purpose = ?5 AND expires > ?1 RETURNING expires";
constexpr const char* kFind =
    "SELECT key_id, issued, expires, state, subject, purpose, used_at, used_by FROM codes "
    "WHERE key = ?";
constexpr const char* kRemove = "DELETE FROM codes WHERE key = ? AND expires <= ? RETURNING state";
constexpr const char* kRemoveExpired =
    "DELETE FROM codes WHERE key IN "
    "(SELECT key FROM codes WHERE expires <= ? ORDER BY expires LIMIT ?)";
constexpr const char* kCounts = "SELECT state, count(*) FROM codes GROUP BY state";

std::int64_t to_column(UtcTime time) {
  return time.time_since_epoch().count();
}
UtcTime from_column(std::int64_t value) {
  return UtcTime{UtcTime::duration{value}};
}

/// Callers know two kinds of failure: the store is broken, or it cannot serve now.
tl::unexpected<Error> table_failure(Error error) {
  const bool busy = error.kind == ErrorKind::throttled || error.kind == ErrorKind::unavailable;
  error.kind = busy ? ErrorKind::unavailable : ErrorKind::storage;
  error.message = "code table: " + error.message;
  return fail(std::move(error));
}

/// Runs a change; whether it touched a row.
Result<bool> change(Database& database, Statement& statement) {
  auto done = statement.run();
  if (!done) return fail(std::move(done.error()));
  return database.changes() > 0;
}

/// Runs a statement that gives at most one row; `read` takes what it gives.
template <class Read>
Result<bool> one_row(Statement& statement, Read read) {
  auto row = statement.step();
  if (row && *row) {
    read(statement);
    auto end = statement.step();
    if (!end) row = std::move(end);
  }
  statement.reset();
  return row;
}

Result<std::optional<CodeRow>> find_row(Database& database, const Sha256& key) {
  std::optional<CodeRow> found;
  Statement& statement = database.cached(kFind).bind(1, key);
  auto row = one_row(statement, [&](const Statement& columns) {
    found = CodeRow{.key = key,
                    .key_id = std::string(columns.text(0)),
                    .issued = from_column(columns.integer(1)),
                    .expires = from_column(columns.integer(2)),
                    .state = static_cast<CodeState>(columns.integer(3)),
                    .subject = std::string(columns.text(4)),
                    .purpose = std::string(columns.text(5)),
                    .used_at = from_column(columns.integer(6)),
                    .used_by = std::string(columns.text(7))};
  });
  if (!row) return fail(std::move(row.error()));
  return found;
}

using ConsumeRequest = CodeTable::ConsumeRequest;
using ConsumeAnswer = CodeTable::ConsumeAnswer;
using Consumed = CodeTable::Consumed;

/// Why the conditional update found nothing to do. What a caller may learn stays the same for every
/// refusal; a pending code shows itself to its own subject and purpose only.
ConsumeAnswer explain(const std::optional<CodeRow>& row, const ConsumeRequest& request) {
  if (!row) return {Consumed::refused, {}, "unknown"};
  const auto refused = [&](const char* reason) {
    return ConsumeAnswer{Consumed::refused, row->expires, reason};
  };
  if (row->subject != request.subject || row->purpose != request.purpose) {
    return refused("other_binding");
  }
  if (row->expires <= request.now) return refused("expired");
  switch (row->state) {
    case CodeState::pending:
      return {Consumed::not_active_yet, row->expires, "pending"};
    case CodeState::used:
      if (!request.used_by.empty() && row->used_by == request.used_by &&
          request.now - row->used_at <= kRepeatWindow) {
        return {Consumed::yes, row->expires, "repeated"};
      }
      return refused("used");
    case CodeState::revoked:
      return refused("revoked");
    case CodeState::valid:
      break;  // The update would have taken it.
  }
  return refused("unknown");
}

Result<ConsumeAnswer> consume_row(Database& database, const ConsumeRequest& request) {
  ConsumeAnswer answer;
  Statement& statement = database.cached(kConsume);
  statement.bind(1, to_column(request.now)).bind(2, request.used_by).bind(3, request.key);
  statement.bind(4, request.subject).bind(5, request.purpose);
  auto taken = one_row(statement, [&](const Statement& columns) {
    answer = {Consumed::yes, from_column(columns.integer(0)), {}};
  });
  if (!taken) return fail(std::move(taken.error()));
  if (*taken) return answer;
  auto row = find_row(database, request.key);
  if (!row) return fail(std::move(row.error()));
  return explain(*row, request);
}

Result<bool> insert_row(Database& database, const CodeRow& row) {
  Statement& statement = database.cached(kInsert);
  statement.bind(1, row.key).bind(2, row.key_id).bind(3, to_column(row.issued));
  statement.bind(4, to_column(row.expires)).bind(5, static_cast<std::int64_t>(row.state));
  statement.bind(6, row.subject).bind(7, row.purpose);
  statement.bind(8, to_column(row.used_at)).bind(9, row.used_by);
  return change(database, statement);
}

Result<std::optional<CodeState>> remove_row(Database& database, const Sha256& key,
                                            UtcTime expired_by) {
  std::optional<CodeState> state;
  Statement& statement = database.cached(kRemove).bind(1, key).bind(2, to_column(expired_by));
  auto row = one_row(statement, [&](const Statement& columns) {
    state = static_cast<CodeState>(columns.integer(0));
  });
  if (!row) return fail(std::move(row.error()));
  return state;
}

Result<std::int64_t> remove_rows(Database& database, UtcTime expired_by, std::int64_t limit) {
  Statement& statement = database.cached(kRemoveExpired);
  // SQLite takes a negative limit for none at all.
  statement.bind(1, to_column(expired_by)).bind(2, std::max<std::int64_t>(limit, 0));
  auto removed = change(database, statement);
  if (!removed) return fail(std::move(removed.error()));
  return database.changes();
}

Result<TableCounts> count_rows(Database& database) {
  TableCounts counts;
  std::int64_t* const by_state[] = {&counts.pending, &counts.valid, &counts.used, &counts.revoked};
  Statement& statement = database.cached(kCounts);
  auto row = statement.step();
  for (; row && *row; row = statement.step()) {
    *by_state[static_cast<std::size_t>(statement.integer(0))] = statement.integer(1);
  }
  statement.reset();
  if (!row) return fail(std::move(row.error()));
  return counts;
}

class SqliteCodeTable final : public CodeTable {
 public:
  explicit SqliteCodeTable(Database database) : writer_(std::move(database)) {}

  Task<Result<bool>> insert(CodeRow row) override {
    return run([row = std::move(row)](Database& database) { return insert_row(database, row); });
  }
  Task<Result<bool>> activate(Sha256 key, UtcTime now) override {
    return run([key, now](Database& database) {
      return change(database, database.cached(kActivate).bind(1, key).bind(2, to_column(now)));
    });
  }
  Task<Result<bool>> revoke(Sha256 key) override {
    return run([key](Database& database) {
      return change(database, database.cached(kRevoke).bind(1, key));
    });
  }
  Task<Result<ConsumeAnswer>> consume(ConsumeRequest request) override {
    return run([request = std::move(request)](Database& database) {
      return consume_row(database, request);
    });
  }
  Task<Result<std::optional<CodeRow>>> find(Sha256 key) override {
    return run([key](Database& database) { return find_row(database, key); });
  }
  Task<Result<std::optional<CodeState>>> remove(Sha256 key, UtcTime expired_by) override {
    return run(
        [key, expired_by](Database& database) { return remove_row(database, key, expired_by); });
  }
  Task<Result<std::int64_t>> remove_expired(UtcTime expired_by, std::int64_t limit) override {
    return run([expired_by, limit](Database& database) {
      return remove_rows(database, expired_by, limit);
    });
  }
  Task<Result<TableCounts>> counts() override { return run(count_rows); }

 private:
  template <class Work>
  auto run(Work work) -> Task<std::invoke_result_t<Work&, Database&>> {
    auto done = co_await writer_.run(std::move(work));
    if (!done) co_return table_failure(std::move(done.error()));
    co_return done;
  }

  sqlite::Writer writer_;
};

Result<std::int64_t> one_number(Database& database, std::string_view sql) {
  auto statement = database.prepare(sql);
  if (!statement) return fail(std::move(statement.error()));
  std::int64_t number = 0;
  auto row = one_row(*statement, [&](const Statement& columns) { number = columns.integer(0); });
  if (!row) return fail(std::move(row.error()));
  return number;
}

/// Inside a transaction, since several processes may open a new file together.
Result<> bring_up_to_date(Database& database, const std::string& name) {
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
  if (*others > 0) {
    return fail(ErrorKind::storage, "NotACodeTable",
                fmt::format("{} is a SQLite file of something else, not a code table: name another "
                            "file",
                            name));
  }
  return database.execute(kSchema);
}

}  // namespace

Result<std::unique_ptr<CodeTable>> open_sqlite_code_table(const std::filesystem::path& file) {
  auto database = Database::open(file);
  if (!database) return table_failure(std::move(database.error()));
  auto begun = database->execute("BEGIN IMMEDIATE");
  if (!begun) return table_failure(std::move(begun.error()));
  auto ready = bring_up_to_date(*database, file.string());
  if (!ready) return table_failure(std::move(ready.error()));
  auto committed = database->execute("COMMIT");
  if (!committed) return table_failure(std::move(committed.error()));
  return std::make_unique<SqliteCodeTable>(std::move(*database));
}

}  // namespace latchkey::codes
