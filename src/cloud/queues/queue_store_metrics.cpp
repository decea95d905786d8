#include "cloud/queues/queue_store_metrics.hpp"

#include "base/log.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::array<std::string_view, 9> kOperationNames = {
    "create_queue", "delete_queue", "set_metadata", "put",  "get",
    "peek",         "update",       "delete",       "clear"};
constexpr std::array<std::string_view, 5> kResultNames = {"ok", "refused", "busy", "full",
                                                          "failed"};
// Room on a disk is made by a person or a nightly job: no sense in asking every second.
constexpr std::chrono::seconds kRetryWhenFull{10};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

QueueStoreMetrics::QueueStoreMetrics(Metrics& metrics)
    : commit_size_(metrics.histogram("latchkey_queue_commit_size",
                                     "Changes that shared one transaction and one sync.",
                                     batch_bounds())),
      commit_seconds_(metrics.histogram("latchkey_queue_commit_seconds",
                                        "Duration of a transaction with its sync.",
                                        latency_bounds())),
      commits_failed_(metrics.counter("latchkey_queue_commits_failed_total",
                                      "Transactions that did not become durable.")) {
  for (std::size_t i = 0; i < kOperations; ++i) {
    const std::string name(kOperationNames[i]);
    for (std::size_t result = 0; result < kResults; ++result) {
      operations_[i].results[result] =
          &metrics.counter("latchkey_queue_operations_total", "Operations by kind and result.",
                           {{"operation", name}, {"result", std::string(kResultNames[result])}});
    }
    operations_[i].seconds = &metrics.histogram("latchkey_queue_operation_seconds",
                                                "From the store's call to its durable answer.",
                                                latency_bounds(), {{"operation", name}});
  }
}

QueueStoreMetrics::Call::~Call() {
  const Series& series = metrics_.operations_[static_cast<std::size_t>(operation_)];
  series.results[result_]->add();
  series.seconds->observe(seconds(clock_.steady_now() - begin_));
}

Error QueueStoreMetrics::Call::failed(const Error& cause) {
  Error error = cause;
  if (cause.kind == ErrorKind::throttled) {
    result_ = kBusy;
    error.code = "ServerBusy";
    return error;
  }
  error.kind = ErrorKind::storage;
  if (cause.code == "StorageFull") {
    result_ = kFull;
    error.retry_after = kRetryWhenFull;
    return error;
  }
  result_ = kFailed;
  log::error("queue_store_failed", {{"problem", cause.message}});
  error.code = "InternalError";
  return error;
}

void QueueStoreMetrics::committed(const sqlite::Commit& commit) {
  commit_size_.observe(static_cast<double>(commit.work));
  commit_seconds_.observe(seconds(commit.took));
  if (!commit.durable) commits_failed_.add();
}

}  // namespace latchkey::cloud
