#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace latchkey {
namespace {

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}

TEST(Text, ComparesWithoutCaseInAsciiOnly) {
  EXPECT_TRUE(iequals("X-Ms-Version", "x-ms-version"));
  EXPECT_FALSE(iequals("abc", "abcd"));
  EXPECT_TRUE(istarts_with("Bearer token", "bearer "));
  EXPECT_FALSE(istarts_with("Bear", "bearer"));
  EXPECT_EQ(to_lower("AbC-9"), "abc-9");
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
}

TEST(Text, IntegersAreReadWhollyOrNotAtAll) {
  EXPECT_EQ(parse_integer<int>("32"), 32);
  EXPECT_EQ(parse_integer<int>("-1"), -1);
  for (const char* text : {"", " 1", "1 ", "+1", "0x10", "1.0", "99999999999"}) {
    EXPECT_FALSE(parse_integer<int>(text)) << text;
  }
  EXPECT_FALSE(parse_integer<std::uint16_t>("65536"));
  EXPECT_FALSE(parse_integer<std::uint16_t>("-1"));
}

}  // namespace
}  // namespace latchkey
