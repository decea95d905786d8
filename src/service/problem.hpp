#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "http/message.hpp"

/// Problem details, RFC 9457: what went wrong, for programs by `type`, for people by `detail`.
/// web/openapi.json lists all types.
namespace latchkey::service {

struct Problem {
  int status = 500;
  /// The last part of the type "urn:latchkey:problem:<name>"; stable.
  std::string_view name{};
  std::string_view title{};
  std::string detail{};
  /// Adds the member "accepted" for answers about a code.
  std::optional<bool> accepted{};
  /// Adds the header Retry-After.
  std::optional<std::chrono::seconds> retry_after{};
};

http::Response problem_response(const Problem& problem);
/// The error side of what gives a value or the answer to send instead.
tl::unexpected<http::Response> problem_instead(const Problem& problem);

/// 503: the code table does not answer. `detail` says what that means for the caller.
http::Response table_unavailable(std::string detail);

/// The router's refusals (404, 405, ...) in this form.
http::Response router_refusal(const http::Request& request, int status);

}  // namespace latchkey::service
