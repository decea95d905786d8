#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/sqlite.hpp"
#include "base/task.hpp"

/// The one writer of a durable store, with group commit: a thread takes all work that has queued
/// up, runs it in one transaction, commits once (one fsync), then answers everybody. Ten thousand
/// small durable writes a second cost a few hundred fsyncs. The first piece of work does not start
/// the thread at once but when its event loop has come round: what became ready in the same moment
/// shares the fsync.
namespace latchkey::sqlite {

/// One transaction of a Writer.
struct Commit {
  std::size_t work;
  std::chrono::nanoseconds took;  ///< the work and the sync
  bool durable;
};

struct WriterOptions {
  /// At most so many pieces of work in one transaction; bounds the time to an answer.
  std::size_t batch_max = 512;
  /// At most so many pieces of work waiting; more is refused with kind throttled.
  std::size_t waiting_max = 65'536;
  /// Told of every transaction, on the writer's thread: for metrics.
  std::function<void(const Commit&)> committed{};
};

class Writer {
 public:
  /// Takes over `database` and starts the thread.
  explicit Writer(Database database, WriterOptions options = {});
  /// Finishes all waiting work, then ends the thread.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Runs `work(Database&) -> Result<T>` on the writer's thread inside a transaction and returns
  /// its result once that is durable. Work that returns an error must have written nothing (see
  /// Savepoint). When the commit fails, everybody in it gets kind storage and nothing was written;
  /// after a full disk, the next work finds by itself when there is room again.
  /// May be called from any thread; comes back on the caller's executor. `work` must not touch what
  /// the caller's thread owns: everything it needs goes in by value.
  template <class Work>
  auto run(Work work) -> Task<std::invoke_result_t<Work&, Database&>>;

  /// Work that waits or runs now: a gauge, read from any thread.
  std::size_t waiting() const;
  /// Transactions committed and work done since the start: their ratio is the mean batch.
  struct Counts {
    std::uint64_t commits = 0;
    std::uint64_t work = 0;
  };
  Counts counts() const;

 private:
  struct Job {
    explicit Job(Executor executor_in) : executor(executor_in), guard(executor_in) {}
    virtual ~Job() = default;
    virtual void execute(Database& database) = 0;
    /// The work's own error, after `execute`; nullptr when it went well.
    virtual const Error* refusal() const = 0;
    /// On the caller's executor; `failure` is set when the work did not become durable.
    virtual void complete(const Error* failure) = 0;
    Executor executor;
    boost::asio::executor_work_guard<Executor> guard;
  };
  template <class T, class Work, class Handler>
  struct TypedJob;
  struct Impl;

  void submit(std::unique_ptr<Job> job);
  static void answer(std::vector<std::unique_ptr<Job>> jobs, const std::optional<Error>& failure);

  std::shared_ptr<Impl> impl_;
};

template <class T, class Work, class Handler>
struct Writer::TypedJob final : Job {
  TypedJob(Executor executor_in, Work work_in, Handler handler_in)
      : Job(executor_in), work(std::move(work_in)), handler(std::move(handler_in)) {}
  void execute(Database& database) override { result.emplace(work(database)); }
  const Error* refusal() const override { return result && !*result ? &result->error() : nullptr; }
  void complete(const Error* failure) override {
    // The work's own refusal stands; success is only true when the commit was.
    T outcome = (failure == nullptr || refusal() != nullptr) && result ? std::move(*result)
                                                                       : T(fail(*failure));
    std::move(handler)(std::move(outcome));
  }
  Work work;
  Handler handler;
  std::optional<T> result;
};

template <class Work>
auto Writer::run(Work work) -> Task<std::invoke_result_t<Work&, Database&>> {
  using T = std::invoke_result_t<Work&, Database&>;
  auto executor = co_await boost::asio::this_coro::executor;
  auto initiate = [this, executor](auto handler, Work held) {
    using Handler = decltype(handler);
    submit(std::make_unique<TypedJob<T, Work, Handler>>(executor, std::move(held),
                                                        std::move(handler)));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>,
                                                 void(T)>(initiate, use_task, std::move(work));
}

}  // namespace latchkey::sqlite
