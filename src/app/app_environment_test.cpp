#include "app/app_environment.hpp"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

class AppEnvironment : public ::testing::Test {
 protected:
  AppEnvironment() {
    cloud_.data = "/data";
    cloud_.endpoints = {{"queue", "https://localhost:10001/devstoreaccount1"},
                        {"vault", "https://latchkey.vault.localhost:8443"},
                        {"login", "https://localhost:8443"},
                        {"identity", "http://localhost:8081/msi/token"},
                        {"functions", "http://localhost:7071"},
                        {"proxy", "http://127.0.0.1:8089"}};
    cloud_.tenant_id = "the-tenant";
    cloud_.proxy_password = Secret("proxy-password");
  }
  static AppIdentity identity(IdentityForm form, bool is_user_assigned = false) {
    return {.name = "shop",
            .client_id = "the-client",
            .form = form,
            .is_user_assigned = is_user_assigned,
            .identity_header = Secret("the-header"),
            .client_secret = Secret("the-secret")};
  }
  RunningCloud cloud_;
};

TEST_F(AppEnvironment, TheProxysCredentialsAreTheIdentitys) {
  const auto made = proxy_environment(cloud_, identity(IdentityForm::app_service));
  for (const auto* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) {
    EXPECT_EQ(made.get(name), "http://shop:the-header@127.0.0.1:8089") << name;
  }
  EXPECT_EQ(made.get("IDENTITY_ENDPOINT"), "http://localhost:8081/msi/token");
  EXPECT_EQ(made.get("IDENTITY_HEADER"), "the-header");
  EXPECT_EQ(made.get("REQUESTS_CA_BUNDLE"), "/data/ca-bundle.pem");
  EXPECT_EQ(made.get("NODE_EXTRA_CA_CERTS"), "/data/ca.pem");
  EXPECT_EQ(made.get("AZURE_CLIENT_ID"), "");
}

TEST_F(AppEnvironment, WithMetadataServiceTheProxyAloneSaysWhoAsks) {
  const auto made = proxy_environment(cloud_, identity(IdentityForm::imds));
  EXPECT_EQ(made.get("http_proxy"), "http://shop:the-header@127.0.0.1:8089");
  EXPECT_EQ(made.get("IDENTITY_ENDPOINT"), "");
  EXPECT_EQ(made.get("IDENTITY_HEADER"), "");
}

TEST_F(AppEnvironment, AServicePrincipalIsNobodyToTheProxy) {
  const auto made = proxy_environment(cloud_, identity(IdentityForm::client_secret));
  EXPECT_EQ(made.get("HTTPS_PROXY"), "http://~nobody:proxy-password@127.0.0.1:8089");
  EXPECT_EQ(made.get("AZURE_CLIENT_SECRET"), "the-secret");
  EXPECT_EQ(made.get("AZURE_TENANT_ID"), "the-tenant");
  EXPECT_EQ(made.get("IDENTITY_HEADER"), "");
}

TEST_F(AppEnvironment, AUserAssignedIdentityIsNamedByItsClientId) {
  const auto shared = identity(IdentityForm::app_service, true);
  EXPECT_EQ(proxy_environment(cloud_, shared).get("AZURE_CLIENT_ID"), "the-client");
  EXPECT_EQ(direct_environment(cloud_, shared, true).get("AZURE_CLIENT_ID"), "the-client");
}

TEST_F(AppEnvironment, DirectSettingsNameOurOwnAddresses) {
  const auto secret = direct_environment(cloud_, identity(IdentityForm::client_secret), true);
  EXPECT_EQ(secret.get("KEY_VAULT_URL"), "https://latchkey.vault.localhost:8443");
  EXPECT_EQ(secret.get("AZURE_AUTHORITY_HOST"), "https://localhost:8443");
  EXPECT_EQ(secret.get("AZURE_TENANT_ID"), "adfs");
  const auto imds = direct_environment(cloud_, identity(IdentityForm::imds), false);
  EXPECT_EQ(imds.get("KEY_VAULT_URL"), "https://localhost:8443");
  EXPECT_EQ(imds.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://localhost:8081");
  EXPECT_EQ(imds.get("AZURE_CLIENT_ID"), "the-client");
}

TEST_F(AppEnvironment, CredentialsAreWithheldAndAnAppsOwnSettingsAreNot) {
  for (const auto* name : {"AZURE_CLIENT_SECRET", "AZURE_CONFIG_DIR", "AZURE_STORAGE_KEY"}) {
    EXPECT_TRUE(is_withheld(name)) << name;
  }
  for (const auto* name : {"AZURE_KEYVAULT_URL", "AZURE_STORAGE_QUEUE_NAME", "PATH"}) {
    EXPECT_FALSE(is_withheld(name)) << name;
  }
}

TEST_F(AppEnvironment, QuotedValuesAreOneWordToAShell) {
  EXPECT_EQ(shell_quoted("a'b $(c)"), "'a'\\''b $(c)'");
}

}  // namespace
}  // namespace latchkey::app
