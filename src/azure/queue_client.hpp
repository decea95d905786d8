#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "azure/credential.hpp"
#include "azure/retry_policy.hpp"
#include "wire/connection_string.hpp"
#include "wire/queue_xml.hpp"

namespace latchkey::azure {

/// How a queue is reached.
struct QueueAddress {
  /// Exactly one of: a credential (bearer; https only), an account key, a SAS in the URL.
  http::Url url;  ///< of the queue: https://ACCOUNT.queue.core.windows.net/QUEUE; a SAS stays in
                  ///< its query
  TokenCredential* credential = nullptr;
  std::string account;  ///< with `account_key`
  Secret account_key;
};

/// From STORAGE_QUEUE_URL: uses the SAS in its query if there is one, else `credential`.
/// Error: invalid_argument (no queue name in the path, bad name, http with a credential).
Result<QueueAddress> queue_address_from_url(std::string_view url, TokenCredential* credential);
/// From a connection string and a queue name.
Result<QueueAddress> queue_address_from_connection_string(std::string_view text,
                                                          std::string_view queue);

struct PutOptions {
  std::optional<std::chrono::seconds> visibility_timeout;  ///< 0 s to 7 days
  std::optional<std::chrono::seconds> time_to_live;        ///< >= 1 s; -1 s never expires
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
/// not_found (MessageNotFound), a stale receipt not_found or invalid_argument (PopReceiptMismatch).
/// Every answer's Date header goes to `on_server_date` when set, to measure the clock's offset.
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

  Task<Result<wire::QueueMessage>> put(std::string text, PutOptions options = {});
  Task<Result<std::vector<wire::QueueMessage>>> get(GetOptions options = {});
  Task<Result<std::vector<wire::QueueMessage>>> peek(int count = 1);
  /// Sets the visibility and, if given, the text.
  Task<Result<UpdateReceipt>> update(std::string message_id, std::string pop_receipt,
                                     std::chrono::seconds visibility_timeout,
                                     std::optional<std::string> text = std::nullopt);
  Task<Result<>> remove_message(std::string message_id, std::string pop_receipt);
  Task<Result<>> clear();

  /// The same account and credential, another queue: "<name>-poison".
  QueueClient sibling(std::string_view queue_name) const;
  const std::string& name() const { return name_; }

  std::function<void(UtcTime server_date)> on_server_date;

 private:
  struct Call;
  Task<Result<http::Response>> send(Call call);

  QueueAddress address_;
  std::string name_;
  http::HttpClient* http_;
  Clock* clock_;
  Random* random_;
  RetryOptions retry_;
};

}  // namespace latchkey::azure
