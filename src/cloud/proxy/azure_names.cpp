#include "cloud/proxy/azure_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace latchkey::cloud {
namespace {

using Name = std::pair<std::string_view, AzureService>;

constexpr std::array<Name, 6> kHosts{Name{"login.microsoftonline.com", AzureService::login},
                                     Name{"login.windows.net", AzureService::login},
                                     Name{"login.microsoft.com", AzureService::login},
                                     Name{"sts.windows.net", AzureService::login},
                                     Name{"management.azure.com", AzureService::management},
                                     Name{"169.254.169.254", AzureService::metadata}};
constexpr std::array<Name, 3> kDomains{Name{".vault.azure.net", AzureService::vault},
                                       Name{".queue.core.windows.net", AzureService::queue},
                                       Name{".azurewebsites.net", AzureService::functions}};
constexpr std::size_t kLabelMax = 63;

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLabelMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

std::optional<AzureService> azure_service(std::string_view host) {
  for (const auto& [name, service] : kHosts) {
    if (host == name) return service;
  }
  for (const auto& [domain, service] : kDomains) {
    if (!host.ends_with(domain)) continue;
    if (is_label(host.substr(0, host.size() - domain.size()))) return service;
  }
  return std::nullopt;
}

}  // namespace latchkey::cloud
