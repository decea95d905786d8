#pragma once

#include <memory>
#include <optional>
#include <string>

#include "azure/table_client.hpp"
#include "codes/code_table.hpp"

/// What the steps of the table in Table Storage stand on: entities that are read, and replaced only
/// as they were read.
namespace latchkey::codes::azure_table {

using wire::TableEntity;

/// Where an entity lies.
struct EntityKey {
  std::string partition;
  std::string row;
};

/// One executor; it must outlive its calls. Errors: unavailable, and storage for answers that
/// cannot be used.
class Store {
 public:
  Store(azure::TableAddress address, std::shared_ptr<http::HttpClient> http, Clock& clock,
        Random& random, Executor executor, azure::RetryOptions retry = {});

  /// One without properties and ETag when there is none.
  Task<Result<TableEntity>> read(EntityKey key, Trace trace);
  /// Writes the entity if it is still as it was read; of one without ETag, if there still is none.
  /// False: somebody else was first.
  ///
  /// A write whose answer was lost is sent again, and then finds its own work in its way. Each
  /// entity tells the last writes that it took, by random marks, so that a write knows its own.
  Task<Result<bool>> commit(TableEntity entity, Trace trace);
  /// Deletes the entity if it is still as it was read. False: somebody else was first.
  Task<Result<bool>> erase(TableEntity entity, Trace trace);
  /// Deletes it as it is, if it is there.
  Task<Result<>> erase_any(EntityKey key, Trace trace);
  Task<Result<wire::TablePage>> query(azure::TableQuery query);

  Clock& clock() { return clock_; }
  Random& random() { return random_; }
  const Executor& executor() const { return executor_; }

 private:
  std::shared_ptr<http::HttpClient> http_;
  azure::TableClient client_;
  Clock& clock_;
  Random& random_;
  Executor executor_;
};

/// Waits between the tries of a step that others were quicker than: ever longer and at random, so
/// that of many at one entity one gets through.
class Contention {
 public:
  static constexpr int kTriesMax = 60;
  explicit Contention(Store& store) : store_(store) {}
  /// Error: unavailable, when it was tried too often.
  Task<Result<>> wait();

 private:
  Store& store_;
  int tries_ = 0;
};

/// For steps that go beside each other (run_all).
template <class T>
Task<> keep_in(Task<T> task, std::optional<T>& kept) {
  kept.emplace(co_await std::move(task));
}

}  // namespace latchkey::codes::azure_table
