#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

/// Errors of Azure Storage on the wire: status, code, message, detail elements. Both ends.
/// Source: REST reference "Status and error codes", "Queue service error codes".
namespace latchkey::wire {

struct StorageError {
  int status = 500;
  std::string code;     ///< "QueueNotFound"; also in header x-ms-error-code
  std::string message;  ///< the first line only
  std::vector<std::pair<std::string, std::string>> details;  ///< elements after Message
  /// For 401: the WWW-Authenticate value; for 503: Retry-After; and such.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A value, or the refusal as it goes on the wire.
template <class T>
using Served = tl::expected<T, StorageError>;
inline tl::unexpected<StorageError> refuse(StorageError error) {
  return tl::unexpected<StorageError>(std::move(error));
}

/// The error of that code with its usual status and message. Asserts that the code is in our table.
StorageError storage_error(std::string_view code);
StorageError storage_error(std::string_view code,
                           std::vector<std::pair<std::string, std::string>> details);

/// As an HTTP answer: XML body, x-ms-error-code, the message as reason phrase. The lines
/// "RequestId:..." and "Time:..." are part of the message. For HEAD the body is left out by the
/// server.
http::Response render_storage_error(const StorageError& error, std::string_view request_id,
                                    UtcTime now);

/// What a client makes of a failed answer of Queue or Table Storage: kind by status (400
/// invalid_argument, 401/403 denied, 404 not_found, 409/412 conflict, 408/504 timeout, 429
/// throttled, 5xx unavailable), code, first line of the message with `who` ("queue code-requests")
/// in front, Retry-After, x-ms-request-id.
Error storage_error_from(const http::Response& response, std::string_view who);

}  // namespace latchkey::wire
