#include "base/sqlite_writer.hpp"

#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "base/sqlite_log_mover.hpp"

namespace latchkey::sqlite {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A sync that takes less is not worth waiting for: who just got an answer would come too late.
constexpr std::chrono::milliseconds kSlowCommit{1};

}  // namespace

struct Writer::Impl {
  Impl(Database database_in, WriterOptions options_in)
      : database(std::move(database_in)), options(options_in), thread([this] { loop(); }) {}

  void loop();
  void begin();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void look_at(const std::optional<Error>& failure);
  std::optional<Error> run_batch(std::vector<std::unique_ptr<Job>>& batch);

  Database database;
  LogMover mover{database};
  const WriterOptions options;
  mutable std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::unique_ptr<Job>> waiting;
  /// Where the call that wakes the thread for what is `waiting` is under way; nullopt: it may
  /// begin.
  std::optional<Executor> gathering_on;
  std::size_t running = 0;
  Counts counts;
  bool ending = false;
  bool failing = false;      ///< the last batch did; this and what follows are the thread's own
  std::size_t expected = 0;  ///< work that was there at once, answered or not, at the last commit
  SteadyClock::time_point committed_at{};
  SteadyClock::duration commit_took{};
  std::thread thread;  // Last: starts when everything above is there.
};

Writer::Writer(Database database, WriterOptions options)
    : impl_(std::make_shared<Impl>(std::move(database), options)) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
  }
  impl_->arrived.notify_one();
  impl_->thread.join();
}

void Writer::Impl::begin() {
  {
    const std::lock_guard lock(mutex);
    gathering_on.reset();
  }
  arrived.notify_one();
}

void Writer::submit(std::unique_ptr<Job> job) {
  const Executor executor = job->executor;
  bool gather = false;
  bool begin = false;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->waiting.size() < impl_->options.waiting_max) {
      gather = impl_->waiting.empty();
      // Another thread's loop may be slow or have ended: whoever comes second does not depend on
      // it.
      begin = !gather && impl_->gathering_on && *impl_->gathering_on != executor;
      if (gather) impl_->gathering_on = executor;
      impl_->waiting.push_back(std::move(job));
    }
  }
  if (job) {
    std::vector<std::unique_ptr<Job>> refused;
    refused.push_back(std::move(job));
    answer(std::move(refused), Error{.kind = ErrorKind::throttled,
                                     .code = "ServerBusy",
                                     .message = "the store has too much work waiting; try again",
                                     .retry_after = std::chrono::seconds{1},
                                     .request_id = {},
                                     .http_status = 0});
    return;
  }
  if (begin) impl_->begin();
  if (!gather) return;
  boost::asio::post(executor, [held = std::weak_ptr<Impl>(impl_)] {
    if (const auto impl = held.lock()) impl->begin();
  });
}

std::size_t Writer::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->waiting.size() + impl_->running;
}

Writer::Counts Writer::counts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counts;
}

/// Who was just answered often asks again at once. Where the disk is slow, a commit without them
/// makes them wait for two: a quarter of a commit's time is given to them first.
void Writer::Impl::wait_for_work(std::unique_lock<std::mutex>& lock) {
  arrived.wait(lock, [this] { return ending || (!waiting.empty() && !gathering_on); });
  if (commit_took < kSlowCommit || waiting.size() >= expected) return;
  arrived.wait_until(lock, committed_at + commit_took / 4,
                     [this] { return ending || (waiting.size() >= expected && !gathering_on); });
}

void Writer::Impl::loop() {
  for (;;) {
    std::vector<std::unique_ptr<Job>> batch;
    {
      std::unique_lock lock(mutex);
      expected = running + waiting.size();
      running = 0;
      wait_for_work(lock);
      if (waiting.empty()) return;
      gathering_on.reset();
      if (waiting.size() <= options.batch_max) {
        batch.swap(waiting);
      } else {
        const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(options.batch_max);
        batch.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(end));
        waiting.erase(waiting.begin(), end);
      }
      running = batch.size();
      counts.commits += 1;
      counts.work += batch.size();
    }
    const auto begun = SteadyClock::now();
    const auto failure = run_batch(batch);
    committed_at = SteadyClock::now();
    commit_took = committed_at - begun;
    if (options.committed) {
      options.committed({.work = batch.size(), .took = commit_took, .durable = !failure});
    }
    if (failure || failing) look_at(failure);
    answer(std::move(batch), failure);
    mover.after_commit();
  }
}

/// One line when it begins to fail and one when it works again, however many batches that are.
void Writer::Impl::look_at(const std::optional<Error>& failure) {
  if (!failure) {
    log::warning("store_commits_again", {});
  } else if (!failing) {
    log::error("store_commit_failed", {{"problem", failure->message}});
  }
  failing = failure.has_value();
  // What is already in the database file need not lie in the log as well: room for the next ones.
  if (failure && failure->code == "StorageFull") {
    (void)database.move_log().has_value();
  }
}

std::optional<Error> Writer::Impl::run_batch(std::vector<std::unique_ptr<Job>>& batch) {
  if (auto begun = database.cached("BEGIN IMMEDIATE").run(); !begun) return begun.error();
  for (auto& job : batch) {
    job->execute(database);
    // SQLite may have rolled all back (disk full): what follows must not write outside a
    // transaction.
    if (!database.in_transaction()) {
      const Error* cause = job->refusal();
      return cause != nullptr ? *cause
                              : Error{.kind = ErrorKind::storage,
                                      .code = "StorageError",
                                      .message = "the store rolled its transaction back",
                                      .retry_after = {},
                                      .request_id = {},
                                      .http_status = 0};
    }
  }
  auto committed = database.cached("COMMIT").run();
  if (committed) return std::nullopt;
  (void)database.cached("ROLLBACK").run().has_value();  // May have happened by itself.
  return committed.error();
}

void Writer::answer(std::vector<std::unique_ptr<Job>> jobs, const std::optional<Error>& failure) {
  // One wake-up per executor and batch, not per piece of work.
  while (!jobs.empty()) {
    const Executor executor = jobs.front()->executor;
    std::vector<std::unique_ptr<Job>> mine;
    std::vector<std::unique_ptr<Job>> others;
    for (auto& job : jobs) (job->executor == executor ? mine : others).push_back(std::move(job));
    // Asio still touches the context after the answer can run: who gets it may end the context at
    // once, so the answer waits (for nanoseconds) until the post has returned.
    auto posted = std::make_shared<std::atomic<bool>>(false);
    boost::asio::post(executor, [mine = std::move(mine), failure, posted]() mutable {
      posted->wait(false, std::memory_order_acquire);
      for (auto& job : mine) {
        const auto guard = std::move(job->guard);
        job->complete(failure ? &*failure : nullptr);
      }
    });
    posted->store(true, std::memory_order_release);
    posted->notify_one();
    jobs = std::move(others);
  }
}

}  // namespace latchkey::sqlite
