#include "wire/service_properties.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"

namespace latchkey::wire {
namespace {

constexpr std::string_view kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

std::string document(std::string_view inner) {
  return "<StorageServiceProperties>" + std::string(inner) + "</StorageServiceProperties>";
}

std::string logging(std::string_view retention) {
  return document(
      "<Logging><Version>1.0</Version><Delete>False</Delete><Read>TRUE</Read>"
      "<Write>true</Write>" +
      std::string(retention) + "</Logging>");
}

std::string cors(std::string_view origins, std::string_view methods, std::string_view age) {
  return "<CorsRule><AllowedOrigins>" + std::string(origins) + "</AllowedOrigins><AllowedMethods>" +
         std::string(methods) + "</AllowedMethods><MaxAgeInSeconds>" + std::string(age) +
         "</MaxAgeInSeconds><ExposedHeaders/><AllowedHeaders/></CorsRule>";
}

TEST(ServiceProperties, OfAFreshAccountAreThoseRecorded) {
  EXPECT_EQ(
      render_service_properties(default_service_properties()),
      std::string(kHead) +
          "<StorageServiceProperties><Logging><Version>1.0</Version><Read>false</Read>"
          "<Write>false</Write><Delete>false</Delete><RetentionPolicy><Enabled>false</Enabled>"
          "</RetentionPolicy></Logging><HourMetrics><Version>1.0</Version><Enabled>false</Enabled>"
          "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></HourMetrics><MinuteMetrics>"
          "<Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled>"
          "</RetentionPolicy></MinuteMetrics><Cors /></StorageServiceProperties>");
}

TEST(ServiceProperties, BooleansMayBeInAnyCase) {
  const auto parsed = parse_service_properties(
      logging("<RetentionPolicy><Enabled>True</Enabled><Days>7</Days></RetentionPolicy>"));
  ASSERT_TRUE(parsed) << parsed.error().code;
  EXPECT_FALSE(parsed->logging->remove);
  EXPECT_TRUE(parsed->logging->read);
  EXPECT_TRUE(parsed->logging->write);
  EXPECT_EQ(parsed->logging->retention.days, 7);
  EXPECT_FALSE(parsed->hour_metrics);
  EXPECT_FALSE(parsed->cors);
}

TEST(ServiceProperties, OnlyTheSectionsPresentAreChanged) {
  auto kept = default_service_properties();
  change_service_properties(
      kept, *parse_service_properties(document("<Cors>" + cors("*", "GET", "5") + "</Cors>")));
  change_service_properties(
      kept, *parse_service_properties(document(
                "<HourMetrics><Version>1.0</Version><Enabled>true</Enabled><IncludeAPIs>true"
                "</IncludeAPIs><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>"
                "</HourMetrics>")));
  EXPECT_EQ(kept.cors->size(), 1U);
  EXPECT_TRUE(kept.hour_metrics->include_apis);
  EXPECT_FALSE(kept.minute_metrics->enabled);
  change_service_properties(kept, *parse_service_properties(document("<Cors/>")));
  EXPECT_TRUE(kept.cors->empty());
  EXPECT_TRUE(kept.hour_metrics->enabled);
}

TEST(ServiceProperties, WhatIsWrittenIsReadBack) {
  auto properties = default_service_properties();
  properties.logging->read = true;
  properties.minute_metrics = {.version = "1.0",
                               .enabled = true,
                               .include_apis = true,
                               .retention = {.enabled = true, .days = 365}};
  properties.cors->push_back({.allowed_origins = "http://a.example,http://b.example",
                              .allowed_methods = "GET,PUT",
                              .max_age_seconds = 500,
                              .exposed_headers = "x-ms-meta-a*",
                              .allowed_headers = "<&>"});
  const std::string text = render_service_properties(properties);
  const auto parsed = parse_service_properties(text);
  ASSERT_TRUE(parsed) << parsed.error().code;
  EXPECT_EQ(render_service_properties(*parsed), text);
  EXPECT_EQ(parsed->cors->at(0).allowed_headers, "<&>");
}

TEST(ServiceProperties, WhatIsWrongIsNamed) {
  std::string six;
  for (int i = 0; i < 6; ++i) six += cors("*", "GET", "1");
  struct Row {
    std::string xml;
    std::string_view code;
    std::string_view node;
  };
  const Row rows[] = {
      {"", "InvalidXmlDocument", ""},
      {"<Other/>", "InvalidXmlDocument", ""},
      {"<StorageServiceProperties>", "InvalidXmlDocument", ""},
      {logging(""), "MissingRequiredXmlNode", "RetentionPolicy"},
      {logging("<RetentionPolicy/>"), "MissingRequiredXmlNode", "Enabled"},
      {logging("<RetentionPolicy><Enabled>true</Enabled></RetentionPolicy>"),
       "MissingRequiredXmlNode", "Days"},
      {logging("<RetentionPolicy><Enabled>true</Enabled><Days>366</Days></RetentionPolicy>"),
       "InvalidXmlNodeValue", "Days"},
      {logging("<RetentionPolicy><Enabled>true</Enabled><Days>0</Days></RetentionPolicy>"),
       "InvalidXmlNodeValue", "Days"},
      {logging("<RetentionPolicy><Enabled>yes</Enabled></RetentionPolicy>"), "InvalidXmlNodeValue",
       "Enabled"},
      {document("<HourMetrics><Version>1.0</Version><Enabled>true</Enabled></HourMetrics>"),
       "MissingRequiredXmlNode", "IncludeAPIs"},
      {document("<Cors>" + six + "</Cors>"), "InvalidXmlNodeValue", "Cors"},
      {document("<Cors>" + cors(std::string(2049, 'x'), "GET", "1") + "</Cors>"),
       "InvalidXmlNodeValue", "Cors"},
      {document("<Cors>" + cors("", "GET", "1") + "</Cors>"), "InvalidXmlNodeValue",
       "AllowedOrigins"},
      {document("<Cors>" + cors("*", "GET,EAT", "1") + "</Cors>"), "InvalidXmlNodeValue",
       "AllowedMethods"},
      {document("<Cors>" + cors("*", "GET", "-1") + "</Cors>"), "InvalidXmlNodeValue",
       "MaxAgeInSeconds"},
      {document("<Cors><CorsRule/></Cors>"), "MissingRequiredXmlNode", "AllowedOrigins"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_service_properties(row.xml);
    ASSERT_FALSE(parsed) << row.xml;
    EXPECT_EQ(parsed.error().code, row.code) << row.xml;
    if (!row.node.empty()) {
      EXPECT_EQ(parsed.error().details.at(0).second, row.node) << row.xml;
    }
  }
}

TEST(ServiceProperties, DamagedBodiesAreReadOrRefused) {
  latchkey::testing::SeededRandom random(7);
  auto properties = default_service_properties();
  properties.cors->push_back({.allowed_origins = "*", .allowed_methods = "GET"});
  const std::string whole = render_service_properties(properties);
  for (int round = 0; round < 5'000; ++round) {
    std::string damaged = whole;
    for (std::uint64_t n = random.below(4) + 1; n > 0; --n) {
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    }
    const auto parsed = parse_service_properties(damaged);
    if (!parsed) EXPECT_EQ(parsed.error().status, 400);
  }
}

TEST(ServiceStats, AreThoseOfAHealthyPair) {
  EXPECT_EQ(render_service_stats(UtcTime{}),
            std::string(kHead) +
                "<StorageServiceStats><GeoReplication><Status>live</Status><LastSyncTime>"
                "Thu, 01 Jan 1970 00:00:00 GMT</LastSyncTime></GeoReplication>"
                "</StorageServiceStats>");
}

}  // namespace
}  // namespace latchkey::wire
