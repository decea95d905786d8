#include "app/settings.hpp"

#include <gtest/gtest.h>

#include "app/local_cloud.hpp"

namespace latchkey::app {
namespace {

Environment good() {
  Environment environment;
  environment.set("THIRD_PARTY_API_ENDPOINT", "https://numbers.azurewebsites.net/api/RandomNumber");
  environment.set("THIRD_PARTY_API_SECRET_NAME", "third-party-api-key");
  environment.set("KEY_VAULT_URL", "https://lock.vault.azure.net/");
  environment.set("STORAGE_QUEUE_URL", "https://acct.queue.core.windows.net/code-requests");
  return environment;
}

TEST(Settings, TheWalkthroughsFourAreEnough) {
  const auto settings = read_service_settings(good(), Needs::api, "/data");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->key_vault_url, "https://lock.vault.azure.net");
  EXPECT_EQ(settings->lifetime, std::chrono::seconds{600});
  EXPECT_EQ(settings->code_table.file, "/data/codes.db");
}

TEST(Settings, TheWatcherNeedsNoNumberApi) {
  Environment environment = good();
  environment.set("THIRD_PARTY_API_ENDPOINT", "");
  environment.set("THIRD_PARTY_API_SECRET_NAME", "");
  EXPECT_TRUE(read_service_settings(environment, Needs::watcher, "/data"));
  EXPECT_FALSE(read_service_settings(environment, Needs::api, "/data"));
}

TEST(Settings, EachWrongOneGivesOneLineWithItsNameWhatWasFoundAndAnExample) {
  struct Row {
    const char* name;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"THIRD_PARTY_API_ENDPOINT", "", "THIRD_PARTY_API_ENDPOINT is not set. Example: "},
      {"THIRD_PARTY_API_ENDPOINT", "numbers", "THIRD_PARTY_API_ENDPOINT is \"numbers\": "},
      {"THIRD_PARTY_API_SECRET_NAME", "", "THIRD_PARTY_API_SECRET_NAME is not set. Example: "},
      {"KEY_VAULT_URL", "", "KEY_VAULT_URL is not set. Example: "},
      {"KEY_VAULT_URL", "http://lock.vault.azure.net", "a vault is reached by https only"},
      {"KEY_VAULT_URL", "https://lock.vault.azure.net/secrets", "has no path"},
      {"STORAGE_QUEUE_URL", "", "STORAGE_QUEUE_URL is not set. Example: "},
      {"STORAGE_QUEUE_URL", "https://acct.queue.core.windows.net", "STORAGE_QUEUE_URL is "},
      {"STORAGE_QUEUE_URL", "http://acct.queue.core.windows.net/code-requests", "must be https"},
      {"STORAGE_QUEUE_URL", "https://a.queue.core.windows.net/codes-{3..1}", "such as {00..15}"},
      {"STORAGE_QUEUE_URL", "https://a.queue.core.windows.net/q-{1..3},https://x/q",
       "is \"https://x"},
      {"STORAGE_QUEUE_URL", "https://a.queue.core.windows.net/q-{1..3},", "an empty place"},
      {"CODE_LIFETIME", "601s", "a code lives from 1s to 600s"},
      {"CODE_LIFETIME", "600", "a code lives from 1s to 600s"},
      {"CODE_LIFETIME", "0s", "a code lives from 1s to 600s"},
      {"QUEUE_MESSAGE_ENCODING", "utf7", "it is none or base64"},
      {"ACCEPT_UNISSUED_CODES", "maybe", "it is true or false"},
      {"WATCH_REQUEUE", "toggle", "it is update, resend or auto"},
      {"WATCH_POLL_MAX", "2m", "it is a time from 10ms to 1m"},
      {"CLOCK_ERROR_MAX", "1m", "it is a time from 100ms to 30s"}};
  for (const Row& row : rows) {
    Environment environment = good();
    environment.set(row.name, row.value);
    const auto settings = read_service_settings(environment, Needs::api, "/data");
    ASSERT_FALSE(settings) << row.name << "=" << row.value;
    const std::string& line = settings.error().message;
    EXPECT_NE(line.find(row.expected), std::string::npos) << line;
    EXPECT_NE(line.find(std::string("Example: ") + row.name + "="), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    EXPECT_EQ(settings.error().kind, ErrorKind::invalid_argument);
  }
}

TEST(Settings, ALineNeverShowsAKeyThatStandsInAQuery) {
  for (const char* url : {"https://acct.queue.core.windows.net/?sv=1&sig=topsecret",
                          "https://acct.queue.core.windows.net/codes?sv=1,topsecret",
                          "https://a/b/codes-1?sig=topsecret,https://a/b/codes-1?sig=topsecret"}) {
    Environment environment = good();
    environment.set("STORAGE_QUEUE_URL", url);
    const auto settings = read_service_settings(environment, Needs::api, "/data");
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().message.find("topsecret"), std::string::npos);
  }
}

TEST(Settings, QueuesAreAListOrAPattern) {
  Environment environment = good();
  environment.set("STORAGE_QUEUE_URL", "https://codes{0..3}.queue.core.windows.net/codes-{00..15}");
  const auto settings = read_service_settings(environment, Needs::watcher, "/data");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->queue_urls.size(), 64U);
  EXPECT_EQ(settings->queue_urls.back(), "https://codes3.queue.core.windows.net/codes-15");
}

TEST(Settings, TheLoginFollowsFromTheFirstQueuesDomain) {
  Environment environment = good();
  environment.set("KEY_VAULT_URL", "https://lock.vault.example");
  environment.set("STORAGE_QUEUE_URL", "https://a{0..3}.queue.core.chinacloudapi.cn/codes");
  const auto settings = read_service_settings(environment, Needs::watcher, "/data");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_NE(settings->credential.authority_host.find("chinacloudapi.cn"), std::string::npos);
}

TEST(Settings, PortComesFromThePlatformAndAppServiceListensOutside) {
  Environment environment;
  EXPECT_EQ(read_listen_settings(environment)->port, 8080);
  environment.set("WEBSITES_PORT", "8000");
  EXPECT_EQ(read_listen_settings(environment)->port, 8000);
  environment.set("PORT", "8001");
  EXPECT_EQ(read_listen_settings(environment)->port, 8001);
  EXPECT_EQ(read_listen_settings(environment)->addresses.front(), "127.0.0.1");
  environment.set("WEBSITE_SITE_NAME", "app");
  EXPECT_EQ(read_listen_settings(environment)->addresses.front(), "0.0.0.0");
  EXPECT_FALSE(read_listen_settings(environment)->on_loopback);
  environment.set("PORT", "99999");
  EXPECT_FALSE(read_listen_settings(environment));
}

TEST(Settings, DrainDelayIsAtMostAMinute) {
  Environment environment;
  EXPECT_EQ(read_listen_settings(environment)->drain_delay, std::chrono::seconds{0});
  environment.set("DRAIN_DELAY", "10s");
  EXPECT_EQ(read_listen_settings(environment)->drain_delay, std::chrono::seconds{10});
  environment.set("DRAIN_DELAY", "61s");
  EXPECT_FALSE(read_listen_settings(environment));
}

TEST(Ports, AreAutoOrNamed) {
  const auto automatic = parse_ports("auto");
  ASSERT_TRUE(automatic);
  EXPECT_EQ(automatic->api, 0);
  EXPECT_EQ(automatic->cloud.queue, 0);
  const auto named = parse_ports("api=80,vault=443");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->api, 80);
  EXPECT_EQ(named->cloud.vault_and_login, 443);
  EXPECT_EQ(named->cloud.queue, 10001);
  for (const char* text : {"api", "api=", "api=x", "blob=10000", "api=70000"}) {
    EXPECT_FALSE(parse_ports(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey::app
