#include <algorithm>
#include <utility>

#include "azure/queue_client.hpp"
#include "base/text.hpp"

namespace latchkey::azure {
namespace {

tl::unexpected<Error> bad_url(std::string code, const std::string& what) {
  return fail(
      ErrorKind::invalid_argument, std::move(code),
      "the queue's URL " + what + "; it looks like https://ACCOUNT.queue.core.windows.net/QUEUE");
}

/// Hosts that have no account in their name. Source: Azurite's rule.
bool is_always_path_style(std::string_view host) {
  const bool ip = host.find(':') != std::string_view::npos ||
                  host.find_first_not_of("0123456789.") == std::string_view::npos;
  return ip || host.find('.') == std::string_view::npos;
}

/// The queue's name in `path`; empty when the path is not one of a queue on that host.
std::string_view queue_in(std::string_view path, std::string_view host) {
  const auto segments = split(path.substr(1), '/');
  if (segments.front().empty()) return {};
  if (is_always_path_style(host)) return segments.size() == 2 ? segments[1] : std::string_view{};
  const bool names_account = host.find(".queue.") != std::string_view::npos;
  const std::size_t segments_max = names_account ? 1 : 2;
  return segments.size() <= segments_max ? segments.back() : std::string_view{};
}

/// Checks path and name; strips a slash at the end.
Result<http::Url> queue_url(std::string_view text) {
  auto url = http::parse_url(text);
  if (!url) {
    // The parser's message may not quote the text: a SAS may stand in it.
    return bad_url("InvalidUri", "cannot be read");
  }
  while (url->path.size() > 1 && url->path.ends_with('/')) url->path.pop_back();
  const std::string_view name = queue_in(url->path, url->host);
  if (name.empty()) {
    return bad_url("InvalidUri", "names no queue (" + url->origin() + url->path + ")");
  }
  if (!is_queue_name(name)) {
    return bad_url("InvalidResourceName",
                   "names no possible queue (\"" + std::string(name) +
                       "\": 3 to 63 lower-case letters, digits and single hyphens)");
  }
  return *url;
}

}  // namespace

bool is_queue_name(std::string_view text) {
  constexpr std::size_t kMin = 3;
  constexpr std::size_t kMax = 63;
  if (text.size() < kMin || text.size() > kMax) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  if (text.find("--") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<QueueAddress> queue_address_from_url(std::string_view text, TokenCredential* credential) {
  Result<http::Url> url = queue_url(text);
  if (!url) return fail(std::move(url.error()));
  QueueAddress address;
  if (!url->query.empty()) {
    const auto query = http::parse_query(url->query);
    if (!query || http::find_parameter(*query, "sig") == nullptr) {
      return bad_url("InvalidUri", "has a query that is no shared access signature");
    }
  } else if (credential == nullptr) {
    return bad_url("NoCredential", "has no shared access signature, and there is no identity");
  } else if (!url->is_https()) {
    return bad_url("HttpsRequired", "must be https, for a token is sent there");
  } else {
    address.credential = credential;
  }
  address.url = std::move(*url);
  return address;
}

Result<QueueAddress> queue_address_from_connection_string(std::string_view text,
                                                          std::string_view queue) {
  Result<wire::ConnectionString> parts = wire::parse_connection_string(text);
  if (!parts) return fail(std::move(parts.error()));
  if (!is_queue_name(queue)) {
    return fail(ErrorKind::invalid_argument, "InvalidResourceName",
                "\"" + std::string(queue) +
                    "\" is no possible queue name: 3 to 63 lower-case letters, digits and single "
                    "hyphens");
  }
  Result<http::Url> url = queue_url(parts->queue_endpoint + "/" + std::string(queue));
  if (!url) return fail(std::move(url.error()));
  QueueAddress address;
  address.url = std::move(*url);
  address.url.query = std::move(parts->sas);
  address.account = std::move(parts->account);
  address.account_key = std::move(parts->account_key);
  return address;
}

}  // namespace latchkey::azure
