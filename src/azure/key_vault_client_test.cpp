#include "azure/key_vault_client.hpp"

#include <gtest/gtest.h>

#include "azure/testing/client_fixture.hpp"
#include "azure/testing/fake_credential.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using testing::answer;

constexpr const char* kPublic = "https://vault.azure.net";

http::Response bundle(const std::string& value) {
  return answer(200, R"({"value":")" + value +
                         R"(","id":"https://kv.vault.azure.net/secrets/key/0123456789abcdef",)"
                         R"("attributes":{"enabled":true,"created":1,"updated":1}})");
}

http::Response challenge(const std::string& resource) {
  return answer(401, R"({"error":{"code":"Unauthorized","message":"AKV10000: no token"}})",
                {{"WWW-Authenticate",
                  "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"" +
                      resource + "\""}});
}

struct KeyVaultClientTest : testing::ClientFixture {
  Result<wire::SecretBundle> get(const std::string& vault = "https://kv.vault.azure.net") {
    client = KeyVaultClient::create(vault, credential, http, clock, random).value();
    return again();
  }
  Result<wire::SecretBundle> again(const std::string& name = "key") {
    return run(client->get_secret(name));
  }
  std::string authorization(std::size_t index) const { return header("Authorization", index); }

  testing::FakeCredential credential;
  std::unique_ptr<KeyVaultClient> client;
};

TEST_F(KeyVaultClientTest, TakesOnlyTheHttpsUrlOfAVault) {
  for (const char* url : {"http://kv.vault.azure.net", "kv.vault.azure.net", "",
                          "https://kv.vault.azure.net/secrets", "https://kv.vault.azure.net?a=b"}) {
    const auto made = KeyVaultClient::create(url, credential, http, clock, random);
    ASSERT_FALSE(made) << url;
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_argument) << url;
  }
  EXPECT_TRUE(
      KeyVaultClient::create("https://kv.vault.azure.net/", credential, http, clock, random));
}

TEST_F(KeyVaultClientTest, ReadsTheNewestSecretWithAToken) {
  http.queue(bundle("hidden"));
  const auto got = get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->value.reveal(), "hidden");
  ASSERT_EQ(http.calls.size(), 1U);
  EXPECT_EQ(http.calls[0].method, http::Method::get);
  EXPECT_EQ(http.calls[0].url.to_string(),
            "https://kv.vault.azure.net/secrets/key?api-version=7.4");
  EXPECT_EQ(authorization(0), "Bearer token-1");
  EXPECT_EQ(credential.resources, std::vector<std::string>{kPublic});
}

TEST_F(KeyVaultClientTest, ReadsAVersion) {
  http.queue(bundle("hidden"));
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  ASSERT_TRUE(testing::run_through(context, clock, client->get_secret("key", "0123456789abcdef")));
  EXPECT_EQ(http.calls[0].url.path, "/secrets/key/0123456789abcdef");
}

TEST_F(KeyVaultClientTest, SetsASecret) {
  http.queue(bundle("new"));
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  wire::SetSecretRequest request;
  request.value = Secret("new");
  const auto got = testing::run_through(context, clock, client->set_secret("key", request));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(http.calls[0].method, http::Method::put);
  EXPECT_EQ(http.calls[0].url.target(), "/secrets/key?api-version=7.4");
  EXPECT_EQ(http.calls[0].headers.find("Content-Type"), "application/json");
  EXPECT_EQ(http.calls[0].body, wire::render_set_secret(request));
}

std::string version_item(const std::string& version, bool enabled, int created) {
  return R"({"id":"https://kv.vault.azure.net/secrets/key/)" + version +
         R"(","attributes":{"enabled":)" + (enabled ? "true" : "false") + R"(,"created":)" +
         std::to_string(created) + "}}";
}

TEST_F(KeyVaultClientTest, ListsVersionsPageByPage) {
  // Azure writes the port into the link, and the dollar sign as it is.
  http.queue(answer(200, R"({"value":[)" + version_item("v1", true, 5) + "," +
                             version_item("v2", false, 6) +
                             R"(],"nextLink":"https://kv.vault.azure.net:443/secrets/key/versions)"
                             R"(?api-version=7.2&$skiptoken=abc&maxresults=2"})"));
  http.queue(answer(200, R"({"value":[],"nextLink":"https://kv.vault.azure.net/more"})"));
  http.queue(answer(200, R"({"value":[)" + version_item("v3", true, 7) + R"(],"nextLink":null})"));
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  const auto got = testing::run_through(context, clock, client->list_secret_versions("key"));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 3U);
  EXPECT_EQ(got->at(0).version, "v1");
  EXPECT_EQ(got->at(0).created, UtcTime{5s});
  EXPECT_TRUE(got->at(0).enabled);
  EXPECT_FALSE(got->at(1).enabled);
  EXPECT_EQ(got->at(2).version, "v3");
  ASSERT_EQ(http.calls.size(), 3U);
  EXPECT_EQ(http.calls[0].url.target(), "/secrets/key/versions?api-version=7.4");
  EXPECT_EQ(http.calls[1].url.target(),
            "/secrets/key/versions?api-version=7.2&$skiptoken=abc&maxresults=2");
  EXPECT_EQ(authorization(1), "Bearer token-1");
}

TEST_F(KeyVaultClientTest, AListThatLeadsElsewhereOrNeverEndsIsNotFollowed) {
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  const std::pair<const char*, std::size_t> rows[] = {
      {"https://other.vault.azure.net/secrets/key/versions", 1},
      {"http://kv.vault.azure.net/secrets/key/versions", 1},
      {"https://kv.vault.azure.net:444/secrets/key/versions", 1},
      {"https://kv.vault.azure.net.evil.example/", 1},
      {"/secrets/key/versions", 1},
      {"https://kv.vault.azure.net/secrets/key/versions?again", 20}};
  for (const auto& [next, calls] : rows) {
    http.calls.clear();
    const std::string body = R"({"value":[],"nextLink":")" + std::string(next) + R"("})";
    http.answer_with([&body](const http::ClientRequest&) { return answer(200, body); });
    const auto got = testing::run_through(context, clock, client->list_secret_versions("key"));
    ASSERT_FALSE(got) << next;
    EXPECT_EQ(got.error().kind, ErrorKind::protocol);
    EXPECT_EQ(http.calls.size(), calls) << next;
  }
}

TEST_F(KeyVaultClientTest, AListThatIsRefusedOrNoListIsAnError) {
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  const auto list = [&](std::string name) {
    return testing::run_through(context, clock, client->list_secret_versions(std::move(name)));
  };
  http.queue(answer(403, R"({"error":{"code":"Forbidden","message":"m",)"
                         R"("innererror":{"code":"AccessDenied"}}})"));
  const auto denied = list("key");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::denied);
  EXPECT_NE(denied.error().message.find("\"list\""), std::string::npos);
  for (const char* body : {"", "[]", "{}", R"({"value":{}})", R"({"value":[5]})",
                           R"({"value":[{"id":5}]})", R"({"value":[],"nextLink":5})"}) {
    http.queue(answer(200, body));
    const auto got = list("key");
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind, ErrorKind::protocol) << body;
    EXPECT_NE(got.error().message.find("kv.vault.azure.net"), std::string::npos);
  }
  EXPECT_EQ(list("../keys").error().kind, ErrorKind::invalid_argument);
}

TEST_F(KeyVaultClientTest, ListsSecretsPageByPageAndStaysWithTheVault) {
  client =
      KeyVaultClient::create("https://kv.vault.azure.net", credential, http, clock, random).value();
  const auto page = [](const std::string& name, const std::string& next) {
    return answer(200, R"({"value":[{"id":"https://kv.vault.azure.net/secrets/)" + name +
                           R"(","attributes":{"enabled":true}}],"nextLink":")" + next + "\"}");
  };
  http.queue(page("one", "https://kv.vault.azure.net/secrets?api-version=7.4&$skiptoken=x"));
  http.queue(page("two", ""));
  const auto got = testing::run_through(context, clock, client->list_secrets());
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ(got->at(0).name, "one");
  EXPECT_EQ(got->at(1).name, "two");
  EXPECT_EQ(http.calls[0].url.target(), "/secrets?api-version=7.4");
  EXPECT_EQ(http.calls[1].url.target(), "/secrets?api-version=7.4&$skiptoken=x");

  for (const char* elsewhere : {"https://evil.example/secrets", "http://kv.vault.azure.net/secrets",
                                "https://kv.vault.azure.net:8443/secrets"}) {
    http.calls.clear();
    http.queue(page("one", elsewhere));
    const auto refused = testing::run_through(context, clock, client->list_secrets());
    ASSERT_FALSE(refused) << elsewhere;
    EXPECT_EQ(refused.error().code, "BadNextLink");
    EXPECT_EQ(http.calls.size(), 1U) << elsewhere;
  }
}

TEST_F(KeyVaultClientTest, NamesThatNoSecretCanHaveAreNotAskedFor) {
  http.queue(bundle("hidden"));
  ASSERT_TRUE(get());
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("../keys"),
                                  std::string("a?b"), std::string("a b"), std::string(128, 'a')}) {
    const auto got = again(name);
    ASSERT_FALSE(got) << name;
    EXPECT_EQ(got.error().kind, ErrorKind::invalid_argument) << name;
  }
  EXPECT_EQ(http.calls.size(), 1U);
}

TEST_F(KeyVaultClientTest, FollowsAChallengeAndKeepsItsResource) {
  http.queue(challenge("https://vault.localhost:8443"));
  http.queue(bundle("hidden"));
  http.queue(bundle("hidden"));
  ASSERT_TRUE(get("https://kv.vault.localhost:8443"));
  ASSERT_TRUE(again());
  EXPECT_EQ(credential.resources, (std::vector<std::string>{kPublic, "https://vault.localhost:8443",
                                                            "https://vault.localhost:8443"}));
  EXPECT_TRUE(credential.forgotten.empty());
}

TEST_F(KeyVaultClientTest, ARefusedTokenForTheRightResourceIsForgottenOnce) {
  http.queue(challenge(kPublic));
  http.queue(bundle("hidden"));
  ASSERT_TRUE(get());
  EXPECT_EQ(credential.forgotten, std::vector<std::string>{kPublic});
  EXPECT_EQ(authorization(0), "Bearer token-1");
  EXPECT_EQ(authorization(1), "Bearer token-2");
}

TEST_F(KeyVaultClientTest, TwoRefusalsAreTheAnswer) {
  http.answer_with([](const http::ClientRequest&) { return challenge(kPublic); });
  const auto got = get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::denied);
  EXPECT_EQ(got.error().http_status, 401);
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(KeyVaultClientTest, A401WithoutChallengeIsStillTriedWithANewToken) {
  http.queue(answer(401));
  http.queue(bundle("hidden"));
  ASSERT_TRUE(get());
  EXPECT_EQ(authorization(1), "Bearer token-2");
}

TEST_F(KeyVaultClientTest, AChallengeForAnotherServicesTokenIsRefused) {
  for (const char* resource : {"https://management.azure.com", "https://storage.azure.com",
                               "https://other.vault.azure.net", "http://vault.azure.net"}) {
    http.calls.clear();
    credential.resources.clear();
    http.queue(challenge(resource));
    const auto got = get();
    ASSERT_FALSE(got) << resource;
    EXPECT_EQ(got.error().kind, ErrorKind::denied);
    EXPECT_EQ(got.error().code, "ChallengeResourceRefused");
    EXPECT_NE(got.error().message.find("kv.vault.azure.net"), std::string::npos);
    EXPECT_EQ(http.calls.size(), 1U) << "nothing more goes there";
    EXPECT_EQ(credential.resources, std::vector<std::string>{kPublic}) << resource;
  }
}

TEST_F(KeyVaultClientTest, AnUnknownHostGetsNoTokenAndNoBodyBeforeItsChallenge) {
  http.queue(challenge("https://keys.example"));
  http.queue(bundle("new"));
  client =
      KeyVaultClient::create("https://kv.keys.example", credential, http, clock, random).value();
  wire::SetSecretRequest request;
  request.value = Secret("new");
  const auto got = testing::run_through(context, clock, client->set_secret("key", request));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(http.calls.size(), 2U);
  EXPECT_EQ(authorization(0), "none");
  EXPECT_EQ(http.calls[0].body, "");
  EXPECT_EQ(authorization(1), "Bearer token-1");
  EXPECT_EQ(http.calls[1].body, wire::render_set_secret(request));
  EXPECT_EQ(credential.resources, std::vector<std::string>{"https://keys.example"});
}

TEST_F(KeyVaultClientTest, WaitsOutThrottling) {
  http.queue(answer(429, R"({"error":{"code":"Throttled","message":"slow down"}})",
                    {{"Retry-After", "2"}}));
  http.queue(bundle("hidden"));
  const SteadyTime start = clock.steady_now();
  ASSERT_TRUE(get());
  EXPECT_EQ(clock.steady_now() - start, 2s);
}

TEST_F(KeyVaultClientTest, SaysWhatWentWrongWithWhomAndWhatToDo) {
  struct Row {
    int status;
    const char* body;
    ErrorKind kind;
    const char* remedy;
  };
  const std::vector<Row> rows = {
      {403,
       R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"ForbiddenByRbac"}}})",
       ErrorKind::denied, "Key Vault Secrets User"},
      {403, R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"AccessDenied"}}})",
       ErrorKind::denied, "access policy"},
      {403,
       R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"ForbiddenByFirewall"}}})",
       ErrorKind::denied, "networking"},
      {403,
       R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"SecretDisabled"}}})",
       ErrorKind::denied, "enable"},
      {404, R"({"error":{"code":"SecretNotFound","message":"m"}})", ErrorKind::not_found, "store"},
      {400, R"({"error":{"code":"BadParameter","message":"m"}})", ErrorKind::invalid_argument, ""},
      {429, R"({"error":{"code":"Throttled","message":"m"}})", ErrorKind::throttled, ""},
      {500, "<html>", ErrorKind::unavailable, ""},
      {503, "", ErrorKind::unavailable, ""}};
  for (const Row& row : rows) {
    http.answer_with([&row](const http::ClientRequest&) { return answer(row.status, row.body); });
    const auto got = get();
    ASSERT_FALSE(got) << row.body;
    EXPECT_EQ(got.error().kind, row.kind) << row.body;
    EXPECT_EQ(got.error().http_status, row.status);
    for (const char* part : {"kv.vault.azure.net", "key", row.remedy}) {
      EXPECT_NE(got.error().message.find(part), std::string::npos) << got.error().message;
    }
    EXPECT_EQ(got.error().message.find("token-"), std::string::npos) << got.error().message;
  }
}

TEST_F(KeyVaultClientTest, AnswersThatAreNoSecretAreProtocolErrors) {
  for (const char* body :
       {"", "not JSON", "[]", "{}", R"({"value":7,"id":"x"})",
        R"({"id":"https://kv.vault.azure.net/secrets/key/1","attributes":{}})"}) {
    http.queue(answer(200, body));
    const auto got = get();
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind, ErrorKind::protocol) << body;
    EXPECT_NE(got.error().message.find("kv.vault.azure.net"), std::string::npos);
  }
}

TEST_F(KeyVaultClientTest, WithoutATokenTheVaultIsNotAsked) {
  credential.failure = Error{};
  credential.failure->kind = ErrorKind::unavailable;
  credential.failure->code = "NoCredential";
  credential.failure->message = "no credential";
  const auto got = get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "NoCredential");
  EXPECT_TRUE(http.calls.empty());
}

}  // namespace
}  // namespace latchkey::azure
