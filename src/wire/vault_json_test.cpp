#include "wire/vault_json.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

SecretBundle sample() {
  SecretBundle bundle;
  bundle.value = Secret("s3cr\"et\xC3\xA4\n");
  bundle.id = "https://v.vault.azure.net/secrets/name/0123456789abcdef0123456789abcdef";
  bundle.content_type = "text/plain";
  bundle.tags = {{"a", "1"}, {"b", ""}};
  bundle.attributes = {.enabled = false,
                       .not_before = 1,
                       .expires = 253'402'300'799,
                       .created = 1'586'969'688,
                       .updated = 1'586'969'689,
                       .recovery_level = "Recoverable+Purgeable",
                       .recoverable_days = 90};
  return bundle;
}

TEST(SecretBundle, IsRenderedAsTheServiceDoes) {
  SecretBundle bundle = sample();
  bundle.value = Secret("v");
  EXPECT_EQ(render_secret_bundle(bundle),
            R"({"value":"v","contentType":"text/plain",)"
            R"("id":"https://v.vault.azure.net/secrets/name/0123456789abcdef0123456789abcdef",)"
            R"("attributes":{"enabled":false,"nbf":1,"exp":253402300799,"created":1586969688,)"
            R"("updated":1586969689,"recoveryLevel":"Recoverable+Purgeable",)"
            R"("recoverableDays":90},"tags":{"a":"1","b":""}})");
  SecretBundle bare;
  bare.has_value = false;
  bare.id = "i";
  EXPECT_EQ(render_secret_bundle(bare),
            R"({"id":"i","attributes":{"enabled":true,"created":0,"updated":0,)"
            R"("recoveryLevel":"Recoverable+Purgeable","recoverableDays":90}})");
}

TEST(SecretBundle, ComesBackAsItWas) {
  const auto parsed = parse_secret_bundle(render_secret_bundle(sample()));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const SecretBundle expected = sample();
  EXPECT_TRUE(parsed->has_value);
  EXPECT_EQ(parsed->value.reveal(), expected.value.reveal());
  EXPECT_EQ(parsed->id, expected.id);
  EXPECT_EQ(parsed->content_type, expected.content_type);
  EXPECT_EQ(parsed->tags, expected.tags);
  EXPECT_FALSE(parsed->attributes.enabled);
  EXPECT_EQ(parsed->attributes.not_before, 1);
  EXPECT_EQ(parsed->attributes.expires, 253'402'300'799);
  EXPECT_EQ(parsed->attributes.created, 1'586'969'688);
  EXPECT_EQ(parsed->attributes.updated, 1'586'969'689);
  EXPECT_EQ(parsed->attributes.recovery_level, "Recoverable+Purgeable");
  EXPECT_EQ(parsed->attributes.recoverable_days, 90);
}

TEST(SecretBundle, TakesUnknownMembersAndTheAbsenceOfOptionalOnes) {
  const auto parsed =
      parse_secret_bundle(R"({"id":"https://h/secrets/n","managed":true,"kid":"k","tags":null,
                              "attributes":{"enabled":null,"new":{}}})");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_FALSE(parsed->has_value);
  EXPECT_FALSE(parsed->content_type);
  EXPECT_TRUE(parsed->attributes.enabled);
  EXPECT_FALSE(parsed->attributes.expires);
  EXPECT_TRUE(parse_secret_bundle(R"({"id":"i","value":""})")->has_value);
}

TEST(SecretBundle, OfAWrongShapeIsAProtocolErrorThatNamesTheMember) {
  struct Row {
    std::string_view text, named;
  };
  const Row rows[] = {
      {"", "JSON"},
      {"[]", "JSON"},
      {"{}", "'id'"},
      {R"({"id":5})", "'id'"},
      {R"({"id":"i","value":7})", "'value'"},
      {R"({"id":"i","contentType":[]})", "'contentType'"},
      {R"({"id":"i","tags":[]})", "'tags'"},
      {R"({"id":"i","tags":{"a":1}})", "'tags'"},
      {R"({"id":"i","attributes":"x"})", "'attributes'"},
      {R"({"id":"i","attributes":{"enabled":"true"}})", "'enabled'"},
      {R"({"id":"i","attributes":{"exp":"1"}})", "'exp'"},
      {R"({"id":"i","attributes":{"nbf":-1}})", "'nbf'"},
      {R"({"id":"i","attributes":{"created":1.5}})", "'created'"},
      {R"({"id":"i","attributes":{"recoveryLevel":1}})", "'recoveryLevel'"},
      {R"({"id":"i","attributes":{"recoverableDays":99999999999}})", "'recoverableDays'"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_secret_bundle(row.text);
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::protocol);
    EXPECT_NE(parsed.error().message.find(row.named), std::string::npos) << parsed.error().message;
  }
}

TEST(SecretBundle, VersionIsTheSegmentBehindTheName) {
  struct Row {
    std::string id;
    std::string_view version;
  };
  const Row rows[] = {{"https://h/secrets/n/abc", "abc"}, {"https://h/secrets/n/", ""},
                      {"https://h/secrets/n", ""},        {"https://h:8443/secrets/n/1", "1"},
                      {"https://h/keys/n/abc", ""},       {"", ""}};
  for (const Row& row : rows) {
    SecretBundle bundle;
    bundle.id = row.id;
    EXPECT_EQ(bundle.version(), row.version) << row.id;
  }
}

TEST(SetSecret, ComesBackAsItWas) {
  SetSecretRequest full;
  full.value = Secret("v\"\r\n");
  full.content_type = "";
  full.tags = {{"t", "x"}};
  full.enabled = false;
  full.not_before = 0;
  full.expires = 5;
  const auto parsed = parse_set_secret(render_set_secret(full));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->value.reveal(), "v\"\r\n");
  EXPECT_EQ(parsed->content_type, "");
  EXPECT_EQ(parsed->tags, full.tags);
  EXPECT_EQ(parsed->enabled, false);
  EXPECT_EQ(parsed->not_before, 0);
  EXPECT_EQ(parsed->expires, 5);

  SetSecretRequest bare;
  bare.value = Secret("v");
  EXPECT_EQ(render_set_secret(bare), R"({"value":"v"})");
  const auto again = parse_set_secret(R"({"value":"v"})");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->content_type || again->enabled || again->not_before || again->expires);
}

TEST(SetSecret, HostileJsonIsABadParameterThatNeverShowsAValue) {
  const std::string long_name(kSecretTagBytesMax + 1, 'n');
  std::string many = R"({"value":"hunter2","tags":{)";
  for (std::size_t i = 0; i <= kSecretTagsMax; ++i) many += "\"t" + std::to_string(i) + "\":\"\",";
  many.back() = '}';
  many += "}";
  struct Row {
    std::string text;
    std::string_view named;
  };
  const Row rows[] = {
      {"", "JSON"},
      {"null", "JSON"},
      {"[{}]", "JSON"},
      {"{\"value\":", "JSON"},
      {R"({"value":)" + std::string(100'000, '['), "JSON"},
      {R"({"value":)" + std::string(100'000, '{'), "JSON"},
      {"{\"value\":\"\xFF\"}", "JSON"},
      {R"({"value":"\ud800"})", "JSON"},
      {"{\"value\":\"hunter2\"} x", "JSON"},
      {"{}", "'value'"},
      {R"({"value":null})", "'value'"},
      {R"({"value":5})", "'value'"},
      {R"({"value":["hunter2"]})", "'value'"},
      {R"({"Value":"hunter2"})", "'value'"},
      {R"({"value":")" + std::string(kSecretValueBytesMax + 1, 'h') + "\"}", "'value'"},
      {R"({"value":"hunter2","contentType":1})", "'contentType'"},
      {R"({"value":"hunter2","contentType":")" + std::string(256, 'c') + "\"}", "'contentType'"},
      {R"({"value":"hunter2","tags":"x"})", "'tags'"},
      {R"({"value":"hunter2","tags":{"a":{}}})", "'tags'"},
      {R"({"value":"hunter2","tags":{")" + long_name + R"(":""}})", "'tags'"},
      {R"({"value":"hunter2","tags":{"a":")" + long_name + R"("}})", "'tags'"},
      {many, "'tags'"},
      {R"({"value":"hunter2","attributes":[]})", "'attributes'"},
      {R"({"value":"hunter2","attributes":{"enabled":1}})", "'enabled'"},
      {R"({"value":"hunter2","attributes":{"nbf":"1"}})", "'nbf'"},
      {R"({"value":"hunter2","attributes":{"exp":1e300}})", "'exp'"},
      {R"({"value":"hunter2","attributes":{"exp":18446744073709551615}})", "'exp'"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_set_secret(row.text);
    ASSERT_FALSE(parsed) << row.text.substr(0, 100);
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(parsed.error().code, "BadParameter");
    EXPECT_NE(parsed.error().message.find(row.named), std::string::npos) << parsed.error().message;
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
  }
}

TEST(SetSecret, TakesValuesAndTagsUpToTheLimits) {
  EXPECT_TRUE(parse_set_secret(R"({"value":")" + std::string(kSecretValueBytesMax, 'v') + "\"}"));
  std::string tags;
  for (std::size_t i = 0; i < kSecretTagsMax; ++i) tags += ",\"t" + std::to_string(i) + "\":\"\"";
  EXPECT_TRUE(parse_set_secret(R"({"value":"v","tags":{)" + tags.substr(1) + "}}"));
}

TEST(SetSecret, NoDamageToABodyDoesHarm) {
  static constexpr std::uint64_t kSeed = 31;
  latchkey::testing::SeededRandom random(kSeed);
  const std::string whole = render_secret_bundle(sample());
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    const auto bundle = parse_secret_bundle(damaged);
    if (bundle) EXPECT_FALSE(bundle->id.empty()) << "seed " << kSeed << " round " << round;
    const auto request = parse_set_secret(damaged);
    if (!request) EXPECT_EQ(request.error().code, "BadParameter");
    const auto page = parse_secret_page(R"({"value":[)" + damaged + "]}");
    if (!page) EXPECT_EQ(page.error().code, "InvalidSecretBundle");
  }
}

TEST(VaultError, IsRenderedWithAndWithoutItsInnerCode) {
  EXPECT_EQ(render_vault_error("SecretNotFound", "No \"x\"."),
            R"({"error":{"code":"SecretNotFound","message":"No \"x\"."}})");
  EXPECT_EQ(render_vault_error("Forbidden", "No.", "ForbiddenByRbac"),
            R"({"error":{"code":"Forbidden","message":"No.",)"
            R"("innererror":{"code":"ForbiddenByRbac"}}})");
}

TEST(VaultError, BecomesTheClientsErrorRowByRow) {
  struct Row {
    int status;
    std::string_view code, inner;
    ErrorKind kind;
    std::string_view seen_code;
  };
  const Row rows[] = {
      {400, "BadParameter", "", ErrorKind::invalid_argument, "BadParameter"},
      {401, "Unauthorized", "", ErrorKind::denied, "Unauthorized"},
      {403, "Forbidden", "ForbiddenByRbac", ErrorKind::denied, "ForbiddenByRbac"},
      {403, "Forbidden", "AccessDenied", ErrorKind::denied, "AccessDenied"},
      {403, "Forbidden", "ForbiddenByFirewall", ErrorKind::denied, "ForbiddenByFirewall"},
      {403, "Forbidden", "SecretDisabled", ErrorKind::denied, "SecretDisabled"},
      {404, "SecretNotFound", "", ErrorKind::not_found, "SecretNotFound"},
      {409, "Conflict", "ObjectIsDeletedButRecoverable", ErrorKind::conflict,
       "ObjectIsDeletedButRecoverable"},
      {429, "Throttled", "", ErrorKind::throttled, "Throttled"},
      {500, "InternalServerError", "", ErrorKind::unavailable, "InternalServerError"},
  };
  for (const Row& row : rows) {
    http::Response response;
    response.status = row.status;
    response.body = render_vault_error(row.code, "Because.", row.inner);
    response.headers.set("x-ms-request-id", "id-1");
    const Error error = vault_error_from(response, "vault v, secret s");
    EXPECT_EQ(error.kind, row.kind) << row.status;
    EXPECT_EQ(error.code, row.seen_code);
    EXPECT_TRUE(error.message.starts_with("vault v, secret s: Because.")) << error.message;
    EXPECT_EQ(error.request_id, "id-1");
  }
}

TEST(VaultError, KeepsTheReasonsLinesAndNamesTheRoleToAssign) {
  http::Response response;
  response.status = 403;
  response.body = render_vault_error("Forbidden", "Not authorized.\r\nCaller: oid=o\r\nVault: v",
                                     "ForbiddenByRbac");
  EXPECT_EQ(vault_error_from(response, "v").message,
            "v: Not authorized. Caller: oid=o Vault: v Assign the caller's identity the role Key "
            "Vault Secrets User (to read) or Key Vault Secrets Officer (to write) on this vault or "
            "secret.");
}

TEST(VaultError, SurvivesAnyBody) {
  for (std::string_view body : {"", "<html>", "{}", R"({"error":"x"})", R"({"error":{"code":5}})",
                                R"({"error":{"innererror":{"code":[]}}})", "\xFF"}) {
    http::Response response;
    response.status = 503;
    response.body = body;
    const Error error = vault_error_from(response, "v");
    EXPECT_EQ(error.code, "") << body;
    EXPECT_EQ(error.message, "v: HTTP 503 Service Unavailable") << body;
  }
}

}  // namespace
}  // namespace latchkey::wire
