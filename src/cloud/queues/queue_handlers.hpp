#pragma once

#include <string>

#include "base/task.hpp"
#include "cloud/queues/queue_authorization.hpp"
#include "cloud/queues/queue_store.hpp"
#include "http/message.hpp"

/// The operations of Queue Storage, from an authorized request to its answer. Parameters and the
/// body are checked before the queue's existence, as the real service does it.
/// Source: REST reference "Operations on the account, on queues, on messages".
namespace latchkey::cloud {

class QueueHandlers {
 public:
  explicit QueueHandlers(QueueStore& store) : store_(store) {}

  /// The answer without the headers that all answers have. `call` and what it refers to must live
  /// until the task has ended.
  Task<Served<http::Response>> serve(const QueueCall& call);

 private:
  using Answer = Task<Served<http::Response>>;

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

  QueueStore& store_;
};

/// How an error of the store is answered.
wire::StorageError store_refusal(const Error& error);

/// What an OPTIONS request gets while no CORS rules can be set: what Azure answers without any.
wire::StorageError refuse_preflight(const http::Request& request);

}  // namespace latchkey::cloud
