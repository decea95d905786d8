#include "cloud/proxy/azure_names.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

TEST(AzureNames, EachServiceHasItsNames) {
  EXPECT_EQ(azure_service("login.microsoftonline.com"), AzureService::login);
  EXPECT_EQ(azure_service("sts.windows.net"), AzureService::login);
  EXPECT_EQ(azure_service("management.azure.com"), AzureService::management);
  EXPECT_EQ(azure_service("my-vault.vault.azure.net"), AzureService::vault);
  EXPECT_EQ(azure_service("devstoreaccount1.queue.core.windows.net"), AzureService::queue);
  EXPECT_EQ(azure_service("devstoreaccount1-secondary.queue.core.windows.net"),
            AzureService::queue);
  EXPECT_EQ(azure_service("app.azurewebsites.net"), AzureService::functions);
  EXPECT_EQ(azure_service("169.254.169.254"), AzureService::metadata);
}

TEST(AzureNames, NothingElseIsOne) {
  for (const auto* name :
       {"", "example.com", "localhost", "127.0.0.1", "vault.azure.net", ".vault.azure.net",
        "a.b.vault.azure.net", "evilvault.azure.net", "x.vault.azure.net.example.com",
        "x.vault.azure.net.", "x y.vault.azure.net", "login.microsoftonline.com.example.com",
        "x.login.microsoftonline.com", "a.blob.core.windows.net", "app.scm.azurewebsites.net",
        "169.254.169.253", "graph.microsoft.com", "NAME.vault.azure.net"}) {
    EXPECT_EQ(azure_service(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace latchkey::cloud
