#include "azure/clouds.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace latchkey::azure {
namespace {

TEST(Clouds, TheAuthorityFollowsFromTheHostOfAVaultOrQueue) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"kv.vault.azure.net", "https://login.microsoftonline.com"},
      {"acct.queue.core.windows.net", "https://login.microsoftonline.com"},
      {"acct-secondary.queue.core.windows.net", "https://login.microsoftonline.com"},
      {"kv.vault.usgovcloudapi.net", "https://login.microsoftonline.us"},
      {"acct.queue.core.usgovcloudapi.net", "https://login.microsoftonline.us"},
      {"kv.vault.azure.cn", "https://login.chinacloudapi.cn"},
      {"acct.queue.core.chinacloudapi.cn", "https://login.chinacloudapi.cn"},
      {"vault.azure.net", ""},
      {"evilvault.azure.net", ""},
      {"kv.vault.azure.net.example", ""},
      {"acct.blob.core.windows.net", ""},
      {"localhost", ""},
      {"", ""}};
  for (const auto& [host, authority] : rows) {
    const AzureCloud* cloud = cloud_of_host(host);
    EXPECT_EQ(cloud == nullptr ? "" : cloud->authority, authority) << host;
  }
}

}  // namespace
}  // namespace latchkey::azure
