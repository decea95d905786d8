#include "azure/vault_challenge.hpp"

#include <utility>

#include "azure/clouds.hpp"
#include "wire/challenge.hpp"

namespace latchkey::azure {
namespace {
/// True when `url` was written with a port, be it its scheme's own.
bool names_port(std::string_view url) {
  const std::size_t start = url.find("://") + 3;
  const std::string_view authority = url.substr(start, url.find_first_of("/?", start) - start);
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  return colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
}

}  // namespace

std::string initial_vault_resource(const http::Url& vault) {
  const AzureCloud* cloud = cloud_of_host(vault.host);
  if (cloud == nullptr && http::is_loopback_host(vault.host)) cloud = &public_cloud();
  if (cloud != nullptr) return "https://" + std::string(cloud->vault_domain);
  return {};
}

Result<std::string> challenged_resource(std::string_view header, const http::Url& vault) {
  const auto challenge = wire::parse_bearer_challenge(header);
  if (!challenge || challenge->resource.empty()) {
    return fail(ErrorKind::denied, "ChallengeMissing",
                "answered 401 without a Bearer challenge that names a resource");
  }
  std::string resource = challenge->resource;
  while (resource.ends_with('/')) resource.pop_back();

  const auto url = http::parse_url(resource);
  const bool trusted = url && url->is_https() && url->query.empty() &&
                       (url->host == vault.host || is_below(vault.host, url->host)) &&
                       (!names_port(resource) || url->port == vault.port);
  if (trusted) return resource;
  return fail(ErrorKind::denied, "ChallengeResourceRefused",
              "asks for a token to another service (" + (url ? url->origin() : "not a URL") +
                  "), which it will not get: the resource of a vault's challenge must be its own "
                  "host or a parent domain of it. Check the vault's URL and who answers there");
}

}  // namespace latchkey::azure
