#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/sqlite_writer.hpp"

/// What the queue store counts for Prometheus:
///   latchkey_queue_operations_total{operation,result}   result: ok; refused (the caller's fault);
///                                                       busy, full (503); failed (500)
///   latchkey_queue_operation_seconds{operation}         from call to durable answer
///   latchkey_queue_commit_size, latchkey_queue_commit_seconds, latchkey_queue_commits_failed_total
/// and as gauges, set up by the store: latchkey_queue_messages{account,queue},
/// latchkey_queue_journal_waiting, latchkey_queue_index_bytes.
namespace latchkey::cloud {

class QueueStoreMetrics {
 public:
  enum class Operation : std::uint8_t {
    create_queue,
    delete_queue,
    set_metadata,
    put,
    get,
    peek,
    update,
    remove,
    clear
  };

  explicit QueueStoreMetrics(Metrics& metrics);

  /// One call; counted when it goes. Refused unless told otherwise.
  class Call {
   public:
    Call(QueueStoreMetrics& metrics, Operation operation, const Clock& clock)
        : metrics_(metrics), operation_(operation), clock_(clock), begin_(clock.steady_now()) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();
    void succeeded() { result_ = kOk; }
    /// The journal gave `error`; returns what that is called on the wire: ServerBusy, StorageFull
    /// or InternalError.
    Error failed(const Error& error);

   private:
    QueueStoreMetrics& metrics_;
    const Operation operation_;
    const Clock& clock_;
    const SteadyTime begin_;
    std::size_t result_ = kRefused;
  };

  /// For sqlite::WriterOptions; any thread.
  void committed(const sqlite::Commit& commit);

 private:
  static constexpr std::size_t kOperations = 9;
  enum : std::size_t { kOk, kRefused, kBusy, kFull, kFailed, kResults };
  struct Series {
    std::array<Counter*, kResults> results{};
    Histogram* seconds = nullptr;
  };

  std::array<Series, kOperations> operations_;
  Histogram& commit_size_;
  Histogram& commit_seconds_;
  Counter& commits_failed_;
};

}  // namespace latchkey::cloud
