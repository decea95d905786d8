#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "cloud/queues/delegation_keys.hpp"
#include "cloud/queues/queue_authorization.hpp"
#include "cloud/queues/queue_settings_store.hpp"
#include "cloud/queues/queue_store.hpp"
#include "http/message.hpp"

/// The operations of Queue Storage, from an authorized request to its answer. Parameters and the
/// body are checked before the queue's existence, as the real service does it.
/// Source: REST reference "Operations on the account, on queues, on messages".
namespace latchkey::cloud {

class QueueHandlers {
 public:
  struct Options {
    DelegationKeys delegation_keys;
    /// How long the name of a deleted queue stays taken.
    std::chrono::seconds deletion_window{0};
  };
  /// The stores and the clock must outlive this.
  QueueHandlers(QueueStore& store, QueueSettingsStore& settings, Clock& clock, Options options)
      : store_(store), settings_(settings), clock_(clock), options_(std::move(options)) {}

  /// The answer without the headers that all answers have. `call` and what it refers to must live
  /// until the task has ended.
  Task<Served<http::Response>> serve(const QueueCall& call, const Caller& caller);

 private:
  using Answer = Task<Served<http::Response>>;

  Answer serve_queue(const QueueCall& call);
  Answer set_service_properties(const QueueCall& call);
  Served<http::Response> get_service_stats(const QueueCall& call);
  Served<http::Response> get_user_delegation_key(const QueueCall& call, const Caller& caller);
  Served<http::Response> get_acl(const QueueCall& call);
  Answer set_acl(const QueueCall& call);
  Served<http::Response> list_queues(const QueueCall& call);
  Answer create_queue(const QueueCall& call);
  Answer delete_queue(const QueueCall& call);
  Served<http::Response> get_metadata(const QueueCall& call);
  Answer set_metadata(const QueueCall& call);
  Answer put_message(const QueueCall& call);
  Answer get_messages(const QueueCall& call);
  Answer peek_messages(const QueueCall& call);
  Answer clear_messages(const QueueCall& call);
  Answer update_message(const QueueCall& call);
  Answer delete_message(const QueueCall& call);

  Served<QueueNumber> find_queue(const QueueCall& call) const;
  Served<MessageNames::Receipt> read_receipt(const QueueCall& call) const;
  bool is_being_deleted(const QueueCall& call);

  QueueStore& store_;
  QueueSettingsStore& settings_;
  Clock& clock_;
  const Options options_;
  std::map<std::string, UtcTime> deleted_until_;  ///< by ACCOUNT/QUEUE
};

/// How an error of the store is answered.
wire::StorageError store_refusal(const Error& error);

}  // namespace latchkey::cloud
