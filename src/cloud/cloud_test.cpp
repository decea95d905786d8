#include "cloud/cloud.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/encoding.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/temporary_folder.hpp"
#include "http/client.hpp"

namespace latchkey::cloud {
namespace {

using testing::HeaderFields;
using testing::json_member;

/// The whole local cloud on free ports, spoken to over real sockets and TLS.
class CloudTest : public ::testing::Test {
 protected:
  ~CloudTest() override { stop(); }

  Result<std::unique_ptr<Cloud>> start(CloudPorts ports = {0, 0, 0, 0, 0}) {
    const CloudOptions options{.data = folder_.path(), .ports = ports, .in_memory = in_memory_};
    return Cloud::start(options, clock_, random_, context_.get_executor());
  }
  void start_it() {
    auto started = start();
    ASSERT_TRUE(started) << started.error().message;
    cloud_ = std::move(*started);
    auto trust = http::TlsClientContext::system_trust(cloud_->authority_pem());
    ASSERT_TRUE(trust) << trust.error().message;
    client_ = std::make_unique<http::PooledClient>(context_.get_executor(), *trust, clock_);
  }
  void stop() {
    if (!cloud_) return;
    client_->close_idle();
    run_to_end(context_, [](Cloud& cloud) -> Task<> {
      co_await cloud.stop(std::chrono::seconds{5});
    }(*cloud_));
    client_.reset();
    cloud_.reset();
    context_.poll();  // What the client closed ends.
  }

  http::Response send(http::Method method, std::string url, const HeaderFields& fields = {},
                      std::string body = {}) {
    http::ClientRequest request;
    request.method = method;
    auto parsed = http::parse_url(url);
    EXPECT_TRUE(parsed) << url;
    request.url = *parsed;
    for (const auto& [name, value] : fields) request.headers.set(name, value);
    request.body = std::move(body);
    http::Response response;
    run_to_end(
        context_,
        [](http::HttpClient& client, http::ClientRequest asked, http::Response& answer) -> Task<> {
          auto got = co_await client.send(std::move(asked));
          EXPECT_TRUE(got) << got.error().message;
          if (got) answer = std::move(*got);
        }(*client_, std::move(request), response));
    return response;
  }
  http::Response get(std::string url, const HeaderFields& fields = {}) {
    return send(http::Method::get, std::move(url), fields);
  }

  Identity ensure_identity(std::string name) {
    Identity made;
    run_to_end(context_, [](Cloud& cloud, std::string n, Identity& m) -> Task<> {
      auto ensured = co_await cloud.ensure_identity(std::move(n));
      m = std::move(ensured.value());
    }(*cloud_, std::move(name), made));
    return made;
  }
  void ensure_role(std::string principal, std::string role, std::string scope) {
    run_to_end(context_, [](Cloud& cloud, std::string p, std::string r, std::string s) -> Task<> {
      auto ensured = co_await cloud.ensure_role(std::move(p), r, std::move(s));
      EXPECT_TRUE(ensured) << ensured.error().message;
    }(*cloud_, std::move(principal), std::move(role), std::move(scope)));
  }
  void set_secret(std::string name, std::string value) {
    run_to_end(context_, [](Cloud& cloud, std::string n, Secret v) -> Task<> {
      auto set = co_await cloud.set_secret(std::move(n), std::move(v));
      EXPECT_TRUE(set) << set.error().message;
    }(*cloud_, std::move(name), Secret(std::move(value))));
  }
  void ensure_queue(std::string name) {
    run_to_end(context_, [](Cloud& cloud, std::string n) -> Task<> {
      auto ensured = co_await cloud.ensure_queue(std::move(n));
      EXPECT_TRUE(ensured) << ensured.error().message;
    }(*cloud_, std::move(name)));
  }
  HeaderFields bearer(const Identity& identity, std::string_view resource) {
    const auto response =
        get(fmt::format("{}?api-version=2019-08-01&resource={}", cloud_->endpoints().identity,
                        percent_encode(resource)),
            {{"X-IDENTITY-HEADER", std::string(identity.identity_header.reveal())}});
    return {{"Authorization", "Bearer " + json_member(response.body, "access_token")}};
  }

  testing::TemporaryFolder folder_;
  bool in_memory_ = false;
  SystemClock clock_;
  SystemRandom random_;
  IoContext context_;
  std::unique_ptr<Cloud> cloud_;
  std::unique_ptr<http::PooledClient> client_;
};

TEST_F(CloudTest, AnAppGetsItsSecretByItsRoleAndNotWithout) {
  start_it();
  EXPECT_TRUE(cloud_->is_new());
  const auto app = ensure_identity("app");
  set_secret("third-party-api-key", "k1");
  const auto url = cloud_->endpoints().vault + "/secrets/third-party-api-key?api-version=7.4";

  const auto challenged = get(url);
  EXPECT_EQ(challenged.status, 401);
  const auto port = cloud_->endpoints().vault.substr(cloud_->endpoints().vault.rfind(':'));
  const auto resource = "https://vault.localhost" + port;
  EXPECT_NE(testing::header_of(challenged, "WWW-Authenticate").find(resource + "\""),
            std::string::npos);
  EXPECT_EQ(get(url, bearer(app, resource)).status, 403);
  ensure_role(app.object_id, "Key Vault Secrets User", cloud_->tenancy().vault(Cloud::kVault));
  const auto got = get(url, bearer(app, resource));
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(json_member(got.body, "value"), "k1");
  EXPECT_TRUE(json_member(got.body, "id").starts_with(cloud_->endpoints().vault));
  EXPECT_EQ(get(url, bearer(app, "https://storage.azure.com")).status, 401);
}

TEST_F(CloudTest, AnOwnerMakesAServicePrincipalThatLogsInUntilItsRoleIsTakenAway) {
  start_it();
  const auto owner = ensure_identity("operator");
  ensure_role(owner.object_id, "Owner", cloud_->tenancy().subscription_scope());
  set_secret("n", "v");
  const auto& login = cloud_->endpoints().login;
  const auto as_owner = bearer(owner, "https://management.azure.com");
  const auto robot_url = fmt::format("{}{}/providers/Latchkey.Identity/identities/robot", login,
                                     cloud_->tenancy().resource_group_scope());
  const auto made = send(http::Method::put, robot_url + "?api-version=1", as_owner,
                         R"({"properties":{"kind":"servicePrincipal"}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto secret = send(http::Method::post, robot_url + "/credentials?api-version=1", as_owner,
                           R"({"properties":{"kind":"secret"}})");
  ASSERT_EQ(secret.status, 201) << secret.body;
  ensure_role(json_member(made.body, "properties.principalId"), "Key Vault Secrets User",
              cloud_->tenancy().vault(Cloud::kVault));

  const auto answer = send(
      http::Method::post,
      fmt::format("{}/{}/oauth2/v2.0/token", login, cloud_->tenancy().tenant_id),
      {{"Content-Type", "application/x-www-form-urlencoded"}},
      fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&scope={}/.default",
                  json_member(made.body, "properties.clientId"),
                  json_member(secret.body, "secretText"), "https://vault.azure.net"));
  const HeaderFields as_robot{
      {"Authorization", "Bearer " + json_member(answer.body, "access_token")}};
  const auto secret_url = cloud_->endpoints().vault + "/secrets/n?api-version=7.4";
  EXPECT_EQ(get(secret_url, as_robot).status, 200);

  const auto assignments = cloud_->roles().list(cloud_->tenancy().vault(Cloud::kVault));
  ASSERT_EQ(assignments.size(), 1U);
  const auto gone = send(http::Method::delete_,
                         fmt::format("{}{}/providers/Microsoft.Authorization/roleAssignments/{}"
                                     "?api-version=2022-04-01",
                                     login, assignments[0].scope, assignments[0].name),
                         as_owner);
  EXPECT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(get(secret_url, as_robot).status, 403);
}

TEST_F(CloudTest, ARotatedKeySignsAndTheFormerOneIsGoodForItsTokensAlsoAfterARestart) {
  start_it();
  const auto owner = ensure_identity("operator");
  ensure_role(owner.object_id, "Owner", cloud_->tenancy().subscription_scope());
  ensure_role(owner.object_id, "Key Vault Secrets User", cloud_->tenancy().vault(Cloud::kVault));
  set_secret("n", "v");
  const auto before = bearer(owner, "https://vault.azure.net");
  const auto rotated =
      send(http::Method::post,
           fmt::format("{}{}/providers/Latchkey.Identity/rotateSigningKey?api-version=1",
                       cloud_->endpoints().login, cloud_->tenancy().resource_group_scope()),
           bearer(owner, "https://management.azure.com"));
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  for (const bool restarted : {false, true}) {
    if (restarted) {
      stop();
      start_it();
    }
    const auto secret_url = cloud_->endpoints().vault + "/secrets/n?api-version=7.4";
    const auto after = bearer(owner, "https://vault.azure.net");
    EXPECT_EQ(get(secret_url, before).status, 200) << restarted;
    EXPECT_EQ(get(secret_url, after).status, 200) << restarted;
    const auto keys = get(cloud_->endpoints().login + "/common/discovery/v2.0/keys", {});
    EXPECT_EQ(json_member(keys.body, "keys.0.kid"), json_member(rotated.body, "keyId"));
    EXPECT_NE(json_member(keys.body, "keys.1.kid"), "(none)");
    EXPECT_EQ(json_member(keys.body, "keys.2.kid"), "(none)");
  }
}

TEST_F(CloudTest, AQueueIsThereForWhoHasTheRoleOverHttps) {
  start_it();
  const auto app = ensure_identity("app");
  ensure_queue("code-requests");
  ensure_queue("code-requests");
  const auto url = cloud_->endpoints().queue + "/code-requests/messages?peekonly=true";
  auto fields = bearer(app, "https://storage.azure.com");
  fields.emplace_back("x-ms-version", "2021-02-12");
  EXPECT_EQ(get(url, fields).status, 403);
  ensure_role(app.object_id, "Storage Queue Data Reader",
              cloud_->tenancy().queue(Cloud::kAccount, "code-requests"));
  EXPECT_EQ(get(url, fields).status, 200);
}

TEST_F(CloudTest, AFunctionAnswersToItsKey) {
  start_it();
  cloud_->functions().add({.name = "RandomNumber",
                           .methods = {http::Method::get},
                           .level = AuthLevel::function,
                           .handler = [](const http::Request&) -> Task<http::Response> {
                             co_return http::json_response(200, R"({"value":161})");
                           }});
  const auto url = cloud_->endpoints().functions + "/api/RandomNumber";
  EXPECT_EQ(get(url).status, 401);
  const auto key = cloud_->function_key("RandomNumber");
  ASSERT_TRUE(key);
  EXPECT_EQ(get(url, {{"x-functions-key", std::string(key->reveal())}}).status, 200);
}

TEST_F(CloudTest, KeepsEverythingOverARestart) {
  start_it();
  const auto tenant = cloud_->tenancy().tenant_id;
  const auto authority = cloud_->authority_pem();
  const auto app = ensure_identity("app");
  ensure_role(app.object_id, "Key Vault Secrets User", cloud_->tenancy().vault(Cloud::kVault));
  set_secret("n", "v");
  stop();
  start_it();
  EXPECT_FALSE(cloud_->is_new());
  EXPECT_EQ(cloud_->tenancy().tenant_id, tenant);
  EXPECT_EQ(cloud_->authority_pem(), authority);
  const auto again = ensure_identity("app");
  EXPECT_EQ(again.object_id, app.object_id);
  EXPECT_EQ(cloud_->secret("n")->reveal(), "v");
  EXPECT_FALSE(cloud_->secret("m"));
  EXPECT_EQ(cloud_->roles().list().size(), 1U);
  const auto got = get(cloud_->endpoints().vault + "/secrets/n?api-version=7.4",
                       bearer(again, "https://vault.azure.net"));
  EXPECT_EQ(got.status, 200);
}

TEST_F(CloudTest, InMemoryKeepsNothingButKeys) {
  in_memory_ = true;
  start_it();
  const std::string authority = cloud_->authority_pem();
  set_secret("number-key", "s3cret");
  EXPECT_EQ(cloud_->secret("number-key")->reveal(), "s3cret");
  ensure_queue("orders");
  const auto counted = get(cloud_->endpoints().functions + "/metrics");
  EXPECT_NE(counted.body.find("latchkey_queue_messages{account=\"devstoreaccount1\","
                              "queue=\"orders\"} 0\n"),
            std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().string().find(".db"), std::string::npos) << entry.path();
  }
  stop();
  start_it();
  EXPECT_EQ(cloud_->authority_pem(), authority);
  EXPECT_FALSE(cloud_->secret("number-key"));
  EXPECT_EQ(get(cloud_->endpoints().functions + "/metrics").body.find("orders"), std::string::npos);
}

TEST_F(CloudTest, ASecretOfTheSameValueGetsNoNewVersion) {
  start_it();
  const auto app = ensure_identity("app");
  ensure_role(app.object_id, "Key Vault Secrets User", cloud_->tenancy().vault(Cloud::kVault));
  const auto url = cloud_->endpoints().vault + "/secrets/n?api-version=7.4";
  set_secret("n", "one");
  const auto first = json_member(get(url, bearer(app, "https://vault.azure.net")).body, "id");
  set_secret("n", "one");
  EXPECT_EQ(json_member(get(url, bearer(app, "https://vault.azure.net")).body, "id"), first);
  set_secret("n", "two");
  EXPECT_NE(json_member(get(url, bearer(app, "https://vault.azure.net")).body, "id"), first);
}

TEST_F(CloudTest, TheVaultIsForHttpsOnly) {
  start_it();
  auto plain = cloud_->endpoints().login;
  plain.replace(0, 5, "http");
  EXPECT_EQ(get(plain + "/secrets/n?api-version=7.4").status, 400);
}

TEST_F(CloudTest, SaysWhichPortIsTakenAndHowToChooseAnother) {
  start_it();
  const auto& functions = cloud_->endpoints().functions;
  const auto taken =
      static_cast<std::uint16_t>(std::stoi(functions.substr(functions.rfind(':') + 1)));
  testing::TemporaryFolder other;
  Error error;
  // On the executor, as the program does, where three servers have begun to listen already.
  const auto start_second = [](CloudOptions options, Clock& clock, Random& random,
                               IoContext& context, Error& e) -> Task<> {
    const auto second = Cloud::start(options, clock, random, context.get_executor());
    EXPECT_FALSE(second);
    if (!second) e = second.error();
    co_return;
  };
  CloudOptions options;
  options.data = other.path();
  options.ports = {taken, 0, 0, 0, 0};
  run_to_end(context_, start_second(options, clock_, random_, context_, error));
  context_.poll();
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  for (const auto& part : {std::string("functions endpoint"), std::to_string(taken),
                           std::string("--ports auto"), std::string("--ports functions=")}) {
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }
}

TEST_F(CloudTest, ASecondCloudOnTheSameFolderIsRefused) {
  start_it();
  const auto second = start();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
}

TEST_F(CloudTest, NothingInTheFolderCanBeReadByOthersButTheAuthority) {
  start_it();
  ensure_identity("app");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    const auto others = entry.status().permissions() & std::filesystem::perms(0077);
    if (entry.path().filename() == "ca.pem") continue;
    EXPECT_EQ(others, std::filesystem::perms::none) << entry.path();
  }
}

}  // namespace
}  // namespace latchkey::cloud
