#include "cloud/queues/queue_addressing.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kSecondary = "-secondary";
constexpr std::array<std::string_view, 3> kPathStyleHosts = {
    "host.docker.internal", "gateway.docker.internal", "host.containers.internal"};

/// The Host header without its port.
std::string_view host_name(const http::Request& request) {
  std::string_view host = request.headers.find("Host").value_or("");
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_ipv4(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool names_no_account(std::string_view host) {
  return host.starts_with('[') || host.find('.') == std::string_view::npos || is_ipv4(host) ||
         std::any_of(kPathStyleHosts.begin(), kPathStyleHosts.end(),
                     [host](std::string_view known) { return iequals(host, known); });
}

/// The path's segments, each decoded by itself. A slash at the end counts for nothing.
std::optional<std::vector<std::string>> path_segments(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> segments;
  if (path.empty()) return segments;
  for (const std::string_view part : split(path, '/')) {
    auto decoded = percent_decode(part);
    if (!decoded || decoded->empty()) return std::nullopt;
    segments.push_back(std::move(*decoded));
  }
  return segments;
}

std::string_view without_secondary(std::string_view name) {
  if (name.ends_with(kSecondary)) name.remove_suffix(kSecondary.size());
  return name;
}

}  // namespace

Served<QueueAddress> parse_queue_address(const http::Request& request,
                                         const std::function<bool(std::string_view)>& is_account) {
  auto segments = path_segments(request.path());
  if (!segments) return refuse(wire::storage_error("InvalidUri"));
  const std::string_view host = host_name(request);
  const std::string label = to_lower(host.substr(0, host.find('.')));

  QueueAddress address;
  address.path_style =
      names_no_account(host) || (!is_account(without_secondary(label)) && !segments->empty() &&
                                 is_account(without_secondary(segments->front())));
  std::size_t at = 0;
  if (address.path_style && segments->empty()) return refuse(wire::storage_error("InvalidUri"));
  const std::string_view named = address.path_style ? (*segments)[at++] : label;
  address.account = without_secondary(named);
  address.secondary = named.ends_with(kSecondary);
  if (!is_account(address.account)) return refuse(wire::storage_error("ResourceNotFound"));

  const std::size_t depth = segments->size() - at;
  if (depth == 0) return address;
  address.queue = std::move((*segments)[at]);
  address.resource = QueueResource::queue;
  if (depth == 1) return address;
  if (depth > 3 || !iequals((*segments)[at + 1], "messages")) {
    return refuse(wire::storage_error("InvalidUri"));
  }
  address.resource = depth == 2 ? QueueResource::messages : QueueResource::message;
  if (depth == 3) address.message_id = std::move((*segments)[at + 2]);
  return address;
}

bool is_queue_host(const http::Request& request, std::string_view account) {
  const std::string_view host = host_name(request);
  if (names_no_account(host)) return !host.empty();
  const std::string_view rest = host.substr(host.find('.'));
  const std::string label = to_lower(host.substr(0, host.size() - rest.size()));
  return without_secondary(label) == account && istarts_with(rest, ".queue.");
}

std::string request_origin(const http::Request& request) {
  std::string origin = request.over_tls ? "https://" : "http://";
  return origin.append(request.headers.find("Host").value_or(""));
}

}  // namespace latchkey::cloud
