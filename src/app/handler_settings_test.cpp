#include "app/handler_settings.hpp"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

Environment in_a_function_app() {
  Environment environment;
  environment.set("THIRD_PARTY_API_ENDPOINT", "https://numbers.azurewebsites.net/api/RandomNumber");
  environment.set("THIRD_PARTY_API_SECRET_NAME", "third-party-api-key");
  environment.set("KEY_VAULT_URL", "https://vault.vault.azure.net");
  environment.set("STORAGE_QUEUE_URL", "https://store.queue.core.windows.net/code-requests");
  environment.set("FUNCTIONS_CUSTOMHANDLER_PORT", "7072");
  environment.set("API_OPEN", "true");
  return environment;
}

std::string problem_of(const Environment& environment) {
  const auto settings = read_handler_settings(environment, "/data");
  return settings ? "" : settings.error().message;
}

TEST(HandlerSettings, ListensForTheHostOnlyWhateverThePlatformSays) {
  auto environment = in_a_function_app();
  environment.set("PORT", "80");
  environment.set("WEBSITE_SITE_NAME", "app");
  const auto settings = read_handler_settings(environment, "/data");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->listen.port, 7072);
  EXPECT_EQ(settings->listen.addresses, std::vector<std::string>{"127.0.0.1"});
}

TEST(HandlerSettings, NeedAHost) {
  auto environment = in_a_function_app();
  environment.set("FUNCTIONS_CUSTOMHANDLER_PORT", "");
  EXPECT_NE(problem_of(environment).find("latchkey serve"), std::string::npos);
}

TEST(HandlerSettings, LoopbackDoesNotMakeTheApiOpenForTheHostIsReachedFromEverywhere) {
  auto environment = in_a_function_app();
  environment.set("API_OPEN", "");
  EXPECT_NE(problem_of(environment).find("API_OPEN"), std::string::npos);
  environment.set("API_KEYS_SECRET_NAME", "latchkey-api-keys");
  const auto settings = read_handler_settings(environment, "/data");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_FALSE(settings->access.open);
}

TEST(HandlerSettings, KnowOneQueueForTheTriggerWatchesNoOther) {
  for (const char* list : {"https://a.queue.core.windows.net/q,https://b.queue.core.windows.net/q",
                           "https://a.queue.core.windows.net/q-{0..3}"}) {
    auto environment = in_a_function_app();
    environment.set("STORAGE_QUEUE_URL", list);
    EXPECT_NE(problem_of(environment).find("one queue"), std::string::npos) << list;
  }
}

TEST(HandlerSettings, OnAzureTheDataFolderIsTheInstancesOwn) {
  auto environment = in_a_function_app();
  EXPECT_EQ(handler_data_folder(environment, "/home/data"), "/home/data");
  environment.set("WEBSITE_INSTANCE_ID", "an-instance");
  EXPECT_EQ(handler_data_folder(environment, "/home/data"), "/tmp/latchkey");
}

TEST(HandlerSettings, OnAzureTheTableIsNoFile) {
  for (const char* name : {"WEBSITE_INSTANCE_ID", "CONTAINER_NAME"}) {
    auto environment = in_a_function_app();
    environment.set(name, "an-instance");
    environment.set("WEBSITE_SITE_NAME", "codes");
    EXPECT_NE(problem_of(environment).find("CODE_TABLE_URL"), std::string::npos) << name;
    environment.set("CODE_TABLE_URL", "rediss://object-id@cache.example:10000");
    EXPECT_EQ(problem_of(environment), "") << name;
  }
}

TEST(HandlerSettings, InAContainerElsewhereTheTableMayBeAFile) {
  auto environment = in_a_function_app();
  environment.set("CONTAINER_NAME", "of-somebody-else");
  EXPECT_EQ(problem_of(environment), "");
  EXPECT_EQ(handler_data_folder(environment, "/home/data"), "/home/data");
}

}  // namespace
}  // namespace latchkey::app
