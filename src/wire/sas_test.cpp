#include "wire/sas.hpp"

#include <gtest/gtest.h>

#include "wire/connection_string.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::wire {
namespace {

Secret development_key() {
  return Secret(std::string(kDevelopmentKey));
}

Sas account_fields(std::string version) {
  Sas sas;
  sas.version = std::move(version);
  sas.services = "q";
  sas.resources = "sco";
  sas.permissions = "raup";
  sas.expiry = "2030-01-01T00:00:00Z";
  sas.protocol = "https,http";
  return sas;
}

Sas service_fields() {
  Sas sas;
  sas.version = "2021-02-12";
  sas.permissions = "raup";
  sas.start = "2029-01-01";
  sas.expiry = "2030-01-01T00:00:00Z";
  sas.ip = "10.0.0.1-10.0.0.9";
  sas.protocol = "https";
  return sas;
}

TEST(AccountSas, SignsTheEncryptionScopeFromItsVersionOn) {
  const std::string common =
      "devstoreaccount1\nraup\nq\nsco\n\n2030-01-01T00:00:00Z\n\nhttps,http\n";
  struct Row {
    std::string version, rest;
  };
  const Row rows[] = {{"2015-04-05", "2015-04-05\n"},   {"2019-12-12", "2019-12-12\n"},
                      {"2020-12-05", "2020-12-05\n"},   {"2020-12-06", "2020-12-06\n\n"},
                      {"2021-02-12", "2021-02-12\n\n"}, {"2026-04-06", "2026-04-06\n\n"}};
  for (const Row& row : rows) {
    EXPECT_EQ(account_sas_string_to_sign(account_fields(row.version), kDevelopmentAccount),
              common + row.rest);
  }
  Sas scoped = account_fields("2021-02-12");
  scoped.encryption_scope = "scope1";
  EXPECT_TRUE(account_sas_string_to_sign(scoped, "a").ends_with("2021-02-12\nscope1\n"));
}

TEST(AccountSas, IsSignedAsComputedApart) {
  // Signatures computed with Python's hmac.
  EXPECT_EQ(make_account_sas(account_fields("2021-02-12"), kDevelopmentAccount, development_key()),
            "sv=2021-02-12&ss=q&srt=sco&sp=raup&se=2030-01-01T00%3A00%3A00Z&spr=https%2Chttp&"
            "sig=SPgDmH59u3deE7fQlO1kAfGTPIlLk078wMSIQuEwlcQ%3D");
  EXPECT_TRUE(make_account_sas(account_fields("2019-12-12"), kDevelopmentAccount, development_key())
                  .ends_with("sig=JfljcTeYgL%2B4vaaX6x8DiuiGv5HIVHmRgKwwkvbybqM%3D"));
}

TEST(ServiceSas, SignsItsFieldsInOrder) {
  EXPECT_EQ(service_sas_string_to_sign(service_fields(), kDevelopmentAccount, "code-requests"),
            "raup\n2029-01-01\n2030-01-01T00:00:00Z\n/queue/devstoreaccount1/code-requests\n\n"
            "10.0.0.1-10.0.0.9\nhttps\n2021-02-12");
  Sas policy;
  policy.identifier = "policy";
  policy.version = "2021-02-12";
  EXPECT_EQ(service_sas_string_to_sign(policy, kDevelopmentAccount, "code-requests"),
            "\n\n\n/queue/devstoreaccount1/code-requests\npolicy\n\n\n2021-02-12");
}

TEST(ServiceSas, IsSignedAsComputedApart) {
  EXPECT_EQ(
      make_service_sas(service_fields(), kDevelopmentAccount, "code-requests", development_key()),
      "sv=2021-02-12&sp=raup&st=2029-01-01&se=2030-01-01T00%3A00%3A00Z&"
      "sip=10.0.0.1-10.0.0.9&spr=https&"
      "sig=ssDCuFmKU9wA4hShEUT7NfM6OWkCawrdFt9WiQxYi%2Bc%3D");
  Sas policy;
  policy.identifier = "policy";
  policy.version = "2021-02-12";
  EXPECT_EQ(make_service_sas(policy, kDevelopmentAccount, "code-requests", development_key()),
            "sv=2021-02-12&si=policy&sig=sK8cMQrrsAMeL8lp6gFbW%2F9%2B3FCN4umSyAjo1t%2FyeXM%3D");
}

Sas delegation_fields() {
  Sas sas = service_fields();
  sas.version = "2026-04-06";
  sas.delegation = {.object_id = "oid",
                    .tenant_id = "tid",
                    .start = "2029-01-01T00:00:00Z",
                    .expiry = "2029-01-02T00:00:00Z",
                    .service = "q",
                    .version = "2025-07-05",
                    .delegated_tenant_id = "other-tid"};
  sas.delegated_object_id = "user";
  return sas;
}

TEST(UserDelegationSas, SignsItsFieldsInTheOrderOfTheSdk) {
  EXPECT_EQ(user_delegation_sas_string_to_sign(delegation_fields(), "acc", "orders"),
            "raup\n2029-01-01\n2030-01-01T00:00:00Z\n/queue/acc/orders\noid\ntid\n"
            "2029-01-01T00:00:00Z\n2029-01-02T00:00:00Z\nq\n2025-07-05\nother-tid\nuser\n"
            "10.0.0.1-10.0.0.9\nhttps\n2026-04-06");
}

TEST(UserDelegationSas, ComesBackFromItsQueryText) {
  const auto query = http::parse_query(
      make_user_delegation_sas(delegation_fields(), "acc", "orders", development_key()));
  const auto parsed = parse_sas(*query);
  ASSERT_TRUE(parsed && parsed->has_value());
  const Sas& sas = **parsed;
  EXPECT_TRUE(sas.is_user_delegation_sas());
  EXPECT_FALSE(sas.is_account_sas());
  EXPECT_EQ(user_delegation_sas_string_to_sign(sas, "acc", "orders"),
            user_delegation_sas_string_to_sign(delegation_fields(), "acc", "orders"));
}

TEST(Sas, ComesBackFromItsQueryText) {
  Sas fields = account_fields("2021-02-12");
  fields.start = "2029-01-01";
  fields.ip = "10.0.0.1";
  fields.encryption_scope = "e s";
  fields.identifier = "id&=";
  const auto query = http::parse_query(make_account_sas(fields, "acc", development_key()));
  ASSERT_TRUE(query);
  const auto parsed = parse_sas(*query);
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->has_value());
  const Sas& sas = **parsed;
  EXPECT_TRUE(sas.is_account_sas());
  EXPECT_EQ(sas.version, fields.version);
  EXPECT_EQ(sas.services, fields.services);
  EXPECT_EQ(sas.resources, fields.resources);
  EXPECT_EQ(sas.permissions, fields.permissions);
  EXPECT_EQ(sas.start, fields.start);
  EXPECT_EQ(sas.expiry, fields.expiry);
  EXPECT_EQ(sas.ip, fields.ip);
  EXPECT_EQ(sas.protocol, fields.protocol);
  EXPECT_EQ(sas.identifier, fields.identifier);
  EXPECT_EQ(sas.encryption_scope, fields.encryption_scope);
  EXPECT_EQ(sas.signature,
            sign_with_key(account_sas_string_to_sign(sas, "acc"), development_key()));
}

TEST(Sas, AServiceSasIsNoAccountSas) {
  const auto query =
      http::parse_query(make_service_sas(service_fields(), "acc", "q", development_key()));
  const auto parsed = parse_sas(*query);
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->has_value());
  EXPECT_FALSE((*parsed)->is_account_sas());
}

TEST(Sas, IsAbsentWithoutASignature) {
  for (const http::Query& query :
       {http::Query{}, http::Query{{"comp", "list"}}, http::Query{{"sv", "2021-02-12"}}}) {
    const auto parsed = parse_sas(query);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->has_value());
  }
  const auto empty = parse_sas({{"sig", ""}});
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->has_value());
}

TEST(Sas, IsRefusedWhenAFieldStandsTwice) {
  for (std::string_view key :
       {"sv",    "ss",    "srt", "sp",  "st",  "se",  "sip",     "spr",    "si",  "ses",
        "skoid", "sktid", "skt", "ske", "sks", "skv", "skdutid", "sduoid", "sig", "SIG"}) {
    const http::Query query = {{"sig", "s"}, {std::string(key), "1"}, {std::string(key), "1"}};
    const auto parsed = parse_sas(query);
    ASSERT_FALSE(parsed) << key;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(parsed.error().code, "InvalidQueryParameterValue");
  }
  EXPECT_FALSE(parse_sas({{"sig", "s"}, {"sig", ""}}));
  EXPECT_TRUE(parse_sas({{"sig", "s"}, {"other", "1"}, {"other", "2"}}));
}

}  // namespace
}  // namespace latchkey::wire
