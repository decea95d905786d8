#include "codes/sqlite_code_table.hpp"

#include <utility>

#include "base/sqlite.hpp"
#include "base/sqlite_writer.hpp"
#include "codes/sqlite_code_rows.hpp"

namespace latchkey::codes {
namespace {
using sqlite::Database;
using SharedWriter = std::shared_ptr<sqlite::Writer>;

/// Callers know two kinds of failure: the store is broken, or it cannot serve now.
tl::unexpected<Error> table_failure(Error error) {
  const bool busy = error.kind == ErrorKind::throttled || error.kind == ErrorKind::unavailable;
  error.kind = busy ? ErrorKind::unavailable : ErrorKind::storage;
  error.message = "code table: " + error.message;
  return fail(std::move(error));
}

/// Runs `work` on the writer's thread, inside its transaction; answers when that is durable.
template <class Work>
auto run(SharedWriter writer, Work work) -> Task<std::invoke_result_t<Work&, Database&>> {
  auto done = co_await writer->run(std::move(work));
  if (!done) co_return table_failure(std::move(done.error()));
  co_return done;
}

class SqliteCodeTable final : public CodeTable {
 public:
  explicit SqliteCodeTable(SharedWriter writer) : writer_(std::move(writer)) {}

  Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace /*trace*/) override {
    return run(writer_, [row = std::move(row), limits](Database& database) {
      return rows::insert(database, row, limits);
    });
  }
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace /*trace*/) override {
    return run(writer_, [keys = std::move(keys), now](Database& database) {
      return rows::activate(database, keys, now);
    });
  }
  Task<Result<Revocation>> revoke_id(std::string id, Trace /*trace*/) override {
    return run(writer_,
               [id = std::move(id)](Database& database) { return rows::revoke_id(database, id); });
  }
  Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                      std::optional<std::string> purpose,
                                                      UtcTime now, Trace /*trace*/) override {
    return run(writer_, [subject = std::move(subject), purpose = std::move(purpose),
                         now](Database& database) {
      return rows::revoke_subject(database, subject, purpose, now);
    });
  }
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    return run(writer_, [request = std::move(request)](Database& database) {
      return rows::attempt(database, request);
    });
  }
  Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) override {
    return run(writer_,
               [keys = std::move(keys)](Database& database) { return rows::find(database, keys); });
  }
  Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace /*trace*/) override {
    return run(writer_,
               [id = std::move(id)](Database& database) { return rows::find_id(database, id); });
  }
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by,
                                                Trace /*trace*/) override {
    return run(writer_, [keys = std::move(keys), expired_by](Database& database) {
      return rows::remove(database, keys, expired_by);
    });
  }
  Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                      std::int64_t limit) override {
    return run(writer_, [expired_by, limit](Database& database) {
      return rows::remove_expired(database, expired_by, limit);
    });
  }

 private:
  SharedWriter writer_;
};

class SqliteAnswerTable final : public AnswerTable {
 public:
  explicit SqliteAnswerTable(SharedWriter writer) : writer_(std::move(writer)) {}

  Task<Result<Begun>> begin(Sha256 key, Sha256 fingerprint, UtcTime now,
                            std::chrono::seconds lease) override {
    return run(writer_, [key, fingerprint, now, lease](Database& database) {
      return rows::begin_answer(database, key, fingerprint, now, lease);
    });
  }
  Task<Result<>> keep(Sha256 key, std::string sealed, UtcTime until) override {
    return run(writer_, [key, sealed = std::move(sealed), until](Database& database) {
      return rows::keep_answer(database, key, sealed, until);
    });
  }
  Task<Result<>> drop(Sha256 key) override {
    return run(writer_, [key](Database& database) { return rows::drop_answer(database, key); });
  }
  Task<Result<>> remove_expired(UtcTime now) override {
    return run(writer_,
               [now](Database& database) { return rows::remove_expired_answers(database, now); });
  }

 private:
  SharedWriter writer_;
};

}  // namespace

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

Result<CodeTables> open_sqlite_tables(const std::filesystem::path& file) {
  auto database = Database::open(file);
  if (!database) return table_failure(std::move(database.error()));
  auto ready = rows::prepare_file(*database, file.string());
  if (!ready) return table_failure(std::move(ready.error()));
  auto writer = std::make_shared<sqlite::Writer>(std::move(*database));
  return CodeTables{.codes = std::make_unique<SqliteCodeTable>(writer),
                    .answers = std::make_unique<SqliteAnswerTable>(writer)};
}

}  // namespace latchkey::codes
