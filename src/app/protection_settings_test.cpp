#include "app/protection_settings.hpp"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {
using namespace std::chrono_literals;

TEST(LimitSettings, AreConformantWithoutBeingSet) {
  const auto limits = read_limit_settings({});
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->table.attempts_per_code, 5);
  EXPECT_EQ(limits->table.failures_max, 100);
  EXPECT_EQ(limits->table.issues_max, 5);
  EXPECT_EQ(limits->table.issues_window, 600s);
  EXPECT_TRUE(limits->table.newest_only);
  EXPECT_GT(limits->caller_failures.count, 0);
  EXPECT_GT(limits->all_failures.count, 0);
}

TEST(LimitSettings, CanEachBeSet) {
  Environment environment;
  environment.set("CODE_ATTEMPTS_MAX", "3");
  environment.set("FAILURES_MAX", "50");
  environment.set("FAILURE_DELAY_MIN", "1s");
  environment.set("FAILURE_DELAY_MAX", "1h");
  environment.set("SUBJECT_ISSUES_MAX", "7");
  environment.set("SUBJECT_ISSUES_WINDOW", "1m");
  environment.set("NEWEST_CODE_ONLY", "false");
  environment.set("CALLER_FAILURES", "10/1s");
  environment.set("ALL_FAILURES", "off");
  environment.set("CALLER_ISSUES", "100/1h");
  const auto limits = read_limit_settings(environment);
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_EQ(limits->table.attempts_per_code, 3);
  EXPECT_EQ(limits->table.failures_max, 50);
  EXPECT_EQ(limits->table.delay_min, 1s);
  EXPECT_EQ(limits->table.delay_max, 1h);
  EXPECT_EQ(limits->table.issues_max, 7);
  EXPECT_EQ(limits->table.issues_window, 60s);
  EXPECT_FALSE(limits->table.newest_only);
  EXPECT_EQ(limits->caller_failures.count, 10);
  EXPECT_EQ(limits->caller_failures.window, 1s);
  EXPECT_EQ(limits->all_failures.count, 0);
  EXPECT_EQ(limits->caller_issues.window, 3600s);
  EXPECT_EQ(limits->all_issues.count, 0);
}

TEST(LimitSettings, WhatAStandardForbidsIsRefused) {
  const std::pair<const char*, const char*> rows[] = {
      {"CODE_ATTEMPTS_MAX", "0"},      {"CODE_ATTEMPTS_MAX", "many"},
      {"FAILURES_MAX", "101"},         {"FAILURE_DELAY_MIN", "0s"},
      {"SUBJECT_ISSUES_MAX", "0"},     {"SUBJECT_ISSUES_WINDOW", "forever"},
      {"NEWEST_CODE_ONLY", "perhaps"}, {"CALLER_FAILURES", "10"},
      {"CALLER_FAILURES", "0/1m"},     {"ALL_FAILURES", "10/0s"}};
  for (const auto& [name, value] : rows) {
    Environment environment;
    environment.set(name, value);
    const auto limits = read_limit_settings(environment);
    ASSERT_FALSE(limits) << name << "=" << value;
    EXPECT_EQ(limits.error().message.find(name), 0U) << limits.error().message;
    EXPECT_NE(limits.error().message.find(std::string("Example: ") + name + "="), std::string::npos)
        << limits.error().message;
  }
}

TEST(AccessSettings, TheApiIsOpenOnLoopbackOnlyUnlessTold) {
  EXPECT_TRUE(read_access_settings({}, true)->open);
  EXPECT_FALSE(read_access_settings({}, false));
  Environment environment;
  environment.set("API_OPEN", "true");
  EXPECT_TRUE(read_access_settings(environment, false)->open);
}

TEST(AccessSettings, OnceConfiguredACredentialIsAskedForEverywhere) {
  Environment keys;
  keys.set("API_KEYS_SECRET_NAME", "latchkey-api-keys");
  EXPECT_FALSE(read_access_settings(keys, true)->open);
  keys.set("API_OPEN", "true");
  EXPECT_FALSE(read_access_settings(keys, true)) << "open and asking for keys";

  Environment entra;
  entra.set("ENTRA_AUDIENCE", "api://latchkey");
  EXPECT_FALSE(read_access_settings(entra, true)) << "whose tokens?";
  entra.set("AZURE_TENANT_ID", "t");
  const auto access = read_access_settings(entra, false);
  ASSERT_TRUE(access);
  EXPECT_FALSE(access->open);
  EXPECT_EQ(access->tenant_id, "t");
}

TEST(SignInSettings, AppServicesHeadersCountOnlyBehindItsAuthentication) {
  Environment environment;
  environment.set("WEBSITE_AUTH_ENABLED", "True");
  EXPECT_FALSE(read_sign_in_settings(environment, "/data")->behind_app_service_authentication);
  environment.set("WEBSITE_SITE_NAME", "app");
  EXPECT_TRUE(read_sign_in_settings(environment, "/data")->behind_app_service_authentication);
}

TEST(SignInSettings, CodesLeaveTheMachineByHttpsOnly) {
  Environment environment;
  environment.set("SIGN_IN_WEBHOOK_URL", "http://gateway.example/send");
  EXPECT_FALSE(read_sign_in_settings(environment, "/data"));
  environment.set("SIGN_IN_WEBHOOK_URL", "https://gateway.example/send");
  EXPECT_TRUE(read_sign_in_settings(environment, "/data"));
}

}  // namespace
}  // namespace latchkey::app
