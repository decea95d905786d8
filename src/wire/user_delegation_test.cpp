#include "wire/user_delegation.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"

namespace latchkey::wire {
namespace {

TEST(KeyInfo, IsReadWithAndWithoutItsOptionalFields) {
  const auto whole = parse_key_info(
      "<KeyInfo><Start>2026-01-01T00:00:00Z</Start><Expiry>2026-01-02T00:00:00Z</Expiry>"
      "<DelegatedUserTid>tid</DelegatedUserTid></KeyInfo>");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->start, from_iso8601("2026-01-01"));
  EXPECT_EQ(whole->expiry, *from_iso8601("2026-01-02"));
  EXPECT_EQ(whole->delegated_tenant_id, "tid");
  const auto least = parse_key_info("<KeyInfo><Expiry>2026-01-02</Expiry></KeyInfo>");
  ASSERT_TRUE(least);
  EXPECT_FALSE(least->start);
}

TEST(KeyInfo, WhatIsWrongIsRefused) {
  struct Row {
    std::string xml;
    std::string_view code;
  };
  const Row rows[] = {
      {"", "InvalidXmlDocument"},
      {"<Key/>", "InvalidXmlDocument"},
      {"<KeyInfo/>", "MissingRequiredXmlNode"},
      {"<KeyInfo><Expiry>tomorrow</Expiry></KeyInfo>", "InvalidXmlNodeValue"},
      {"<KeyInfo><Start>x</Start><Expiry>2026-01-02</Expiry></KeyInfo>", "InvalidXmlNodeValue"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_key_info(row.xml);
    ASSERT_FALSE(parsed) << row.xml;
    EXPECT_EQ(parsed.error().code, row.code) << row.xml;
  }
}

TEST(UserDelegationKey, IsWrittenInTheOrderOfTheService) {
  UserDelegation delegation{.object_id = "oid",
                            .tenant_id = "tid",
                            .start = "2026-01-01T00:00:00Z",
                            .expiry = "2026-01-02T00:00:00Z",
                            .service = "q",
                            .version = "2026-04-06",
                            .delegated_tenant_id = ""};
  const std::string text = render_user_delegation_key(delegation, Secret("a2V5"));
  EXPECT_TRUE(text.ends_with(
      "<UserDelegationKey><SignedOid>oid</SignedOid><SignedTid>tid</SignedTid>"
      "<SignedStart>2026-01-01T00:00:00Z</SignedStart><SignedExpiry>2026-01-02T00:00:00Z"
      "</SignedExpiry><SignedService>q</SignedService><SignedVersion>2026-04-06</SignedVersion>"
      "<Value>a2V5</Value></UserDelegationKey>"))
      << text;
  delegation.delegated_tenant_id = "other";
  EXPECT_NE(render_user_delegation_key(delegation, Secret("a2V5"))
                .find("<SignedDelegatedUserTid>other</SignedDelegatedUserTid><Value>"),
            std::string::npos);
}

}  // namespace
}  // namespace latchkey::wire
