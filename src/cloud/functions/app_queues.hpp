#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cloud/functions/app_settings.hpp"
#include "http/router.hpp"
#include "wire/queue_xml.hpp"
#include "wire/token_json.hpp"

namespace latchkey::cloud {

/// How a function app gets to the local cloud's queues.
struct QueueAccess {
  http::Handler service;  ///< Queue Storage, asked without a socket
  /// A token for Queue Storage as the app's identity, or as the user-assigned one of that client
  /// id.
  std::function<Result<wire::TokenAnswer>(std::string_view client_id)> token;
  /// Whether the local cloud answers there: "https://ACCOUNT.queue.core.windows.net", or our own
  /// port.
  std::function<bool(std::string_view endpoint)> serves;
};

/// Queue Storage through one connection of a function app: the same protocol, signatures, tokens
/// and refusals as over a socket, so that a role that the app lacks in Azure is missed here as
/// well.
class AppQueues {
 public:
  /// `clock` must outlive this object.
  AppQueues(QueueConnection connection, QueueAccess access, Clock& clock);

  /// All have the service's errors (`wire::storage_error_from`), with what helps where a role is
  /// missing; and invalid_argument (code "ConnectionElsewhere").
  Task<Result<std::vector<wire::QueueMessage>>> get(std::string queue, int count,
                                                    std::chrono::seconds hidden);
  Task<Result<>> put(std::string queue, std::string text);
  /// Makes the queue when it is not there.
  Task<Result<>> put_and_create(std::string queue, std::string text);
  /// The new pop receipt.
  Task<Result<std::string>> hide(std::string queue, wire::QueueMessage message,
                                 std::chrono::seconds hidden);
  Task<Result<>> remove(std::string queue, wire::QueueMessage message);

 private:
  struct Call {
    http::Method method = http::Method::get;
    std::string path;  ///< below the account: "/QUEUE/messages"
    std::string query{};
    std::string body{};
  };
  Task<Result<http::Response>> send(Call call, std::string queue);
  Result<http::Request> prepare(Call call);
  Result<> authorize(http::Request& request);
  Result<> use_token(http::Request& request);
  Error explained(Error error) const;

  const QueueConnection connection_;
  const QueueAccess access_;
  Clock& clock_;
  wire::TokenAnswer token_;
};

}  // namespace latchkey::cloud
