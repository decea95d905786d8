#include "http/request_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace latchkey::http {
namespace {

bool is_visible_ascii(char c) {
  return c > ' ' && c < '\x7f';
}

/// RFC 9110 section 5.6.2, tchar.
bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool breaks_lines(char c) {
  return c == '\r' || c == '\n' || c == '\0';
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidRequest", std::move(message));
}

bool is_clients_own(std::string_view name) {
  switch (name.size()) {  // The length first: this is asked for every field of every request.
    case 4:
      return iequals(name, "Host");
    case 10:
      return iequals(name, "Connection");
    case 14:
      return iequals(name, "Content-Length");
    case 17:
      return iequals(name, "Transfer-Encoding");
    default:
      return false;
  }
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// RFC 9110 section 8.6: with these a server expects a length even when there is no body.
bool wants_length(const ClientRequest& request) {
  return !request.body.empty() || request.method == Method::post || request.method == Method::put ||
         request.method == Method::patch;
}

}  // namespace

Result<> check_request(const ClientRequest& request) {
  if (to_string(request.method).empty() || request.method == Method::connect) {
    return refuse("this method cannot be sent");
  }
  if (!std::ranges::all_of(request.url.path, is_visible_ascii) ||
      !std::ranges::all_of(request.url.query, is_visible_ascii)) {
    return refuse("the path or query for " + request.url.authority() +
                  " has characters that must be percent-encoded");
  }
  for (const auto field : request.headers) {
    if (field.name.empty() || !std::ranges::all_of(field.name, is_token_character)) {
      return refuse("a header field's name is empty or has characters that are not allowed");
    }
    if (std::ranges::any_of(field.value, breaks_lines)) {
      return refuse("the value of header field " + std::string(field.name) +
                    " has a line break or a NUL in it");
    }
  }
  return {};
}

void append_head(const ClientRequest& request, std::string_view authority, const Proxy* proxy,
                 std::string& out) {
  out += to_string(request.method);
  out += ' ';
  if (proxy != nullptr) {
    out += request.url.scheme;
    out += "://";
    out += authority;
  }
  if (!request.url.path.starts_with('/')) out += '/';
  out += request.url.path;
  if (!request.url.query.empty()) {
    out += '?';
    out += request.url.query;
  }
  out += " HTTP/1.1\r\n";
  append_field("Host", authority, out);
  for (const auto field : request.headers) {
    if (!is_clients_own(field.name)) append_field(field.name, field.value, out);
  }
  if (request.trace) append_field("traceparent", to_traceparent(request.trace), out);
  if (proxy != nullptr && !proxy->authorization.empty()) {
    append_field("Proxy-Authorization", proxy->authorization.reveal(), out);
  }
  if (request.chunked) {
    append_field("Transfer-Encoding", "chunked", out);
  } else if (wants_length(request)) {
    std::array<char, 20> digits;
    const auto [end, problem] =
        std::to_chars(digits.data(), digits.data() + digits.size(), request.body.size());
    append_field("Content-Length", {digits.data(), end}, out);
  }
  out += "\r\n";
}

std::string chunk_line(std::size_t size) {
  std::array<char, 16> digits;
  const auto [end, problem] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  return std::string(digits.data(), end) + "\r\n";
}

std::string connect_request(std::string_view host_and_port, const Proxy& proxy) {
  std::string out = "CONNECT ";
  out += host_and_port;
  out += " HTTP/1.1\r\n";
  append_field("Host", host_and_port, out);
  if (!proxy.authorization.empty()) {
    append_field("Proxy-Authorization", proxy.authorization.reveal(), out);
  }
  out += "\r\n";
  return out;
}

}  // namespace latchkey::http
