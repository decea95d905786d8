#include "app/running_cloud.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/random.hpp"

namespace latchkey::app {
namespace {

class RunningCloudTest : public ::testing::Test {
 protected:
  RunningCloudTest() {
    cloud_.data = std::filesystem::temp_directory_path() / ("latchkey-" + SystemRandom().hex(8));
    EXPECT_TRUE(make_data_folder(cloud_.data));
    EXPECT_TRUE(write_file(cloud_.authority_file(), "the authority\n", 0644));
    cloud_.endpoints = {{"queue", "https://localhost:10001/devstoreaccount1"},
                        {"vault", "https://latchkey.vault.localhost:8443"},
                        {"identity", "http://localhost:8081/msi/token"},
                        {"functions", "http://localhost:7071"}};
    cloud_.tenant_id = "t";
    cloud_.subscription_id = "s";
    cloud_.resource_group = "latchkey";
    cloud_.storage_keys["devstoreaccount1"] = Secret("key");
    cloud_.identities["app"] = {"client", "object", Secret("header")};
  }
  ~RunningCloudTest() override { std::filesystem::remove_all(cloud_.data); }

  unsigned mode_of(const char* name) const {
    struct stat facts{};
    EXPECT_EQ(::stat((cloud_.data / name).c_str(), &facts), 0);
    return facts.st_mode & 0777U;
  }
  RunningCloud cloud_;
};

TEST_F(RunningCloudTest, OtherProcessesReadWhatWasWritten) {
  ASSERT_TRUE(write_identities(cloud_));
  ASSERT_TRUE(write_endpoints(cloud_));
  const auto read = read_running_cloud(cloud_.data);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->endpoints, cloud_.endpoints);
  EXPECT_EQ(read->identities.at("app").identity_header.reveal(), "header");
  EXPECT_EQ(read->subscription_id, "s");
}

TEST_F(RunningCloudTest, WhatHoldsSecretsIsForTheOwnerOnly) {
  ASSERT_TRUE(write_identities(cloud_));
  EXPECT_EQ(mode_of("identities.json"), 0600U);
  EXPECT_EQ(mode_of("."), 0700U);
}

TEST_F(RunningCloudTest, ItIsNotRunningUntilTheEndpointsAreThere) {
  ASSERT_TRUE(write_identities(cloud_));
  const auto read = read_running_cloud(cloud_.data);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("latchkey up"), std::string::npos);
}

TEST_F(RunningCloudTest, SettingsOfAnIdentityHaveTheWalkthroughsNames) {
  const auto environment = environment_for(cloud_, "app");
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->get("STORAGE_QUEUE_URL"),
            "https://localhost:10001/devstoreaccount1/code-requests");
  EXPECT_EQ(environment->get("THIRD_PARTY_API_ENDPOINT"), "http://localhost:7071/api/RandomNumber");
  EXPECT_EQ(environment->get("KEY_VAULT_URL"), "https://latchkey.vault.localhost:8443");
  EXPECT_EQ(environment->get("IDENTITY_HEADER"), "header");
}

TEST_F(RunningCloudTest, AnUnknownIdentityIsToldWhichThereAre) {
  const auto environment = environment_for(cloud_, "nobody");
  ASSERT_FALSE(environment);
  EXPECT_NE(environment.error().message.find("there are: app"), std::string::npos);
}

TEST_F(RunningCloudTest, ToolsGetAConnectionStringWithThePlainEndpoint) {
  cloud_.storage_keys["other"] = Secret("its key");
  EXPECT_EQ(cloud_.connection_string("other").value_or(""),
            "DefaultEndpointsProtocol=http;AccountName=other;AccountKey=its key;"
            "QueueEndpoint=http://localhost:10001/other;");
  EXPECT_EQ(cloud_.connection_string("nobody").error().code, "UnknownAccount");
}

}  // namespace
}  // namespace latchkey::app
