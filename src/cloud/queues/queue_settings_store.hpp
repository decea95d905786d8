#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "wire/access_policy.hpp"
#include "wire/service_properties.hpp"

/// What a queue service keeps beside queues and messages: each account's service properties, each
/// queue's stored access policies, and the secret that user delegation keys are made of. Few and
/// seldom changed, so all of it is in memory; a change is seen when it is durable. One thread.
///
/// Tables, in the database of the queues: queue_service (account, properties), queue_policy (queue,
/// policies), both as XML; queue_secret (name, value).
namespace latchkey::cloud {

class QueueSettingsStore {
 public:
  /// Makes the tables in `database` and reads what is there. Before the writer starts. Errors:
  /// storage.
  static Result<std::unique_ptr<QueueSettingsStore>> load(sqlite::Database& database,
                                                          Random& random);
  void use_writer(sqlite::Writer& writer) { writer_ = &writer; }

  /// With every section.
  const wire::ServiceProperties& properties(std::string_view account) const;
  /// Changes the sections that `change` has.
  Task<Result<>> change_properties(std::string account, wire::ServiceProperties change);

  const std::vector<wire::SignedIdentifier>& policies(std::uint32_t queue) const;
  /// Error: not_found, QueueNotFound (it was deleted meanwhile).
  Task<Result<>> set_policies(std::uint32_t queue, std::vector<wire::SignedIdentifier> policies);
  /// After the queue was deleted. What a crash in between leaves is never read: a queue's number is
  /// never used twice.
  Task<Result<>> forget_queue(std::uint32_t queue);

  const Secret& delegation_secret() const { return delegation_secret_; }

 private:
  QueueSettingsStore() = default;

  sqlite::Writer* writer_ = nullptr;
  Secret delegation_secret_;
  const wire::ServiceProperties fresh_ = wire::default_service_properties();
  const std::vector<wire::SignedIdentifier> none_;
  std::map<std::string, wire::ServiceProperties, std::less<>> properties_;
  std::map<std::uint32_t, std::vector<wire::SignedIdentifier>> policies_;
};

}  // namespace latchkey::cloud
