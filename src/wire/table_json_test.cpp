#include "wire/table_json.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/time_text.hpp"

namespace latchkey::wire {
namespace {

const UtcTime kTime = *from_iso8601("2020-04-15T16:54:48.816549Z");

TableEntity every_type() {
  return {.partition_key = "p",
          .row_key = "r",
          .etag = "not written",
          .properties = {{"bytes", Bytes{0, 255}},
                         {"number", std::int64_t{9'007'199'254'740'993}},
                         {"text", "a \"quoted\" \n line"},
                         {"time", kTime}}};
}

TEST(TableJson, WritesValuesWithTheTypesThatJsonLacks) {
  EXPECT_EQ(render_entity(every_type()),
            R"({"PartitionKey":"p","RowKey":"r","bytes@odata.type":"Edm.Binary","bytes":"AP8=",)"
            R"("number@odata.type":"Edm.Int64","number":"9007199254740993",)"
            R"("text":"a \"quoted\" \n line",)"
            R"("time@odata.type":"Edm.DateTime","time":"2020-04-15T16:54:48.8165490Z"})");
}

TEST(TableJson, ReadsBackWhatItWrites) {
  const auto read = parse_entity(render_entity(every_type()));
  ASSERT_TRUE(read) << read.error().message;
  for (const TableEntity& entity : {*read, every_type()}) {
    EXPECT_EQ(entity.partition_key, "p");
    EXPECT_EQ(entity.row_key, "r");
    EXPECT_EQ(entity.binary("bytes"), (Bytes{0, 255}));
    EXPECT_EQ(entity.number("number"), 9'007'199'254'740'993);
    EXPECT_EQ(entity.text("text"), "a \"quoted\" \n line");
    EXPECT_EQ(entity.time("time"), kTime);
  }
  EXPECT_EQ(read->etag, "");
}

TEST(TableJson, WhatIsAbsentOrOfAnotherTypeIsEmpty) {
  const auto read = parse_entity(
      R"({"PartitionKey":"p","RowKey":"r","yes":true,"half":0.5,"none":null,"word":"x","one":1})");
  ASSERT_TRUE(read);
  for (const char* name : {"yes", "half", "none", "word", "missing", "PartitionKey"}) {
    EXPECT_EQ(read->number(name), 0) << name;
    EXPECT_EQ(read->time(name), UtcTime{}) << name;
    EXPECT_TRUE(read->binary(name).empty()) << name;
  }
  EXPECT_EQ(read->number("one"), 1);
}

TEST(TableJson, ReadsAPageWithEtags) {
  const auto page = parse_entities(
      R"({"odata.metadata":"m","value":[{"odata.etag":"W/\"1\"","PartitionKey":"p","RowKey":"r",)"
      R"("Timestamp":"2020-04-15T16:54:48Z","n@odata.type":"Edm.Int64","n":"5"}]})");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->size(), 1U);
  EXPECT_EQ(page->front().etag, "W/\"1\"");
  EXPECT_EQ(page->front().number("n"), 5);
  EXPECT_EQ(page->front().properties.size(), 1U);
}

TEST(TableJson, RefusesWhatIsNoEntity) {
  for (const char* body : {"", "[]", "{}", R"({"PartitionKey":"p"})", R"({"RowKey":1})",
                           R"({"PartitionKey":"p","RowKey":7})", "<html>"}) {
    const auto read = parse_entity(body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().kind, ErrorKind::protocol) << body;
  }
  for (const char* body : {"{}", R"({"value":{}})", R"({"value":[1]})", R"({"value":[{}]})"}) {
    EXPECT_FALSE(parse_entities(body)) << body;
  }
}

TEST(TableJson, SurvivesDamage) {
  latchkey::testing::SeededRandom random(7);
  const std::string good = R"({"value":[)" + render_entity(every_type()) + "]}";
  for (int i = 0; i < 2'000; ++i) {
    std::string bad = good;
    bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    bad.resize(bad.size() - random.below(2) * random.below(bad.size()));
    const auto read = parse_entities(bad);
    if (read) EXPECT_LE(read->size(), 1U);
  }
}

TEST(TableJson, QuotesKeysInPathsAndFilters) {
  EXPECT_EQ(entity_path("o'hara", "a b"), "(PartitionKey='o%27%27hara',RowKey='a%20b')");
  EXPECT_EQ(filter_text("o'hara"), "'o''hara'");
  EXPECT_EQ(filter_time(kTime), "datetime'2020-04-15T16:54:48.8165490Z'");
  EXPECT_EQ(render_table_name("codes"), R"({"TableName":"codes"})");
}

TEST(TableJson, KnowsKeysAndNames) {
  for (const char* good : {"", "c-ab", "0190-uuid", "a b'c"}) EXPECT_TRUE(is_table_key(good));
  for (const char* bad : {"a/b", "a\\b", "a#b", "a?b", "a\nb", "a%b"}) {
    EXPECT_FALSE(is_table_key(bad)) << bad;
  }
  EXPECT_FALSE(is_table_key(std::string(513, 'a')));
  for (const char* good : {"abc", "Codes2"}) EXPECT_TRUE(is_table_name(good)) << good;
  for (const char* bad : {"", "ab", "1abc", "a-bc", "Tables"}) EXPECT_FALSE(is_table_name(bad));
  EXPECT_FALSE(is_table_name(std::string(64, 'a')));
}

}  // namespace
}  // namespace latchkey::wire
