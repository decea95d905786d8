#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

/// What all clients make of a failed HTTP answer, whatever its body says.
namespace latchkey::wire {

/// Longest message text that we take over from another side.
inline constexpr std::size_t kForeignMessageMax = 500;

/// 400 invalid_argument, 401/403 denied, 404/410 not_found, 409/412 conflict, 408/504 timeout,
/// 429 throttled, other 4xx invalid_argument, other 5xx unavailable; what is no failure: protocol.
ErrorKind kind_of_status(int status);

/// Status, Retry-After (seconds, or an HTTP date next to a Date header) and x-ms-request-id of the
/// answer with this code, and "who: message". An empty message becomes "HTTP 503 Reason".
Error answer_error(const http::Response& response, std::string_view who, std::string code,
                   std::string_view message);

/// The first line, without control characters, cut at `size_max` at a character's border.
std::string first_line(std::string_view text, std::size_t size_max = kForeignMessageMax);
/// All lines with a blank for each line end and run of blanks; cut as first_line cuts.
std::string one_line(std::string_view text, std::size_t size_max);

}  // namespace latchkey::wire
