#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// SQLite as RAII and Result. Why SQLite, WAL and synchronous=FULL: docs/decisions/0003-sqlite.md.
namespace latchkey::sqlite {

/// A prepared statement. Bindings are 1-based, columns 0-based, as in SQLite. Texts and blobs that
/// are bound are not copied: they must live until `reset` or the next `step` that ends the run.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const std::uint8_t> blob);
  Statement& bind_null(int index);

  /// True when a row is there, false at the end. Error kind: conflict (a constraint), else storage.
  Result<bool> step();
  /// Runs a statement that gives no rows, and resets it.
  Result<> run();
  /// Makes the statement ready to run again and forgets its bindings.
  void reset();

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;               ///< valid until the next step or reset
  std::span<const std::uint8_t> blob(int column) const;  ///< valid until the next step or reset
  bool is_null(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  sqlite3_stmt* handle_ = nullptr;
};

struct OpenOptions {
  /// Waits this long for another process's lock before giving up.
  int busy_timeout_ms = 5000;
  /// Page cache in KiB.
  int cache_kib = 2000;
  /// Nobody else has the file open: damage in its log is looked for first (base/sqlite_wal.hpp).
  bool alone = false;
  /// Nothing is changed, not even by what SQLite does when it closes a file.
  bool read_only = false;
};

/// A connection. For one thread at a time.
class Database {
 public:
  /// Opens or makes `file` (mode 0600) in WAL mode with synchronous=FULL: what is committed
  /// survives kill -9 and power loss. An empty path opens a private database in memory.
  /// Errors, here and of all that follows: conflict (a constraint); storage, with the code
  /// StorageFull (disk, quota or limit of the file's size), StorageDamaged (not a database, or a
  /// torn one), else StorageError.
  static Result<Database> open(const std::filesystem::path& file, const OpenOptions& options = {});
  /// A database in memory that all connections of this process under that name share; gone with
  /// the last of them.
  static Result<Database> open_shared_memory(std::string_view name);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Runs one or more statements that take no parameters.
  Result<> execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  /// The statement for `sql`, prepared once and kept; `sql` must be a literal (kept by address).
  /// It comes reset. Asserts that the SQL is right: it is ours.
  Statement& cached(const char* sql);
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  std::int64_t changes() const;
  std::int64_t last_insert_rowid() const;
  /// False after BEGIN when SQLite has rolled the transaction back by itself (disk full, I/O
  /// error).
  bool in_transaction() const;

  /// From now on the log is only moved by `move_log`: SQLite does it no longer by itself at the end
  /// of a commit.
  void keep_log();
  /// Pages in the write-ahead log after the last commit since `keep_log`; 0 in memory.
  int log_pages() const;
  /// What one `move_log` found and left.
  struct LogMove {
    int pages = 0;  ///< in the log
    int moved = 0;  ///< of them now in the database file as well
  };
  /// Copies pages from the log into the database file and syncs that ("passive checkpoint"), beside
  /// readers and a writer. When all is moved and nobody reads the log, the next transaction writes
  /// from its start. Another that moves at the same time is no error: nothing moved.
  /// Source: sqlite.org/wal.html, section 2.1 "Checkpointing".
  Result<LogMove> move_log();
  /// Empty when in memory.
  std::filesystem::path file() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  static Result<Database> open_name(const std::string& name, int extra_flags,
                                    const OpenOptions& options);
  std::unique_ptr<Impl> impl_;
};

/// Undoes, at its end, what was written since its start unless `keep` was called: for work of
/// several statements inside a larger transaction.
class Savepoint {
 public:
  explicit Savepoint(Database& database);
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  void keep();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace latchkey::sqlite
