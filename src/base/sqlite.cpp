#include "base/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/assert.hpp"
#include "base/sqlite_wal.hpp"

namespace latchkey::sqlite {
namespace {

/// SQLite calls only ENOSPC "full"; a quota and a limit on file sizes are the same to us. Of a
/// COMMIT that fails SQLite keeps no system error (3.40), so that `errno` is all there is.
bool is_full(sqlite3* database, int code) {
  if (code == SQLITE_FULL) return true;
  const int kept = sqlite3_system_errno(database);
  const int system = kept != 0 ? kept : errno;
  return code == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT || system == EFBIG);
}

tl::unexpected<Error> failure(sqlite3* database, std::string_view doing) {
  if (database == nullptr) return fail(ErrorKind::storage, "StorageError", "out of memory");
  const int code = sqlite3_errcode(database) & 0xFF;
  const auto kind = code == SQLITE_CONSTRAINT ? ErrorKind::conflict : ErrorKind::storage;
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const char* name = is_full(database, code) ? "StorageFull"
                     : damaged               ? "StorageDamaged"
                                             : "StorageError";
  return fail(kind, name, fmt::format("{}: SQLite says \"{}\"", doing, sqlite3_errmsg(database)));
}

/// Beyond a limit on file sizes (ulimit -f) the kernel ends a process that does not ignore this
/// signal; ignored, the write fails and is an error like that of a full disk.
void survive_file_size_limits() {
  [[maybe_unused]] static const auto before = std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

Statement::Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}
Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  LK_ASSERT(sqlite3_bind_int64(handle_, index, value) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind(int index, std::string_view text) {
  LK_ASSERT(sqlite3_bind_text(handle_, index, text.data() == nullptr ? "" : text.data(),
                              static_cast<int>(text.size()), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind(int index, std::span<const std::uint8_t> blob) {
  LK_ASSERT(sqlite3_bind_blob(handle_, index,
                              blob.empty() ? "" : static_cast<const void*>(blob.data()),
                              static_cast<int>(blob.size()), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}
Statement& Statement::bind_null(int index) {
  LK_ASSERT(sqlite3_bind_null(handle_, index) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  errno = 0;
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(sqlite3_db_handle(handle_), "running a statement");
}

Result<> Statement::run() {
  auto row = step();
  reset();
  if (!row) return fail(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}
std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return {data == nullptr ? "" : data,
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
std::span<const std::uint8_t> Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

struct Database::Impl {
  explicit Impl(sqlite3* handle_in) : handle(handle_in) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    statements.clear();
    sqlite3_close(handle);
  }
  sqlite3* handle;
  int log_pages = 0;
  std::unordered_map<const char*, Statement> statements;
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file, const OpenOptions& options) {
  survive_file_size_limits();
  if (!file.empty() && options.alone) {
    if (auto intact = check_log(file); !intact) return fail(intact.error());
  }
  if (!file.empty() && !options.read_only) {
    // Made here and not by SQLite, so that nobody else can ever read it. One that exists is not
    // even opened: to close it again would end all POSIX locks that this process has on it, and
    // another process would take our log for abandoned (sqlite.org/howtocorrupt.html, section 2.2).
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0 && errno != EEXIST) {
      return fail(ErrorKind::storage, "StorageError",
                  fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
    }
    if (descriptor >= 0) ::close(descriptor);
  }
  return open_name(file.empty() ? ":memory:" : file.string(), 0, options);
}

Result<Database> Database::open_shared_memory(std::string_view name) {
  // The "memdb" file system of SQLite: names that begin with a slash are shared in the process.
  return open_name(fmt::format("file:/{}?vfs=memdb", name), SQLITE_OPEN_URI, {});
}

Result<Database> Database::open_name(const std::string& name, int extra_flags,
                                     const OpenOptions& options) {
  sqlite3* handle = nullptr;
  const int mode =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code =
      sqlite3_open_v2(name.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX | extra_flags, nullptr);
  auto impl = std::make_unique<Impl>(handle);
  if (code != SQLITE_OK) return failure(handle, "opening " + name);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, options.busy_timeout_ms);
  Database database(std::move(impl));
  std::string setup = fmt::format("PRAGMA cache_size=-{};", options.cache_kib);
  if (options.read_only) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    setup += "SELECT count(*) FROM sqlite_schema;";  // Reads the header: is it a database at all?
  } else {
    setup +=
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA wal_autocheckpoint=4000; PRAGMA foreign_keys=ON;";
  }
  const auto set = database.execute(setup);
  if (!set) {
    Error error = set.error();
    error.message = fmt::format("{}: {}", name, error.message);
    return fail(std::move(error));
  }
  return database;
}

Result<> Database::execute(const std::string& sql) {
  if (sqlite3_exec(impl_->handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(impl_->handle, "running a statement");
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(impl_->handle, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK) {
    return failure(impl_->handle, fmt::format("preparing \"{}\"", sql));
  }
  return Statement(handle);
}

Statement& Database::cached(const char* sql) {
  auto found = impl_->statements.find(sql);
  if (found == impl_->statements.end()) {
    auto statement = prepare(sql);
    LK_ASSERT(statement.has_value());
    found = impl_->statements.emplace(sql, std::move(*statement)).first;
  }
  found->second.reset();
  return found->second;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(impl_->handle);
}
std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(impl_->handle);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(impl_->handle) == 0;
}

void Database::keep_log() {
  const auto count = [](void* impl, sqlite3* /*database*/, const char* /*name*/, int pages) {
    static_cast<Impl*>(impl)->log_pages = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(impl_->handle, count, impl_.get());  // Takes the place of SQLite's own.
}

int Database::log_pages() const {
  return impl_->log_pages;
}

Result<Database::LogMove> Database::move_log() {
  LogMove move;
  const int code = sqlite3_wal_checkpoint_v2(impl_->handle, nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &move.pages, &move.moved);
  if (code == SQLITE_OK) return move;
  if ((code & 0xFF) == SQLITE_BUSY) return LogMove{};
  return failure(impl_->handle, "moving the log into the database file");
}

std::filesystem::path Database::file() const {
  const char* name = sqlite3_db_filename(impl_->handle, "main");
  return name == nullptr ? "" : name;
}

Savepoint::Savepoint(Database& database) : database_(database) {
  LK_ASSERT(database_.cached("SAVEPOINT part").run().has_value());
}
Savepoint::~Savepoint() {
  if (!open_) return;
  (void)database_.cached("ROLLBACK TO part").run().has_value();
  (void)database_.cached("RELEASE part").run().has_value();
}
void Savepoint::keep() {
  open_ = false;
  LK_ASSERT(database_.cached("RELEASE part").run().has_value());
}

}  // namespace latchkey::sqlite
