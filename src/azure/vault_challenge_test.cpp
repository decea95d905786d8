#include "azure/vault_challenge.hpp"

#include <gtest/gtest.h>

namespace latchkey::azure {
namespace {

http::Url url(std::string_view text) {
  return http::parse_url(text).value();
}

TEST(VaultChallenge, TheFirstResourceFollowsFromTheVaultsCloud) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"https://kv.vault.azure.net", "https://vault.azure.net"},
      {"https://kv.vault.azure.cn", "https://vault.azure.cn"},
      {"https://kv.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"},
      {"https://kv.vault.localhost:8443", "https://vault.azure.net"},
      {"https://127.0.0.1:8443", "https://vault.azure.net"},
      {"https://vault.azure.net", ""},
      {"https://kv.evilvault.azure.net", ""},
      {"https://kv.vault.azure.net.evil.example", ""},
      {"https://kv.example", ""}};
  for (const auto& [vault, resource] : rows) {
    EXPECT_EQ(initial_vault_resource(url(vault)), resource) << vault;
  }
}

TEST(VaultChallenge, TheResourceMustBeTheVaultsOwnHostOrAParentDomain) {
  struct Row {
    const char* vault;
    const char* resource;
    const char* taken;  ///< empty: refused
  };
  const std::vector<Row> rows = {
      {"https://kv.vault.azure.net", "https://vault.azure.net", "https://vault.azure.net"},
      {"https://kv.vault.azure.net", "https://vault.azure.net/", "https://vault.azure.net"},
      {"https://kv.vault.azure.net", "https://VAULT.azure.net", "https://VAULT.azure.net"},
      {"https://localhost:8443", "https://localhost:8443", "https://localhost:8443"},
      {"https://kv.vault.localhost:8443", "https://vault.localhost:8443",
       "https://vault.localhost:8443"},
      {"https://kv.vault.localhost:8443", "https://vault.localhost", "https://vault.localhost"},
      // Tokens for somebody else.
      {"https://kv.vault.azure.net", "https://storage.azure.com", ""},
      {"https://kv.vault.azure.net", "https://management.azure.com", ""},
      {"https://kv.evilvault.azure.net", "https://vault.azure.net", ""},
      {"https://vault.azure.net.evil.example", "https://vault.azure.net", ""},
      {"https://kv.vault.azure.net", "https://other.vault.azure.net", ""},
      {"https://kv.vault.azure.net", "https://ault.azure.net", ""},
      // Other ports and schemes.
      {"https://kv.vault.localhost:8443", "https://vault.localhost:9443", ""},
      {"https://kv.vault.localhost:8443", "https://vault.localhost:443", ""},
      {"https://kv.vault.azure.net", "http://vault.azure.net", ""},
      {"https://kv.vault.azure.net", "https://vault.azure.net?x=1", ""},
      {"https://kv.vault.azure.net", "https://vault.azure.net@evil.example", ""},
      {"https://kv.vault.azure.net", "vault.azure.net", ""},
      {"https://kv.vault.azure.net", "https://", ""}};
  for (const Row& row : rows) {
    const std::string header =
        std::string(
            "Bearer authorization=\"https://login.microsoftonline.com/tenant\", "
            "resource=\"") +
        row.resource + "\"";
    const auto resource = challenged_resource(header, url(row.vault));
    if (*row.taken != '\0') {
      ASSERT_TRUE(resource) << row.vault << " " << row.resource;
      EXPECT_EQ(*resource, row.taken);
    } else {
      ASSERT_FALSE(resource) << row.vault << " " << row.resource;
      EXPECT_EQ(resource.error().kind, ErrorKind::denied);
      EXPECT_EQ(resource.error().code, "ChallengeResourceRefused") << row.resource;
    }
  }
}

TEST(VaultChallenge, WithoutABearerChallengeThereIsNoResource) {
  for (const char* header :
       {"", "Basic realm=\"x\"", "Bearer", "Bearer authorization=\"https://login/tenant\""}) {
    const auto resource = challenged_resource(header, url("https://kv.vault.azure.net"));
    ASSERT_FALSE(resource) << header;
    EXPECT_EQ(resource.error().code, "ChallengeMissing") << header;
  }
}

}  // namespace
}  // namespace latchkey::azure
