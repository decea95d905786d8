#include "cloud/identity/login_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cloud/request_facts.hpp"
#include "http/url.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::array<std::string_view, 4> kPublicHosts{kPublicLoginHost, "login.windows.net",
                                                       "login.microsoft.com", "sts.windows.net"};
constexpr std::array<std::string_view, 3> kTenantNames{"adfs", "common", "organizations"};
constexpr std::array<std::string_view, 4> kPathsOfTenant{"oauth2/v2.0/token", "oauth2/token",
                                                         "v2.0", ""};

}  // namespace

bool is_public_login_host(std::string_view host) {
  return std::ranges::any_of(kPublicHosts, [&](auto each) { return iequals(each, host); });
}

std::string login_authority(const http::Request& request, std::uint16_t own_port) {
  auto host = request_host(request);
  if (is_public_login_host(host)) return host;
  return fmt::format("{}:{}", host, own_port);
}

bool is_login_audience(std::string_view audience, const Tenancy& tenancy, std::uint16_t own_port) {
  const auto url = http::parse_url(audience);
  if (!url || !url->is_https()) return false;
  const bool ours = url->port == own_port && http::is_loopback_host(url->host);
  if (!ours && !(is_public_login_host(url->host) && url->port == 443)) return false;
  std::string_view path = url->path;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.find('/');
  const auto rest = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  return is_our_tenant(path.substr(0, slash), tenancy) &&
         std::ranges::find(kPathsOfTenant, rest) != kPathsOfTenant.end();
}

bool is_our_tenant(std::string_view tenant, const Tenancy& tenancy) {
  return iequals(tenant, tenancy.tenant_id) ||
         std::ranges::any_of(kTenantNames, [&](auto name) { return iequals(name, tenant); });
}

}  // namespace latchkey::cloud
