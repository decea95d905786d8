#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "cloud/queues/queue_handlers.hpp"
#include "cloud/queues/testing/queue_world.hpp"
#include "cloud/testing/test_tokens.hpp"

/// Service properties, access policies and user delegation, through the whole service.
namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using enum http::Method;
using Call = testing::QueueWorld::Call;

constexpr std::string_view kDelegator = "Storage Queue Delegator";
constexpr std::string_view kContributor = "Storage Queue Data Contributor";

class QueueSettingsTest : public ::testing::Test {
 protected:
  void SetUp() override { EXPECT_EQ(call(put, "/acc/orders").status, 201); }

  http::Response call(http::Method method, std::string target, std::string body = {},
                      http::Headers headers = {}) {
    return world_.signed_send({.method = method,
                               .target = std::move(target),
                               .body = std::move(body),
                               .headers = std::move(headers)});
  }
  static std::string outcome(const http::Response& response) {
    if (response.status < 300) return "";
    return std::to_string(response.status) + " " +
           std::string(response.headers.find("x-ms-error-code").value_or("?"));
  }
  static std::string element(const http::Response& response, const std::string& name) {
    const auto start = response.body.find("<" + name + ">") + name.size() + 2;
    return response.body.substr(start, response.body.find("</" + name + ">") - start);
  }
  void set_policy(std::string_view inner) {
    const auto answer =
        call(put, "/acc/orders?comp=acl",
             "<SignedIdentifiers><SignedIdentifier><Id>p</Id><AccessPolicy>" + std::string(inner) +
                 "</AccessPolicy></SignedIdentifier></SignedIdentifiers>");
    EXPECT_EQ(answer.status, 204) << answer.body;
  }
  std::string by_policy(wire::Sas sas = {}) {
    sas.version = "2026-04-06";
    sas.identifier = "p";
    return "/acc/orders/messages?" +
           wire::make_service_sas(std::move(sas), "acc", "orders", world_.key1);
  }
  std::string in(std::chrono::seconds wait) { return to_iso8601(world_.clock.now() + wait); }

  /// A key of the caller of the tests, as the fields of a SAS, and its value.
  wire::Sas delegation(Secret& key) {
    const auto answer =
        world_.token_send({.method = post,
                           .target = "/acc?restype=service&comp=userdelegationkey",
                           .body = "<KeyInfo><Start>" + in(0s) + "</Start><Expiry>" + in(3600s) +
                                   "</Expiry></KeyInfo>"});
    EXPECT_EQ(answer.status, 200) << answer.body;
    wire::Sas sas;
    sas.version = "2026-04-06";
    sas.permissions = "raup";
    sas.expiry = in(60s);
    sas.delegation = {.object_id = element(answer, "SignedOid"),
                      .tenant_id = element(answer, "SignedTid"),
                      .start = element(answer, "SignedStart"),
                      .expiry = element(answer, "SignedExpiry"),
                      .service = element(answer, "SignedService"),
                      .version = element(answer, "SignedVersion"),
                      .delegated_tenant_id = ""};
    key = Secret(element(answer, "Value"));
    return sas;
  }
  std::string peek(const wire::Sas& sas, const Secret& key) {
    return outcome(
        world_.send({.target = "/acc/orders/messages?peekonly=true&" +
                               wire::make_user_delegation_sas(sas, "acc", "orders", key)}));
  }
  void allow_delegation() {
    world_.give_role(kDelegator, world_.tenancy.storage_account("acc"));
    world_.give_role(kContributor, world_.tenancy.queue("acc", "orders"));
  }

  testing::QueueWorld world_;
};

TEST_F(QueueSettingsTest, ServicePropertiesChangeBySection) {
  const std::string target = "/acc?restype=service&comp=properties";
  EXPECT_NE(call(get, target).body.find("<Read>false</Read>"), std::string::npos);
  EXPECT_EQ(call(put, target,
                 "<StorageServiceProperties><Logging><Version>1.0</Version><Delete>False</Delete>"
                 "<Read>True</Read><Write>False</Write><RetentionPolicy><Enabled>False</Enabled>"
                 "</RetentionPolicy></Logging></StorageServiceProperties>")
                .status,
            202);
  const auto answer = call(get, target);
  EXPECT_NE(answer.body.find("<Read>true</Read>"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("<Cors />"), std::string::npos);
  EXPECT_EQ(outcome(call(put, target, "<bad")), "400 InvalidXmlDocument");
  EXPECT_EQ(outcome(call(put, target,
                         "<StorageServiceProperties><Logging/>"
                         "</StorageServiceProperties>")),
            "400 MissingRequiredXmlNode");
}

TEST_F(QueueSettingsTest, StatsAreTheSecondarys) {
  const std::string query = "?restype=service&comp=stats";
  EXPECT_EQ(outcome(call(get, "/acc" + query)), "400 InvalidQueryParameterValue");
  const auto answer = call(get, "/acc-secondary" + query);
  EXPECT_EQ(element(answer, "Status"), "live");
  EXPECT_EQ(element(answer, "LastSyncTime"), to_rfc1123(world_.clock.now()));
}

TEST_F(QueueSettingsTest, CorsRulesHoldForPreflightAnswersAndErrors) {
  const Call preflight{
      .method = options,
      .target = "/acc/orders",
      .headers = {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "GET"}}};
  EXPECT_EQ(outcome(world_.send(preflight)), "403 CorsPreflightFailure");
  EXPECT_EQ(outcome(world_.send({.method = options, .target = "/acc/orders"})),
            "400 InvalidHeaderValue");
  EXPECT_EQ(call(put, "/acc?restype=service&comp=properties",
                 "<StorageServiceProperties><Cors><CorsRule><AllowedOrigins>https://a.example"
                 "</AllowedOrigins><AllowedMethods>GET</AllowedMethods><MaxAgeInSeconds>9"
                 "</MaxAgeInSeconds><ExposedHeaders>*</ExposedHeaders><AllowedHeaders/></CorsRule>"
                 "</Cors></StorageServiceProperties>")
                .status,
            202);
  const auto allowed = world_.send(preflight);
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.headers.find("Access-Control-Max-Age"), "9");
  EXPECT_TRUE(allowed.headers.contains("x-ms-request-id"));
  const http::Headers origin{{"Origin", "https://a.example"}};
  for (const char* target : {"/acc?comp=list", "/acc/missing?comp=metadata"}) {
    const auto answer = call(get, target, "", origin);
    EXPECT_EQ(answer.headers.find("Access-Control-Allow-Origin"), "https://a.example") << target;
    EXPECT_NE(answer.headers.find("Access-Control-Expose-Headers")->find("x-ms-request-id"),
              std::string_view::npos);
  }
  EXPECT_FALSE(call(get, "/acc?comp=list").headers.contains("Vary"));
}

TEST_F(QueueSettingsTest, PoliciesAreKeptPerQueueAndGoWithIt) {
  EXPECT_NE(call(get, "/acc/orders?comp=acl").body.find("<SignedIdentifiers />"),
            std::string::npos);
  set_policy("<Permission>r</Permission>");
  const auto answer = call(get, "/acc/orders?comp=acl");
  EXPECT_EQ(element(answer, "Permission"), "r");
  EXPECT_EQ(outcome(call(get, "/acc/missing?comp=acl")), "404 QueueNotFound");
  EXPECT_EQ(outcome(call(put, "/acc/missing?comp=acl", "<bad")), "400 InvalidXmlDocument");
  EXPECT_EQ(outcome(call(put, "/acc/missing?comp=acl")), "404 QueueNotFound");
  EXPECT_EQ(call(delete_, "/acc/orders").status, 204);
  EXPECT_EQ(call(put, "/acc/orders").status, 201);
  EXPECT_NE(call(get, "/acc/orders?comp=acl").body.find("<SignedIdentifiers />"),
            std::string::npos);
}

TEST_F(QueueSettingsTest, ASasByPolicyGrantsWhatThePolicySaysNow) {
  EXPECT_EQ(outcome(world_.send({.target = by_policy()})), "403 AuthenticationFailed");
  set_policy("<Expiry>" + in(60s) + "</Expiry><Permission>p</Permission>");
  EXPECT_EQ(outcome(world_.send({.target = by_policy()})), "");
  EXPECT_EQ(outcome(world_.send({.target = by_policy() + "&peekonly=true"})),
            "403 AuthorizationPermissionMismatch");
  wire::Sas both;
  both.permissions = "p";
  EXPECT_EQ(outcome(world_.send({.target = by_policy(both)})), "403 AuthenticationFailed");
  set_policy("<Expiry>" + in(60s) + "</Expiry><Permission>r</Permission>");
  EXPECT_EQ(outcome(world_.send({.target = by_policy()})), "403 AuthorizationPermissionMismatch");
  world_.clock.advance(60s);
  EXPECT_EQ(outcome(world_.send({.target = by_policy()})), "403 AuthenticationFailed");
}

TEST_F(QueueSettingsTest, AnEmptyPolicyLeavesAllToTheSas) {
  set_policy("");
  EXPECT_EQ(outcome(world_.send({.target = by_policy()})), "403 AuthenticationFailed");
  wire::Sas whole;
  whole.permissions = "p";
  whole.expiry = in(60s);
  EXPECT_EQ(outcome(world_.send({.target = by_policy(whole)})), "");
}

TEST_F(QueueSettingsTest, APolicyCannotBeAddedToAnAccountSas) {
  set_policy("<Permission>p</Permission>");
  wire::Sas sas;
  sas.version = "2026-04-06";
  sas.services = "q";
  sas.resources = "o";
  sas.expiry = in(60s);
  EXPECT_EQ(outcome(world_.send({.target = "/acc/orders/messages?si=p&" +
                                           wire::make_account_sas(sas, "acc", world_.key1)})),
            "403 AuthenticationFailed");
}

TEST_F(QueueSettingsTest, DelegationKeysAreForTokensWithTheRole) {
  const std::string target = "/acc?restype=service&comp=userdelegationkey";
  const std::string body = "<KeyInfo><Expiry>" + in(60s) + "</Expiry></KeyInfo>";
  EXPECT_EQ(outcome(call(post, target, body)), "403 AuthenticationFailed");
  const Call ask{.method = post, .target = target, .body = body};
  EXPECT_EQ(outcome(world_.token_send(ask)), "403 AuthorizationPermissionMismatch");
  world_.give_role(kDelegator, world_.tenancy.storage_account("acc"));
  const auto answer = world_.token_send(ask);
  EXPECT_EQ(element(answer, "SignedOid"), testing::kTestPrincipal);
  EXPECT_EQ(element(answer, "SignedTid"), testing::kTestTenant);
  EXPECT_EQ(element(answer, "SignedService"), "q");
  EXPECT_EQ(element(answer, "SignedVersion"), "2026-04-06");
  EXPECT_EQ(outcome(world_.token_send({.method = post, .target = target, .body = "<bad"})),
            "400 InvalidXmlDocument");
}

TEST_F(QueueSettingsTest, ADelegatedSasReachesWhatItsSignerReaches) {
  world_.give_role(kDelegator, world_.tenancy.storage_account("acc"));
  Secret key;
  auto sas = delegation(key);
  EXPECT_EQ(peek(sas, key), "403 AuthorizationPermissionMismatch") << "the signer has no role";
  world_.give_role(kContributor, world_.tenancy.queue("acc", "orders"));
  EXPECT_EQ(peek(sas, key), "");
  sas.permissions = "p";
  EXPECT_EQ(peek(sas, key), "403 AuthorizationPermissionMismatch");
  EXPECT_EQ(peek(sas, world_.key1), "403 AuthenticationFailed");
}

TEST_F(QueueSettingsTest, ADelegatedSasEndsWithItsKeyAndCannotBeChanged) {
  allow_delegation();
  Secret key;
  const auto sas = delegation(key);
  auto later = sas;
  later.expiry = in(2h);
  EXPECT_EQ(peek(later, key), "");
  for (std::string wire::UserDelegation::* field :
       {&wire::UserDelegation::object_id, &wire::UserDelegation::expiry,
        &wire::UserDelegation::service, &wire::UserDelegation::delegated_tenant_id}) {
    auto changed = sas;
    changed.delegation.*field = "2030-01-01";
    EXPECT_EQ(peek(changed, key), "403 AuthenticationFailed");
  }
  const auto text = wire::make_user_delegation_sas(sas, "acc", "orders", key);
  EXPECT_EQ(outcome(world_.send({.target = "/acc/orders/messages?ss=q&srt=o&" + text})),
            "403 AuthenticationFailed")
      << "fields of another kind of SAS";
  world_.clock.advance(61min);
  EXPECT_EQ(peek(later, key), "403 AuthenticationFailed");
}

TEST_F(QueueSettingsTest, ADelegatedSasForOneUserNeedsThatUsersToken) {
  allow_delegation();
  Secret key;
  auto sas = delegation(key);
  sas.delegated_object_id = testing::kTestPrincipal;
  const auto target = [&] {
    return "/acc/orders/messages?peekonly=true&" +
           wire::make_user_delegation_sas(sas, "acc", "orders", key);
  };
  EXPECT_EQ(outcome(world_.send({.target = target()})), "403 AuthenticationFailed");
  EXPECT_EQ(outcome(world_.token_send({.target = target()})), "");
  sas.delegated_object_id = "somebody else";
  EXPECT_EQ(outcome(world_.token_send({.target = target()})), "403 AuthenticationFailed");
}

TEST(QueueDeletionWindow, ADeletedNameStaysTakenWhileItLasts) {
  testing::QueueWorld world(30s);
  const auto status = [&world](http::Method method) {
    return world.signed_send({.method = method, .target = "/acc/orders"}).status;
  };
  EXPECT_EQ(status(put), 201);
  EXPECT_EQ(status(delete_), 204);
  const auto refused = world.signed_send({.method = put, .target = "/acc/orders"});
  EXPECT_EQ(refused.headers.find("x-ms-error-code"), "QueueBeingDeleted");
  EXPECT_EQ(world.signed_send({.method = put, .target = "/acc/others"}).status, 201);
  world.clock.advance(30s);
  EXPECT_EQ(status(put), 201);
}

}  // namespace
}  // namespace latchkey::cloud
