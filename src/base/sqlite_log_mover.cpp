#include "base/sqlite_log_mover.hpp"

#include "base/log.hpp"

namespace latchkey::sqlite {
namespace {

/// Commits can be faster than the thread for as long as they like; the log may not grow as long.
constexpr int kMovesMax = 3;

}  // namespace

LogMover::LogMover(Database& writers, int long_log)
    : writers_(writers), long_log_(long_log), begin_at_(long_log) {
  writers_.keep_log();
}

LogMover::~LogMover() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LogMover::after_commit() {
  const int pages = writers_.log_pages();
  if (!is_moving_) {
    if (pages < long_log_) begin_at_ = long_log_;  // It has started afresh.
    if (pages >= begin_at_) begin();
    return;
  }
  std::optional<int> moved;
  {
    const std::lock_guard lock(mutex_);
    moved = moved_;
  }
  if (!moved) return;
  // Commits that outran the move leave another long piece; 0 is a failure, and for the writer.
  const bool is_long = pages - *moved > long_log_ / 4;
  if (is_long && *moved > 0 && moves_ < kMovesMax) {
    begin();
  } else {
    end();
  }
}

void LogMover::begin() {
  is_moving_ = true;
  moves_ += 1;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    moved_.reset();
  }
  if (!thread_.joinable()) thread_ = std::thread([this, file = writers_.file()] { loop(file); });
  changed_.notify_one();
}

void LogMover::end() {
  is_moving_ = false;
  moves_ = 0;
  if (auto moved = writers_.move_log(); !moved) {
    log::warning("store_log_not_moved", {{"problem", moved.error().message}});
  }
  // A reader of old pages keeps the log from starting afresh: no use in trying at each commit.
  begin_at_ = writers_.log_pages() + long_log_;
}

void LogMover::loop(const std::filesystem::path& file) {
  auto database = Database::open(file);
  if (!database) log::warning("store_log_mover", {{"problem", database.error().message}});
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return wanted_ || ending_; });
      if (ending_) return;
      wanted_ = false;
    }
    int moved = 0;
    if (database) {
      const auto move = database->move_log();
      if (move) moved = move->moved;
    }
    const std::lock_guard lock(mutex_);
    moved_ = moved;
  }
}

}  // namespace latchkey::sqlite
