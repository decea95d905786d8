#include "app/doctor_remedies.hpp"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

constexpr const char* kOid = "aaaaaaaa-0000-4000-8000-000000000001";

Place place(const char* vault, const char* queue, const char* number) {
  Place made;
  made.vault = *http::parse_url(vault);
  made.queue = *http::parse_url(queue);
  made.number = *http::parse_url(number);
  made.assignee = kOid;
  made.program = "latchkey";
  return made;
}

Place in_azure() {
  return place("https://our-vault.vault.azure.net", "https://ours.queue.core.windows.net/codes",
               "https://third.azurewebsites.net/api/RandomNumber");
}

Place here() {
  auto made = place("https://latchkey.vault.localhost:8443",
                    "https://localhost:10001/devstoreaccount1/code-requests",
                    "http://localhost:7071/api/RandomNumber");
  made.data = "/tmp/data";
  return made;
}

TEST(DoctorRemedies, AzureIsMendedByAz) {
  const auto azure = in_azure();
  EXPECT_EQ(assign_on_queue(azure, "Storage Queue Data Message Sender"),
            "az role assignment create --assignee aaaaaaaa-0000-4000-8000-000000000001 "
            "--role \"Storage Queue Data Message Sender\" --scope \"$(az storage account show "
            "--name ours --query id --output tsv)/queueServices/default/queues/codes\"");
  EXPECT_EQ(assign_on_secret(azure, "key"),
            "az role assignment create --assignee aaaaaaaa-0000-4000-8000-000000000001 "
            "--role \"Key Vault Secrets User\" --scope \"$(az keyvault show --name our-vault "
            "--query id --output tsv)/secrets/key\"");
  EXPECT_EQ(create_queue(azure),
            "az storage queue create --name codes --account-name ours --auth-mode login");
  EXPECT_EQ(set_pepper(azure, "code-pepper"),
            "az keyvault secret set --vault-name our-vault --name code-pepper "
            "--value \"$(openssl rand -hex 32)\"");
  const auto key = set_number_key(azure, "third-party-api-key");
  EXPECT_NE(key.find("keys list --name third "), std::string::npos) << key;
  EXPECT_NE(key.find("--function-name RandomNumber"), std::string::npos) << key;
}

TEST(DoctorRemedies, TheLocalCloudIsMendedByLatchkey) {
  auto local = here();
  EXPECT_EQ(assign_on_queue(local, "Storage Queue Data Message Sender"),
            "latchkey role assign --assignee aaaaaaaa-0000-4000-8000-000000000001 "
            "--role \"Storage Queue Data Message Sender\" --queue code-requests "
            "--data '/tmp/data'");
  EXPECT_EQ(create_queue(local),
            "latchkey queue create --queue code-requests --account devstoreaccount1 "
            "--data '/tmp/data'");
  EXPECT_NE(assign_on_secret(local, "key").find(" --vault "), std::string::npos);
  local.resource_group = "/subscriptions/s/resourceGroups/latchkey";
  EXPECT_NE(assign_on_secret(local, "key")
                .find("--scope /subscriptions/s/resourceGroups/latchkey/providers/"
                      "Microsoft.KeyVault/vaults/latchkey/secrets/key"),
            std::string::npos);
}

TEST(DoctorRemedies, AnotherThirdPartysKeyComesFromAFile) {
  auto azure = in_azure();
  azure.number = *http::parse_url("https://numbers.example/random");
  EXPECT_NE(set_number_key(azure, "key").find("--file FILE"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::app
