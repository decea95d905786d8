#include "http/response_writer.hpp"

#include <array>
#include <charconv>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::http {
namespace {

void append_number(std::string& out, std::size_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), end);
}

/// A CR or LF that slips into a field would let its author write the rest of the answer.
void append_clean(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out.append(text);
  for (std::size_t i = start; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c < ' ' && c != '\t') || c == 0x7f) out[i] = ' ';
  }
}

// Fields that say how the answer travels: the server's, not the handler's.
enum class Concern : std::uint8_t { handler, connection, length, travel, date };

Concern concern_of(std::string_view name) {
  switch (name.size()) {
    case 4:
      return iequals(name, "Date") ? Concern::date : Concern::handler;
    case 10:
      if (iequals(name, "Connection")) return Concern::connection;
      return iequals(name, "Keep-Alive") ? Concern::travel : Concern::handler;
    case 14:
      return iequals(name, "Content-Length") ? Concern::length : Concern::handler;
    case 17:
      return iequals(name, "Transfer-Encoding") ? Concern::travel : Concern::handler;
    default:
      return Concern::handler;
  }
}

void append_status_line(std::string& out, const Response& response) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(response.status));
  out.push_back(' ');
  if (response.reason.empty()) {
    out.append(reason_phrase(response.status));
  } else {
    append_clean(out, response.reason);
  }
  out.append("\r\n");
}

bool is_without_body(int status) {
  return status == 204 || status == 304 || status < 200;
}

void append_length(std::string& out, const Response& response, const AnswerForm& form,
                   std::string_view announced) {
  if (is_without_body(response.status)) return;
  if (response.chunked && !form.to_http10) {
    out.append("Transfer-Encoding: chunked\r\n");
    return;
  }
  out.append("Content-Length: ");
  // Only an answer to HEAD may announce a length that it does not carry.
  const auto stated = parse_integer<std::size_t>(announced);
  append_number(out, form.to_head && stated ? *stated : response.body.size());
  out.append("\r\n");
}

void append_body(std::string& out, const Response& response, const AnswerForm& form) {
  if (form.to_head || is_without_body(response.status)) return;
  if (!response.chunked || form.to_http10) {
    out.append(response.body);
    return;
  }
  if (!response.body.empty()) {
    append_number(out, response.body.size(), 16);
    out.append("\r\n");
    out.append(response.body);
    out.append("\r\n");
  }
  out.append("0\r\n\r\n");
}

}  // namespace

std::string_view DateLine::at(UtcTime now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != second_) {
    second_ = second;
    line_ = "Date: " + to_rfc1123(now) + "\r\n";
  }
  return line_;
}

bool render(const Response& response, const AnswerForm& form, std::string_view date_line,
            std::string& out) {
  append_status_line(out, response);
  bool keep_alive = form.keep_alive;
  bool has_date = false;
  std::string_view announced;
  for (const auto& [name, value] : response.headers) {
    const Concern concern = concern_of(name);
    if (concern == Concern::connection && iequals(value, "close")) keep_alive = false;
    if (concern == Concern::length) announced = value;
    if (concern == Concern::date) has_date = true;
    if (concern != Concern::handler && concern != Concern::date) continue;
    append_clean(out, name);
    out.append(": ");
    append_clean(out, value);
    out.append("\r\n");
  }
  if (!has_date) out.append(date_line);
  append_length(out, response, form, announced);
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (form.to_http10) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  append_body(out, response, form);
  return keep_alive;
}

}  // namespace latchkey::http
