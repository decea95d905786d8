#include "azure/clouds.hpp"

#include <array>

namespace latchkey::azure {
namespace {
constexpr std::array kClouds{
    AzureCloud{.authority = "https://login.microsoftonline.com",
               .vault_domain = "vault.azure.net",
               .queue_domain = "queue.core.windows.net"},
    AzureCloud{.authority = "https://login.microsoftonline.us",
               .vault_domain = "vault.usgovcloudapi.net",
               .queue_domain = "queue.core.usgovcloudapi.net"},
    AzureCloud{.authority = "https://login.chinacloudapi.cn",
               .vault_domain = "vault.azure.cn",
               .queue_domain = "queue.core.chinacloudapi.cn"},
};
}  // namespace

const AzureCloud& public_cloud() {
  return kClouds.front();
}

const AzureCloud* cloud_of_host(std::string_view host) {
  for (const AzureCloud& cloud : kClouds) {
    if (is_below(host, cloud.vault_domain) || is_below(host, cloud.queue_domain)) return &cloud;
  }
  return nullptr;
}

bool is_below(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() + 1 && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

}  // namespace latchkey::azure
