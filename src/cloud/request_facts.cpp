#include "cloud/request_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

struct HostAndPort {
  std::string_view host;
  std::optional<std::uint16_t> port;
};

constexpr std::size_t kHostMax = 253;

bool is_host_text(std::string_view host) {
  return !host.empty() && host.size() <= kHostMax && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

HostAndPort split_host(const http::Request& request) {
  const auto field = trim(request.headers.find("Host").value_or(""));
  const auto bracket = field.rfind(']');
  const auto colon = field.rfind(':');
  HostAndPort result{field, std::nullopt};
  if (colon != field.npos && (bracket == field.npos || colon > bracket)) {
    result.host = field.substr(0, colon);
    result.port = parse_integer<std::uint16_t>(field.substr(colon + 1));
  }
  if (!is_host_text(result.host)) return {"localhost", std::nullopt};
  return result;
}

}  // namespace

std::string request_host(const http::Request& request) {
  return to_lower(split_host(request).host);
}

std::string request_authority(const http::Request& request, std::uint16_t own_port) {
  const auto [host, port] = split_host(request);
  const auto shown = port.value_or(own_port);
  if (shown == 443) return to_lower(host);
  return fmt::format("{}:{}", to_lower(host), shown);
}

std::optional<std::string_view> bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto field = request.headers.find("Authorization");
  if (!field || !istarts_with(*field, kScheme)) return std::nullopt;
  return trim(field->substr(kScheme.size()));
}

}  // namespace latchkey::cloud
