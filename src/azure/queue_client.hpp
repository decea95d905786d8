#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "azure/storage_sender.hpp"
#include "wire/queue_xml.hpp"

namespace latchkey::azure {

using QueueAddress = StorageAddress;

/// From STORAGE_QUEUE_URL, as storage_address_from_url reads it.
Result<QueueAddress> queue_address_from_url(std::string_view url, TokenCredential* credential);
/// From a connection string and a queue name.
Result<QueueAddress> queue_address_from_connection_string(std::string_view text,
                                                          std::string_view queue);

/// 3 to 63 lower-case letters, digits and single inner hyphens.
bool is_queue_name(std::string_view text);

struct PutOptions {
  std::optional<std::chrono::seconds> visibility_timeout;  ///< 0 s to 7 days
  std::optional<std::chrono::seconds> time_to_live;        ///< >= 1 s; -1 s never expires
  Trace trace{};
};
struct GetOptions {
  int count = 1;                                ///< 1 to 32
  std::chrono::seconds visibility_timeout{30};  ///< 1 s to 7 days
};
struct UpdateReceipt {
  std::string pop_receipt;
  UtcTime time_next_visible{};
};

/// One queue of Queue Storage. Errors as wire::storage_error_from gives them: a missing message is
/// not_found (MessageNotFound), a stale receipt not_found or invalid_argument (PopReceiptMismatch);
/// a denied one names the role to assign.
///
/// Every call is retried as RetryPolicy has it, also after faults that leave open whether it took
/// effect. For Put that may mean a message twice, for Get messages that stay hidden, unseen, until
/// their timeout, for Update and Delete a not_found for what has been done: at-least-once delivery
/// has all these anyway, and the codes' protocol is made so that they do no harm. The pool below
/// does not replay Put and Get by itself, so that each try is one of the policy's counted ones.
///
/// A call of a trace carries it, and its id as x-ms-client-request-id, which Storage's logs keep.
///
/// One executor. The object and what it refers to must outlive its calls; do not move it meanwhile.
class QueueClient {
 public:
  static constexpr std::string_view kApiVersion = "2024-11-04";

  QueueClient(QueueAddress address, http::HttpClient& http, Clock& clock, Random& random,
              RetryOptions retry = {});

  Task<Result<>> create(wire::Metadata metadata = {});  ///< also fine when it exists already
  Task<Result<>> remove();
  struct Properties {
    std::int64_t approximate_message_count = 0;
    wire::Metadata metadata;
  };
  Task<Result<Properties>> properties();
  Task<Result<>> set_metadata(wire::Metadata metadata);

  /// The answer has no text: it would be the one given.
  Task<Result<wire::QueueMessage>> put(std::string text, PutOptions options = {});
  Task<Result<std::vector<wire::QueueMessage>>> get(GetOptions options = {});
  Task<Result<std::vector<wire::QueueMessage>>> peek(int count = 1);
  /// Sets the visibility and, if given, the text.
  Task<Result<UpdateReceipt>> update(std::string message_id, std::string pop_receipt,
                                     std::chrono::seconds visibility_timeout,
                                     std::optional<std::string> text = std::nullopt,
                                     Trace trace = {});
  Task<Result<>> remove_message(std::string message_id, std::string pop_receipt, Trace trace = {});
  Task<Result<>> clear();

  /// The account's queues whose names begin with `prefix`, in order of name, from `marker` on (the
  /// last page's next_marker; empty: the first page of at most 5,000).
  Task<Result<wire::QueueListing>> list_queues(std::string prefix, std::string marker = {});

  /// The same account and credential, another queue: "<name>-poison". Asserts that the name is one
  /// that a queue can have (is_queue_name).
  QueueClient sibling(std::string_view queue_name) const;
  /// The same queue, with other patience.
  QueueClient with_retry(RetryOptions retry) const;
  const std::string& name() const { return name_; }
  /// "ACCOUNT.queue.core.windows.net/QUEUE": its address without scheme and SAS.
  std::string where() const { return sender_.where(); }

 private:
  struct Call;
  /// Sends, and turns what is not `call`'s success into an Error.
  Task<Result<http::Response>> send(Call call);
  http::ClientRequest request_for(Call call) const;
  Result<std::vector<wire::QueueMessage>> messages_in(const http::Response& answer) const;
  /// "queue code-requests", for messages.
  std::string who() const { return "queue " + name_; }

  StorageSender sender_;
  std::string name_;
};

}  // namespace latchkey::azure
