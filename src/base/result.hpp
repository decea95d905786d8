#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

/// Errors as values. Callers act on `kind` only; the rest is for people and logs.
namespace latchkey {

enum class ErrorKind : std::uint8_t {
  invalid_argument,  ///< The input is wrong; repeating the same call cannot help.
  not_found,
  conflict,     ///< Already exists, or changed by somebody else.
  denied,       ///< No or insufficient credential.
  throttled,    ///< Too many requests; see `retry_after`.
  unavailable,  ///< The other side cannot be reached or says it cannot serve now.
  timeout,      ///< The deadline passed; the effect is unknown.
  protocol,     ///< The other side answered something that its protocol does not allow.
  storage,      ///< Our own durable store failed.
  internal,     ///< A defect of ours.
};

/// Text such as "not_found", for logs and metrics.
const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  /// The service's own code (`QueueNotFound`), or ours; stable, for machines.
  std::string code;
  /// For a person: what was wrong, with whom, and the remedy. Never a secret, never a code.
  std::string message;
  /// How long the other side asked us to wait.
  std::optional<std::chrono::milliseconds> retry_after;
  /// The other side's id of the request, where it gave one.
  std::string request_id;
  /// HTTP status where an HTTP answer caused this; 0 otherwise.
  int http_status = 0;
};

/// A value or an Error. Must be looked at.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// The error side of a Result: `return fail(ErrorKind::not_found, "QueueNotFound", "...")`.
inline tl::unexpected<Error> fail(ErrorKind kind, std::string code, std::string message) {
  return tl::unexpected<Error>(Error{.kind = kind,
                                     .code = std::move(code),
                                     .message = std::move(message),
                                     .retry_after = std::nullopt,
                                     .request_id = {},
                                     .http_status = 0});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace latchkey
