#include "codes/code.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/testing/seeded_random.hpp"

namespace latchkey::codes {
namespace {
using latchkey::testing::SeededRandom;

TEST(MakeCode, HasThreeLettersTheNumberAndThreeLetters) {
  SeededRandom random(1);
  const Secret code = make_code(161, random);
  EXPECT_EQ(code.reveal().size(), 11U);
  EXPECT_EQ(code.reveal().substr(3, 5), "-161-");
  EXPECT_TRUE(is_code_form(code.reveal()));
}

TEST(MakeCode, TakesTheSmallestAndTheLargestNumber) {
  SeededRandom random(2);
  for (const std::int64_t number : {INT64_C(0), INT64_C(9'999'999'999'999)}) {
    const Secret code = make_code(number, random);
    EXPECT_EQ(code.reveal().substr(4, code.reveal().size() - 8), std::to_string(number));
    EXPECT_TRUE(is_code_form(code.reveal()));
  }
}

TEST(MakeCode, DrawsAllLettersEvenly) {
  SeededRandom random(3);
  std::map<char, int> seen;
  constexpr int kCodes = 20'000;
  for (int i = 0; i < kCodes; ++i) {
    const Secret code = make_code(1, random);
    for (const char c : code.reveal()) ++seen[c];
  }
  seen.erase('-');
  seen.erase('1');
  EXPECT_EQ(seen.size(), 52U);
  const double expected = kCodes * 6 / 52.0;  // 2308; its standard deviation is 48.
  for (const auto& [letter, count] : seen) EXPECT_NEAR(count, expected, 250) << letter;
}

TEST(CodeForm, AcceptsWhatMakeCodeGives) {
  for (const char* text : {"ojE-161-pTv", "AAA-0-zzz", "abc-1000-DEF", "abc-9999999999999-def"}) {
    EXPECT_TRUE(is_code_form(text)) << text;
  }
}

TEST(CodeForm, RefusesEverythingElse) {
  for (const char* text : {"",
                           "-",
                           "abc",
                           "abc--def",
                           "abc-1-de",
                           "ab-1-def",
                           "abcd-1-efg",
                           "abc-1-defg",
                           "abc-01-def",
                           "abc-00-def",
                           "abc--1-def",
                           "abc-+1-def",
                           "abc-1.0-def",
                           "abc- 1-def",
                           "abc-1-def ",
                           " abc-1-def",
                           "abc-10000000000000-def",
                           "ab1-1-def",
                           "abc-1-d_f",
                           "abc_1_def",
                           "abc-x-def",
                           "\xC3\xA4"
                           "b-1-def",
                           "abc-1-def\n"}) {
    EXPECT_FALSE(is_code_form(text)) << text;
  }
  EXPECT_FALSE(is_code_form(std::string_view("abc-1-de\0", 9)));
}

}  // namespace
}  // namespace latchkey::codes
