#include "service/api_keys.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey::service {
namespace {

std::string entry(std::string_view name, std::string_view key,
                  std::string_view roles = R"("Codes.Issue")") {
  return fmt::format(R"({{"name":"{}","sha256":"{}","roles":[{}]}})", name, to_hex(sha256(key)),
                     roles);
}

TEST(ApiKeys, AnEntryIsFoundByItsKeyAndByNothingElse) {
  const auto keys =
      parse_api_keys("[" + entry("web", "one") + "," +
                     entry("Ops.2_x-y", "two", R"("Codes.Verify","Codes.Admin")") + "]");
  ASSERT_TRUE(keys) << keys.error().message;
  const ApiKey* found = find_api_key(*keys, "two");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "Ops.2_x-y");
  EXPECT_EQ(found->roles, (std::vector{Role::verify, Role::admin}));
  EXPECT_EQ(find_api_key(*keys, "one")->name, "web");
  for (const std::string& other : {std::string("three"), std::string(), to_hex(sha256("one"))}) {
    EXPECT_EQ(find_api_key(*keys, other), nullptr) << other;
  }
}

TEST(ApiKeys, TheHashMayBeInCapitals) {
  std::string hash = to_hex(sha256("one"));
  for (char& c : hash) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto keys =
      parse_api_keys(R"([{"name":"web","sha256":")" + hash + R"(","roles":["Codes.Issue"]}])");
  ASSERT_TRUE(keys);
  EXPECT_NE(find_api_key(*keys, "one"), nullptr);
}

TEST(ApiKeys, AHashThatIsNearlyTheKeysIsNotTheKeys) {
  std::string hash = to_hex(sha256("one"));
  hash.back() = hash.back() == '0' ? '1' : '0';
  const auto keys =
      parse_api_keys(R"([{"name":"web","sha256":")" + hash + R"(","roles":["Codes.Issue"]}])");
  ASSERT_TRUE(keys);
  EXPECT_EQ(find_api_key(*keys, "one"), nullptr);
}

TEST(ApiKeys, NoKeysAreRight) {
  const auto keys = parse_api_keys("[]");
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->empty());
}

TEST(ApiKeys, WhatIsWrongIsNamedWithoutItsContent) {
  const std::string hash = to_hex(sha256("one"));
  const std::string good = entry("web", "one");
  const std::pair<std::string, const char*> rows[] = {
      {"", "not a JSON array"},
      {"{}", "not a JSON array"},
      {"[" + good, "not a JSON array"},
      {"[" + good + ",7]", "entry 2 of the API keys: not an object"},
      {"[" + entry("", "one") + "]", "entry 1 of the API keys: \"name\""},
      {"[" + entry("se cret", "one") + "]", "\"name\""},
      {"[" + entry(std::string(65, 's'), "one") + "]", "\"name\""},
      {R"([{"sha256":")" + hash + R"(","roles":["Codes.Issue"]}])", "\"name\""},
      {R"([{"name":"web","sha256":"secret","roles":["Codes.Issue"]}])", "\"sha256\""},
      {R"([{"name":"web","sha256":")" + hash.substr(2) + R"(","roles":["Codes.Issue"]}])",
       "\"sha256\""},
      {"[" + entry("web", "one", "") + "]", "\"roles\""},
      {"[" + entry("web", "one", R"("Codes.Issue","secret")") + "]", "\"roles\""},
      {"[" + entry("web", "one", "7") + "]", "\"roles\""},
      {R"([{"name":"web","sha256":")" + hash + R"(","roles":"Codes.Issue"}])", "\"roles\""},
      {R"([{"name":"web","sha256":")" + hash + R"(","roles":["Codes.Issue"],"key":"secret"}])",
       "members besides"},
      {"[" + good + "," + entry("web", "two") + "]", "entry 2 of the API keys: its \"name\""}};
  for (const auto& [json, sentence] : rows) {
    const auto keys = parse_api_keys(json);
    ASSERT_FALSE(keys) << json;
    EXPECT_EQ(keys.error().kind, ErrorKind::invalid_argument) << json;
    EXPECT_NE(keys.error().message.find(sentence), std::string::npos) << keys.error().message;
    EXPECT_EQ(keys.error().message.find("secret"), std::string::npos) << keys.error().message;
  }
}

TEST(ApiKeys, HaveALimit) {
  std::string json = "[";
  for (std::size_t i = 0; i < kApiKeysMax; ++i) json += entry(fmt::format("k{}", i), "one") + ",";
  EXPECT_TRUE(parse_api_keys(json.substr(0, json.size() - 1) + "]"));
  EXPECT_FALSE(parse_api_keys(json + entry("one-more", "one") + "]"));
}

TEST(ApiKeys, ANewKeyIsRandomAndItsEntryKnowsItByHashOnly) {
  latchkey::testing::SeededRandom random{1};
  const auto made = render_new_api_key("web", {Role::issue, Role::verify}, random);
  EXPECT_EQ(made.key.reveal().size(), 46U);
  EXPECT_TRUE(made.key.reveal().starts_with("lk_"));
  EXPECT_EQ(made.json_entry.find(made.key.reveal()), std::string::npos);
  const auto keys = parse_api_keys("[" + made.json_entry + "]");
  ASSERT_TRUE(keys) << keys.error().message;
  const ApiKey* found = find_api_key(*keys, made.key.reveal());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->roles, (std::vector{Role::issue, Role::verify}));
  EXPECT_FALSE(render_new_api_key("web", {Role::issue}, random).key == made.key);
}

}  // namespace
}  // namespace latchkey::service
