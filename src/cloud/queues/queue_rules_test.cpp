#include "cloud/queues/queue_rules.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

std::string code_of(const std::optional<wire::StorageError>& error) {
  return error ? error->code : "";
}

TEST(QueueName, FollowsTheRules) {
  const std::pair<std::string, std::string> kRows[] = {
      {"abc", ""},
      {"code-requests", ""},
      {"1-2-3", ""},
      {std::string(63, 'a'), ""},
      {"ab", "OutOfRangeInput"},
      {"", "OutOfRangeInput"},
      {std::string(64, 'a'), "OutOfRangeInput"},
      {"Abc", "InvalidResourceName"},
      {"a_b", "InvalidResourceName"},
      {"-abc", "InvalidResourceName"},
      {"abc-", "InvalidResourceName"},
      {"a--b", "InvalidResourceName"},
      {"a|b", "InvalidResourceName"},
      {"a/b", "InvalidResourceName"},
      {"a\xC3\xA9x", "InvalidResourceName"},
      {std::string("a\0b", 3), "InvalidResourceName"},
  };
  for (const auto& [name, code] : kRows) EXPECT_EQ(code_of(check_queue_name(name)), code) << name;
}

TEST(IntegerParameter, ChecksFormAndRange) {
  const IntegerRule rule{.name = "numofmessages", .min = 1, .max = 32};
  const auto outcome = [&rule](const std::string& value) -> std::string {
    const http::Query query{{.key = "NumOfMessages", .value = value}};
    const auto number = integer_parameter(query, rule);
    return number ? std::to_string(number->value()) : number.error().code;
  };
  EXPECT_EQ(outcome("1"), "1");
  EXPECT_EQ(outcome("32"), "32");
  for (const char* value : {"0", "33", "-1", "2147483648"}) {
    EXPECT_EQ(outcome(value), "OutOfRangeQueryParameterValue") << value;
  }
  for (const char* value : {"", "x", "1x", " 1", "1.0", "+1", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(outcome(value), "InvalidQueryParameterValue") << value;
  }
  const auto absent = integer_parameter({}, rule);
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->has_value());
}

TEST(IntegerParameter, SaysWhatIsAllowed) {
  const http::Query query{{.key = "numofmessages", .value = "33"}};
  const auto number = integer_parameter(query, {.name = "numofmessages", .min = 1, .max = 32});
  ASSERT_FALSE(number);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"QueryParameterName", "numofmessages"},
      {"QueryParameterValue", "33"},
      {"MinimumAllowed", "1"},
      {"MaximumAllowed", "32"}};
  EXPECT_EQ(number.error().details, expected);
}

TEST(Metadata, IsReadFromHeadersWithItsCase) {
  const http::Headers headers{{"X-Ms-Meta-Colour", "red"},
                              {"x-ms-date", "now"},
                              {"x-ms-meta-_size1", ""},
                              {"x-ms-meta-COLOUR", "blue"}};
  const auto metadata = read_metadata(headers);
  ASSERT_TRUE(metadata);
  EXPECT_EQ(*metadata, (wire::Metadata{{"Colour", "red,blue"}, {"_size1", ""}}));
}

TEST(Metadata, RefusesWhatAzureRefuses) {
  const auto code = [](const http::Headers& headers) -> std::string {
    const auto metadata = read_metadata(headers);
    return metadata ? "" : metadata.error().code;
  };
  EXPECT_EQ(code({{"x-ms-meta-", "v"}}), "EmptyMetadataKey");
  EXPECT_EQ(code({{"x-ms-meta-1st", "v"}}), "InvalidMetadata");
  EXPECT_EQ(code({{"x-ms-meta-a-b", "v"}}), "InvalidMetadata");
  EXPECT_EQ(code({{"x-ms-meta-a", std::string(8191, 'v')}}), "");
  EXPECT_EQ(code({{"x-ms-meta-a", std::string(8192, 'v')}}), "MetadataTooLarge");
}

TEST(ApiVersion, IsADate) {
  for (const char* text : {"2009-04-14", "2026-04-06", "2099-12-31"}) {
    EXPECT_TRUE(is_api_version(text)) << text;
  }
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-30", "latest", "2026-04-06 ",
                           "2026-04-06T00:00Z", "2026/04/06"}) {
    EXPECT_FALSE(is_api_version(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey::cloud
