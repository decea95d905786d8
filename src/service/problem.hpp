#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

/// Problem details, RFC 9457: what went wrong, for programs by `type`, for people by `detail`.
namespace latchkey::service {

struct Problem {
  int status = 500;
  /// The last part of the type "urn:latchkey:problem:<name>"; stable.
  std::string_view name;
  std::string_view title;
  std::string detail;
  /// Adds the member "accepted" for answers about a code.
  std::optional<bool> accepted;
};

http::Response problem_response(const Problem& problem);

/// The router's refusals (404, 405, ...) in this form.
http::Response router_refusal(const http::Request& request, int status);

}  // namespace latchkey::service
