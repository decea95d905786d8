#include "azure/storage_address.hpp"

#include <utility>

#include "base/text.hpp"

namespace latchkey::azure {
namespace {

tl::unexpected<Error> bad_url(const StorageResource& resource, std::string code,
                              std::string_view what) {
  std::string message = "the " + std::string(resource.noun) + "'s URL ";
  message.append(what).append("; it looks like ").append(resource.example);
  return fail(ErrorKind::invalid_argument, std::move(code), std::move(message));
}

/// Hosts that have no account in their name. Source: Azurite's rule.
bool is_always_path_style(std::string_view host) {
  const bool ip = host.find(':') != std::string_view::npos ||
                  host.find_first_not_of("0123456789.") == std::string_view::npos;
  return ip || host.find('.') == std::string_view::npos;
}

/// The name in the path; empty when the path is not one of such a resource on that host.
std::string_view name_in(const http::Url& url, const StorageResource& resource) {
  const auto segments = split(std::string_view(url.path).substr(1), '/');
  if (segments.front().empty()) return {};
  if (is_always_path_style(url.host)) {
    return segments.size() == 2 ? segments[1] : std::string_view{};
  }
  const bool names_account = url.host.find(resource.host_part) != std::string::npos;
  const std::size_t segments_max = names_account ? 1 : 2;
  return segments.size() <= segments_max ? segments.back() : std::string_view{};
}

/// Checks path and name; strips a slash at the end.
Result<http::Url> resource_url(std::string_view text, const StorageResource& resource) {
  auto url = http::parse_url(text);
  if (!url) {
    // The parser's message may not quote the text: a SAS may stand in it.
    return bad_url(resource, "InvalidUri", "cannot be read");
  }
  while (url->path.size() > 1 && url->path.ends_with('/')) url->path.pop_back();
  const std::string noun(resource.noun);
  const std::string_view name = name_in(*url, resource);
  if (name.empty()) {
    return bad_url(resource, "InvalidUri",
                   "names no " + noun + " (" + url->origin() + url->path + ")");
  }
  if (!resource.is_name(name)) {
    return bad_url(resource, "InvalidResourceName",
                   "names no possible " + noun + " (\"" + std::string(name) +
                       "\": " + std::string(resource.name_rule) + ")");
  }
  return *url;
}

}  // namespace

Result<StorageAddress> storage_address_from_url(std::string_view text, TokenCredential* credential,
                                                const StorageResource& resource) {
  Result<http::Url> url = resource_url(text, resource);
  if (!url) return fail(std::move(url.error()));
  StorageAddress address;
  if (!url->query.empty()) {
    const auto query = http::parse_query(url->query);
    if (!query || http::find_parameter(*query, "sig") == nullptr) {
      return bad_url(resource, "InvalidUri", "has a query that is no shared access signature");
    }
  } else if (credential == nullptr) {
    return bad_url(resource, "NoCredential",
                   "has no shared access signature, and there is no identity");
  } else if (!url->is_https()) {
    return bad_url(resource, "HttpsRequired", "must be https, for a token is sent there");
  } else {
    address.credential = credential;
  }
  address.url = std::move(*url);
  return address;
}

Result<StorageAddress> storage_address_from_connection_string(std::string_view text,
                                                              std::string_view name,
                                                              const StorageResource& resource) {
  Result<wire::ConnectionString> parts = wire::parse_connection_string(text, resource.service);
  if (!parts) return fail(std::move(parts.error()));
  if (!resource.is_name(name)) {
    std::string message = "\"" + std::string(name) + "\" is no possible ";
    message.append(resource.noun).append(" name: ").append(resource.name_rule);
    return fail(ErrorKind::invalid_argument, "InvalidResourceName", std::move(message));
  }
  Result<http::Url> url = resource_url(parts->endpoint + "/" + std::string(name), resource);
  if (!url) return fail(std::move(url.error()));
  StorageAddress address;
  address.url = std::move(*url);
  address.url.query = std::move(parts->sas);
  address.account = std::move(parts->account);
  address.account_key = std::move(parts->account_key);
  return address;
}

}  // namespace latchkey::azure
