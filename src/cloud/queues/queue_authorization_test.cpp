#include "cloud/queues/queue_authorization.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "cloud/queues/testing/queue_world.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using enum http::Method;
using Call = testing::QueueWorld::Call;

class QueueAuthorizationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testing::await(world_.context, world_.service->ensure_queue("acc", "orders")));
  }
  static std::string outcome(const http::Response& response) {
    if (response.status < 300) return "";
    return std::to_string(response.status) + " " +
           std::string(response.headers.find("x-ms-error-code").value_or("?"));
  }
  static bool says(const http::Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
  }
  wire::Sas fields(std::string permissions) {
    wire::Sas sas;
    sas.version = "2026-04-06";
    sas.permissions = std::move(permissions);
    sas.expiry = to_iso8601(world_.clock.now() + 1h);
    return sas;
  }
  wire::Sas account_fields(std::string permissions) {
    auto sas = fields(std::move(permissions));
    sas.services = "q";
    sas.resources = "sco";
    return sas;
  }

  testing::QueueWorld world_;
  const Call list_{.method = get, .target = "/acc?comp=list"};
  const Call peek_{.method = get, .target = "/acc/orders/messages?peekonly=true"};
};

constexpr std::string_view kChallenge =
    "Bearer authorization_uri=https://localhost:8443/11111111-2222-4333-8444-555555555555/oauth2/"
    "authorize resource_id=https://storage.azure.com";

constexpr std::string_view kPublicChallenge =
    "Bearer authorization_uri=https://login.microsoftonline.com/"
    "11111111-2222-4333-8444-555555555555/oauth2/authorize resource_id=https://storage.azure.com";

TEST_F(QueueAuthorizationTest, NothingSentIsAChallengeFrom2019OnAndARefusalBefore) {
  const auto answer = world_.send(list_);
  EXPECT_EQ(outcome(answer), "401 NoAuthenticationInformation");
  EXPECT_EQ(answer.headers.find("WWW-Authenticate"), kChallenge);
  const Call by_production_name{.target = "/?comp=list",
                                .headers = {{"Host", "acc.queue.core.windows.net"}}};
  EXPECT_EQ(world_.send(by_production_name).headers.find("WWW-Authenticate"), kPublicChallenge);
  for (const char* version : {"2019-07-07", ""}) {
    const auto old = world_.send({.target = list_.target, .headers = {{"x-ms-version", version}}});
    EXPECT_EQ(outcome(old), "403 AuthenticationFailed") << version;
    EXPECT_FALSE(old.headers.contains("WWW-Authenticate"));
  }
}

TEST_F(QueueAuthorizationTest, AuthenticationComesBeforeExistence) {
  EXPECT_EQ(outcome(world_.send({.target = "/acc/missing/messages"})),
            "401 NoAuthenticationInformation");
  EXPECT_EQ(outcome(world_.signed_send({.target = "/acc/missing/messages"})), "404 QueueNotFound");
}

TEST_F(QueueAuthorizationTest, BothKeysSignInBothForms) {
  for (const bool lite : {false, true}) {
    for (const Secret* key : {&world_.key1, &world_.key2}) {
      http::Headers headers{{"Host", "localhost:10001"},
                            {"x-ms-version", "2026-04-06"},
                            {"x-ms-date", to_rfc1123(world_.clock.now())}};
      http::Request request;
      request.target = "/acc?comp=list&prefix=a%20b";
      request.headers = headers;
      request = testing::sign(std::move(request), "acc", *key, lite);
      EXPECT_EQ(testing::await(world_.context, world_.service->handler()(request)).status, 200);
    }
  }
}

TEST_F(QueueAuthorizationTest, ASignatureOverAnythingElseIsRefusedWithTheReason) {
  http::Request request;
  request.target = "/acc/orders/messages?peekonly=true";
  request.headers = {{"Host", "localhost"},
                     {"x-ms-version", "2026-04-06"},
                     {"x-ms-date", to_rfc1123(world_.clock.now())}};
  request = testing::sign(std::move(request), "acc", world_.key1);
  request.target = "/acc/orders/messages";
  const auto answer = testing::await(world_.context, world_.service->handler()(request));
  EXPECT_EQ(outcome(answer), "403 AuthenticationFailed");
  EXPECT_TRUE(says(answer, "<AuthenticationErrorDetail>The signature found"));
  EXPECT_TRUE(says(answer, "/acc/acc/orders/messages")) << "the string to sign helps";
  const auto query = *http::parse_query("");
  const wire::SignedRequest real{.method = get,
                                 .path = "/acc/orders/messages",
                                 .query = &query,
                                 .headers = &request.headers,
                                 .content_length = 0};
  const auto expected =
      wire::sign_with_key(wire::shared_key_string_to_sign(real, "acc"), world_.key1);
  EXPECT_FALSE(says(answer, expected)) << "the right signature must not be told";
}

TEST_F(QueueAuthorizationTest, TheDateMustBeNear) {
  struct Row {
    std::string date;
    std::string expected;
  };
  const auto now = world_.clock.now();
  const Row kRows[] = {
      {to_rfc1123(now - 14min), ""},
      {to_rfc1123(now + 14min), ""},
      {to_rfc1123(now - 16min), "403 AuthenticationFailed"},
      {to_rfc1123(now + 16min), "403 AuthenticationFailed"},
      {to_rfc1123(now - 1h), "403 AuthenticationFailed"},
      {"yesterday", "403 AuthenticationFailed"},
      {"", "403 AuthenticationFailed"},
  };
  for (const auto& row : kRows) {
    const auto answer =
        world_.signed_send({.target = list_.target, .headers = {{"x-ms-date", row.date}}});
    EXPECT_EQ(outcome(answer), row.expected) << row.date;
  }
}

TEST_F(QueueAuthorizationTest, AnotherAccountsNameIsRefused) {
  const auto answer = world_.send({.target = list_.target,
                                   .headers = {{"Authorization", "SharedKey other:AAAA"},
                                               {"x-ms-date", to_rfc1123(world_.clock.now())}}});
  EXPECT_EQ(outcome(answer), "403 AuthenticationFailed");
  EXPECT_EQ(outcome(world_.send({.target = "/other?comp=list"})), "404 ResourceNotFound");
}

TEST_F(QueueAuthorizationTest, MalformedHeadersAreRefusedByVersion) {
  for (const char* header : {"SharedKey acc", "Basic YTpi", "nonsense", "SharedKey"}) {
    const auto now = world_.send({.target = list_.target, .headers = {{"Authorization", header}}});
    EXPECT_EQ(outcome(now), "401 InvalidAuthenticationInfo") << header;
    EXPECT_EQ(now.headers.find("WWW-Authenticate"), kChallenge);
    const auto old =
        world_.send({.target = list_.target,
                     .headers = {{"Authorization", header}, {"x-ms-version", "2018-03-28"}}});
    EXPECT_EQ(outcome(old), "400 InvalidAuthenticationInfo") << header;
  }
}

TEST_F(QueueAuthorizationTest, TheSecondaryIsSignedWithOrWithoutItsSuffix) {
  for (const char* account : {"acc", "acc-secondary"}) {
    for (const char* path : {"/acc-secondary", "/acc"}) {
      http::Request request;
      request.target = std::string(path) + "?comp=list";
      request.headers = {{"Host", "localhost"},
                         {"x-ms-version", "2026-04-06"},
                         {"x-ms-date", to_rfc1123(world_.clock.now())}};
      request = testing::sign(std::move(request), account, world_.key1);
      request.target = "/acc-secondary?comp=list";
      EXPECT_EQ(testing::await(world_.context, world_.service->handler()(request)).status, 200)
          << account << path;
    }
  }
}

TEST_F(QueueAuthorizationTest, AccountSasOpensWhatItGrants) {
  const auto sas = wire::make_account_sas(account_fields("r"), "acc", world_.key2);
  EXPECT_EQ(outcome(world_.send({.target = peek_.target + "&" + sas})), "");
  EXPECT_EQ(outcome(world_.send({.target = list_.target + "&" + sas})),
            "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(outcome(world_.send({.target = peek_.target + "&" + sas + "&sig=AAAA"})),
            "403 AuthenticationFailed")
      << "a second signature";
}

TEST_F(QueueAuthorizationTest, ServiceSasIsForItsQueueOnly) {
  ASSERT_TRUE(testing::await(world_.context, world_.service->ensure_queue("acc", "other")));
  const auto sas = wire::make_service_sas(fields("rp"), "acc", "orders", world_.key1);
  EXPECT_EQ(outcome(world_.send({.target = "/acc/orders/messages?" + sas})), "");
  EXPECT_EQ(outcome(world_.send({.target = "/acc/orders?comp=metadata&" + sas})), "");
  EXPECT_EQ(outcome(world_.send({.target = "/acc/other/messages?" + sas})),
            "403 AuthenticationFailed");
  EXPECT_EQ(outcome(world_.send({.target = "/acc?comp=list&" + sas})), "403 AuthenticationFailed");
  EXPECT_EQ(outcome(world_.send({.method = delete_, .target = "/acc/orders/messages?" + sas})),
            "403 AuthorizationPermissionMismatch");
}

TEST_F(QueueAuthorizationTest, AChangedSasIsRefusedWithoutTellingTheSignature) {
  auto narrow = account_fields("r");
  const auto sas = wire::make_account_sas(narrow, "acc", world_.key1);
  auto widened = sas;
  widened.replace(widened.find("sp=r"), 4, "sp=rl");
  const auto answer = world_.send({.target = list_.target + "&" + widened});
  EXPECT_EQ(outcome(answer), "403 AuthenticationFailed");
  EXPECT_TRUE(says(answer, "string to sign"));
  narrow.permissions = "rl";
  const auto right = wire::make_account_sas(narrow, "acc", world_.key1);
  const auto signature = *percent_decode(right.substr(right.find("sig=") + 4));
  EXPECT_FALSE(says(answer, signature));
}

TEST_F(QueueAuthorizationTest, SasSeesTheConnection) {
  auto https_only = account_fields("l");
  https_only.protocol = "https";
  const auto sas = wire::make_account_sas(https_only, "acc", world_.key1);
  EXPECT_EQ(outcome(world_.send({.target = list_.target + "&" + sas})),
            "403 AuthorizationProtocolMismatch");
  EXPECT_EQ(outcome(world_.send({.target = list_.target + "&" + sas, .over_tls = true})), "");
  auto elsewhere = account_fields("l");
  elsewhere.ip = "10.1.2.3";
  const auto bound = wire::make_account_sas(elsewhere, "acc", world_.key1);
  EXPECT_EQ(outcome(world_.send({.target = list_.target + "&" + bound})),
            "403 AuthorizationSourceIPMismatch");
  EXPECT_EQ(outcome(world_.send({.target = list_.target + "&" + bound, .peer = "10.1.2.3"})), "");
}

TEST_F(QueueAuthorizationTest, TokensNeedTlsAndAVersionThatKnowsThem) {
  world_.give_role("Storage Queue Data Contributor", world_.tenancy.storage_account("acc"));
  EXPECT_EQ(outcome(world_.token_send(list_)), "");
  const std::string bearer =
      "Bearer " + testing::test_token("https://storage.azure.com", world_.clock);
  EXPECT_EQ(outcome(world_.send({.target = list_.target, .headers = {{"Authorization", bearer}}})),
            "403 AuthenticationFailed");
  EXPECT_EQ(outcome(world_.token_send(
                {.target = list_.target, .headers = {{"x-ms-version", "2016-05-31"}}})),
            "403 AuthenticationFailed");
}

TEST_F(QueueAuthorizationTest, TokensAreForAnAudienceOfTheQueueService) {
  world_.give_role("Storage Queue Data Contributor", world_.tenancy.storage_account("acc"));
  struct Row {
    std::string audience;
    std::string host;
    std::string expected;
  };
  const Row kRows[] = {
      {"https://storage.azure.com/", "localhost:10001", ""},
      {"https://acc.queue.core.windows.net", "localhost:10001", ""},
      {"https://localhost:10001", "localhost:10001", ""},
      {"https://acc.queue.localhost:1", "acc.queue.localhost:1", ""},
      {"e406a681-f3d4-42a8-90b6-c2b029497af1", "localhost:10001", ""},
      {"https://vault.azure.net", "localhost:10001", "401 InvalidAuthenticationInfo"},
      {"https://other.queue.core.windows.net", "localhost", "401 InvalidAuthenticationInfo"},
      {"https://evil.example", "evil.example", "401 InvalidAuthenticationInfo"},
  };
  for (const auto& row : kRows) {
    const bool host_style = row.host.starts_with("acc.");
    const std::string token = testing::test_token(row.audience, world_.clock);
    const auto answer =
        world_.send({.target = host_style ? "/?comp=list" : "/acc?comp=list",
                     .headers = {{"Authorization", "Bearer " + token}, {"Host", row.host}},
                     .over_tls = true});
    EXPECT_EQ(outcome(answer), row.expected) << row.audience;
    if (answer.status == 401) {
      EXPECT_EQ(answer.headers.find("WWW-Authenticate"), kChallenge);
      EXPECT_TRUE(says(answer, "Audience validation failed"));
      EXPECT_FALSE(says(answer, token));
    }
  }
}

TEST_F(QueueAuthorizationTest, RolesDecideOperationByOperation) {
  struct Row {
    const char* role;
    const char* allowed;  ///< of: List, Metadata, Create, Drop, Set, put, get, peek, clear, update,
                          ///< delete (first letters, lower case for messages; x: delete)
  };
  const Row kRows[] = {
      {"Storage Queue Data Contributor", "LMCDSpgkcux"},
      {"Storage Queue Data Reader", "LMk"},
      {"Storage Queue Data Message Processor", "gkx"},
      {"Storage Queue Data Message Sender", "p"},
      {"Owner", ""},
  };
  const std::string receipt = to_base64(std::string(16, 'r'));
  const std::string message =
      "/acc/orders/messages/00000000-0000-4000-8000-000000000000?popreceipt=" +
      percent_encode(receipt);
  const std::pair<char, Call> kCalls[] = {
      {'L', {.target = "/acc?comp=list"}},
      {'M', {.target = "/acc/orders?comp=metadata"}},
      {'C', {.method = put, .target = "/acc/orders"}},
      {'D', {.method = delete_, .target = "/acc/absent"}},
      {'S', {.method = put, .target = "/acc/orders?comp=metadata"}},
      {'p', {.method = post, .target = "/acc/orders/messages", .body = world_.put_body("x")}},
      {'g', {.target = "/acc/orders/messages"}},
      {'k', {.target = "/acc/orders/messages?peekonly=true"}},
      {'c', {.method = delete_, .target = "/acc/orders/messages"}},
      {'u', {.method = put, .target = message + "&visibilitytimeout=0"}},
      {'x', {.method = delete_, .target = message}},
  };
  for (const auto& row : kRows) {
    testing::QueueWorld world;
    ASSERT_TRUE(testing::await(world.context, world.service->ensure_queue("acc", "orders")));
    world.give_role(row.role, world.tenancy.storage_account("acc"));
    for (const auto& [letter, call] : kCalls) {
      const bool allowed = std::string_view(row.allowed).find(letter) != std::string_view::npos;
      const auto answer = world.token_send(call);
      EXPECT_EQ(answer.status != 403, allowed) << row.role << " " << letter << outcome(answer);
      if (!allowed) {
        EXPECT_EQ(outcome(answer), "403 AuthorizationPermissionMismatch");
      }
    }
  }
}

TEST_F(QueueAuthorizationTest, ARoleOnOneQueueEndsAtThatQueue) {
  ASSERT_TRUE(testing::await(world_.context, world_.service->ensure_queue("acc", "other")));
  world_.give_role("Storage Queue Data Contributor", world_.tenancy.queue("acc", "orders"));
  EXPECT_EQ(outcome(world_.token_send({.target = "/acc/orders/messages"})), "");
  EXPECT_EQ(outcome(world_.token_send({.target = "/acc/other/messages"})),
            "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(outcome(world_.token_send(list_)), "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(outcome(world_.token_send({.target = "/acc/orders%2Fx/messages"})),
            "400 InvalidResourceName");
}

}  // namespace
}  // namespace latchkey::cloud
