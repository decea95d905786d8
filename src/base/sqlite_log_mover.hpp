#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "base/sqlite.hpp"

namespace latchkey::sqlite {

/// Moves the write-ahead log into the database file beside the writer, so that no commit waits for
/// it ("checkpointer").
///
/// Why two steps: a passive checkpoint runs beside commits, but the log starts afresh only when all
/// of it was moved, and with commits going on it never is. So a thread of its own moves the bulk,
/// and the writer, between two commits, what came meanwhile: a few milliseconds at most.
class LogMover {
 public:
  /// For the writer's connection, which gives up SQLite's own checkpoints. The log is moved from a
  /// length of `long_log` pages on; a quarter of that may be left for the
  /// writer, and more where three moves could not catch up with it.
  explicit LogMover(Database& writers, int long_log = 4000);
  ~LogMover();
  LogMover(const LogMover&) = delete;
  LogMover& operator=(const LogMover&) = delete;

  /// On the writer's thread, outside a transaction: begins, goes on with or ends a move when it is
  /// time to.
  void after_commit();

 private:
  void loop(const std::filesystem::path& file);
  void begin();
  void end();

  Database& writers_;
  const int long_log_;
  int begin_at_;
  int moves_ = 0;           ///< of the thread since the log last started afresh or was given up
  bool is_moving_ = false;  ///< the writer's own view
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool ending_ = false;
  std::optional<int> moved_;  ///< what the thread's last move left in the database file
  std::thread thread_;        // Last, and only once there is something to move.
};

}  // namespace latchkey::sqlite
