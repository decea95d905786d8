#include "wire/answer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::wire {
namespace {

/// A day: nobody waits longer, and arithmetic stays far from overflow.
constexpr std::chrono::milliseconds kRetryAfterMax = std::chrono::hours{24};

std::optional<std::chrono::milliseconds> bounded(std::chrono::milliseconds wait) {
  return std::clamp(wait, std::chrono::milliseconds{0}, kRetryAfterMax);
}

std::optional<std::chrono::milliseconds> retry_after_of(const http::Headers& headers) {
  const auto text = headers.find("Retry-After");
  if (!text) return std::nullopt;
  if (const auto seconds = parse_integer<std::int32_t>(trim(*text))) {
    return bounded(std::chrono::seconds{*seconds});
  }
  const auto when = from_rfc1123(trim(*text));
  const auto now = from_rfc1123(trim(headers.find("Date").value_or("")));
  if (!when || !now) return std::nullopt;
  return bounded(std::chrono::duration_cast<std::chrono::milliseconds>(*when - *now));
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

/// Never within a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  std::size_t end = size_max;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::denied;
    case 404:
    case 410:
      return ErrorKind::not_found;
    case 409:
    case 412:
      return ErrorKind::conflict;
    case 408:
    case 504:
      return ErrorKind::timeout;
    case 429:
      return ErrorKind::throttled;
    default:
      if (status >= 400 && status < 500) return ErrorKind::invalid_argument;
      if (status >= 500 && status < 600) return ErrorKind::unavailable;
      return ErrorKind::protocol;
  }
}

Error answer_error(const http::Response& response, std::string_view who, std::string code,
                   std::string_view message) {
  Error error;
  error.kind = kind_of_status(response.status);
  error.code = std::move(code);
  error.message = std::string(who) + ": ";
  if (message.empty()) {
    error.message +=
        fmt::format("HTTP {} {}", response.status, http::reason_phrase(response.status));
  } else {
    error.message += message;
  }
  error.retry_after = retry_after_of(response.headers);
  error.request_id = first_line(response.headers.find("x-ms-request-id").value_or(""), 100);
  error.http_status = response.status;
  return error;
}

std::string first_line(std::string_view text, std::size_t size_max) {
  std::string line(cut(text.substr(0, text.find_first_of("\r\n")), size_max));
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return line;
}

std::string one_line(std::string_view text, std::size_t size_max) {
  std::string line;
  for (char c : trim(text)) {
    const bool blank = c == ' ' || is_control(c);
    if (!blank) {
      line += c;
    } else if (!line.ends_with(' ')) {
      line += ' ';
    }
  }
  return std::string(cut(line, size_max));
}

}  // namespace latchkey::wire
