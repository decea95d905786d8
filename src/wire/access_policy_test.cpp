#include "wire/access_policy.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"

namespace latchkey::wire {
namespace {

constexpr std::string_view kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

std::string document(std::string_view inner) {
  return "<SignedIdentifiers>" + std::string(inner) + "</SignedIdentifiers>";
}
std::string identifier(std::string_view id, std::string_view policy) {
  return "<SignedIdentifier><Id>" + std::string(id) + "</Id>" + std::string(policy) +
         "</SignedIdentifier>";
}

TEST(AccessPolicy, ReadsTheFormsThatClientsSend) {
  const auto parsed = parse_signed_identifiers(document(
      identifier("full",
                 "<AccessPolicy><Start>2026-01-01</Start><Expiry>2026-02-01T10:20Z</Expiry>"
                 "<Permission>pura</Permission></AccessPolicy>") +
      identifier("empty fields", "<AccessPolicy><Start /><Expiry/><Permission/></AccessPolicy>") +
      identifier("no policy", "") + identifier("empty policy", "<AccessPolicy />")));
  ASSERT_TRUE(parsed) << parsed.error().code;
  ASSERT_EQ(parsed->size(), 4U);
  EXPECT_EQ(parsed->at(0).policy.start, from_iso8601("2026-01-01"));
  EXPECT_EQ(parsed->at(0).policy.permissions, "raup");
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_FALSE(parsed->at(i).policy.start || parsed->at(i).policy.expiry);
    EXPECT_EQ(parsed->at(i).policy.permissions, "");
  }
  EXPECT_TRUE(parse_signed_identifiers("")->empty());
  EXPECT_TRUE(parse_signed_identifiers("<SignedIdentifiers/>")->empty());
}

TEST(AccessPolicy, IsWrittenAsTheServiceDoes) {
  EXPECT_EQ(render_signed_identifiers({}), std::string(kHead) + "<SignedIdentifiers />");
  EXPECT_EQ(
      render_signed_identifiers(
          {{.id = "a&b"},
           {.id = "p", .policy = {.start = from_iso8601("2026-01-01"), .permissions = "r"}}}),
      std::string(kHead) +
          "<SignedIdentifiers><SignedIdentifier><Id>a&amp;b</Id></SignedIdentifier>"
          "<SignedIdentifier><Id>p</Id><AccessPolicy><Start>2026-01-01T00:00:00.0000000Z</Start>"
          "<Permission>r</Permission></AccessPolicy></SignedIdentifier></SignedIdentifiers>");
}

TEST(AccessPolicy, WhatIsWrongIsNamed) {
  std::string six;
  for (char c = 'a'; c < 'g'; ++c) six += identifier(std::string(1, c), "");
  struct Row {
    std::string xml;
    std::string_view code;
    std::string_view node;
  };
  const Row rows[] = {
      {"<Other/>", "InvalidXmlDocument", ""},
      {document("<SignedIdentifier/>"), "MissingRequiredXmlNode", "Id"},
      {document(identifier("", "")), "InvalidXmlNodeValue", "Id"},
      {document(identifier(std::string(65, 'x'), "")), "InvalidXmlNodeValue", "Id"},
      {document(identifier("a", "") + identifier("a", "")), "InvalidXmlNodeValue", "Id"},
      {document(six), "InvalidXmlNodeValue", "SignedIdentifiers"},
      {document(identifier("a", "<AccessPolicy><Permission>rw</Permission></AccessPolicy>")),
       "InvalidXmlNodeValue", "Permission"},
      {document(identifier("a", "<AccessPolicy><Start>soon</Start></AccessPolicy>")),
       "InvalidXmlNodeValue", "Start"},
      {document(identifier("a", "<AccessPolicy><Expiry>late</Expiry></AccessPolicy>")),
       "InvalidXmlNodeValue", "Expiry"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_signed_identifiers(row.xml);
    ASSERT_FALSE(parsed) << row.xml;
    EXPECT_EQ(parsed.error().code, row.code) << row.xml;
    if (!row.node.empty()) {
      EXPECT_EQ(parsed.error().details.at(0).second, row.node) << row.xml;
    }
  }
}

}  // namespace
}  // namespace latchkey::wire
