#include "codes/message.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

constexpr std::string_view kSeedAnswer =
    R"({"code":"ojE-161-pTv","timestamp":"2020-04-15 16:54:48.816549"})";
constexpr UtcTime kTime{1'586'969'688'816'549us};

TEST(RenderMessage, IsTheWalkthroughsAnswerByteForByte) {
  EXPECT_EQ(render_message({Secret("ojE-161-pTv"), kTime}), kSeedAnswer);
}

TEST(ParseMessage, ReadsBackWhatIsRendered) {
  auto message = parse_message(render_message({Secret("ojE-161-pTv"), kTime}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->code.reveal(), "ojE-161-pTv");
  EXPECT_EQ(message->timestamp, kTime);
}

TEST(ParseMessage, ReadsEveryFormPlainAndAsBase64) {
  const std::string forms[] = {
      std::string(kSeedAnswer),
      R"({"timestamp": "2020-04-15 16:54:48.816549", "code": "ojE-161-pTv"})",
      R"({'code': 'ojE-161-pTv', 'timestamp': '2020-04-15 16:54:48.816549'})",
      R"({'code': "ojE-161-pTv", "timestamp": '2020-04-15 16:54:48.816549',})",
      R"({'code': '\x6fjE-161-p\u0054v', 'timestamp': '2020-04-15 16:54:48.816549'})",
      R"({"code":"\u006fjE-161-pTv","timestamp":"2020-04-15T16:54:48.816549Z"})",
      R"({"code":"ojE-161-pTv","timestamp":"2020-04-15T16:54:48.816549"})",
      R"({"code":"ojE-161-pTv","timestamp":"2020-04-15T18:54:48.8165490+02:00"})",
      R"({"code":"ojE-161-pTv","timestamp":"2020-04-15 16:54:48.816549","x":{"y":[1,null]}})",
      R"({'a': None, 'b': True, 'c': False, 'd': -1.5e3, 'e': 7, 'f': 'it\'s \\ \n',)"
      R"( 'code': 'ojE-161-pTv', 'timestamp': '2020-04-15 16:54:48.816549'})",
      "  " + std::string(kSeedAnswer) + "\r\n",
      "\xEF\xBB\xBF" + std::string(kSeedAnswer),
  };
  for (const auto& form : forms) {
    for (const auto& text : {form, to_base64(form)}) {
      auto message = parse_message(text);
      ASSERT_TRUE(message) << text << ": " << message.error().message;
      EXPECT_EQ(message->code.reveal(), "ojE-161-pTv") << text;
      EXPECT_EQ(message->timestamp, kTime) << text;
    }
  }
}

TEST(ParseMessage, ReadsATimestampWithoutItsFraction) {
  auto message = parse_message(R"({'code': 'abc-1-def', 'timestamp': '2020-04-15 16:54:48'})");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->timestamp, UtcTime{1'586'969'688s});
}

TEST(ParseMessage, RefusesWhatIsNoCodeMessage) {
  const std::string bad[] = {
      "",
      " ",
      "{",
      "{}",
      "[]",
      "null",
      "ojE-161-pTv",
      "====",
      "\"{}\"",
      "{'",
      "{'code",
      "{'code':",
      "{'code': 'abc-1-def'",
      "{'code': 'abc-1-def',",
      "{,}",
      "{'a' 'b'}",
      "{1: 'a'}",
      R"({"code":"abc-1-def"})",
      R"({"timestamp":"2020-04-15 16:54:48"})",
      R"({"code":1,"timestamp":"2020-04-15 16:54:48"})",
      R"({"code":"abc-1-def","timestamp":1586969688})",
      R"({"code":"abc-1-def","timestamp":"yesterday"})",
      R"({"code":"abc-1-def","timestamp":"2020-04-15"})",
      R"({"code":"abc-1-def","timestamp":"2020-13-15 16:54:48"})",
      R"({"code":"abc-01-def","timestamp":"2020-04-15 16:54:48"})",
      R"({"code":"abc-1-def ","timestamp":"2020-04-15 16:54:48"})",
      R"([{"code":"abc-1-def","timestamp":"2020-04-15 16:54:48"}])",
      R"({"code":"abc-1-def","timestamp":"2020-04-15 16:54:48"}{})",
      R"({'code': 'abc-1-def', 'timestamp': '2020-04-15 16:54:48'} x)",
      R"({'code': None, 'timestamp': '2020-04-15 16:54:48'})",
      R"({'code': 'abc-1-def\q', 'timestamp': '2020-04-15 16:54:48'})",
      R"({'code': '\ud800', 'timestamp': '2020-04-15 16:54:48'})",
      R"({'a': [1], 'code': 'abc-1-def', 'timestamp': '2020-04-15 16:54:48'})",
      R"({'a': nope, 'code': 'abc-1-def', 'timestamp': '2020-04-15 16:54:48'})",
      to_base64("not a message"),
      to_base64(to_base64(kSeedAnswer)),
      std::string(kSeedAnswer.substr(0, 40)),
      std::string("{\"code\":\"abc-1-def\0\",\"timestamp\":\"2020-04-15 16:54:48\"}", 55),
  };
  for (const auto& text : bad) {
    auto message = parse_message(text);
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().kind, ErrorKind::invalid_argument) << text;
  }
}

TEST(ParseMessage, NeverQuotesTheTextInItsError) {
  for (const char* text : {R"({"code":"abc-1-def","timestamp":"Geheim"})",
                           R"({"code":"Geheim-1-def","timestamp":"2020-04-15 16:54:48"})",
                           R"({'code': 'Geheim)", "Geheim"}) {
    auto message = parse_message(text);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().message.find("Geheim"), std::string::npos) << text;
    EXPECT_EQ(message.error().message.find("abc-1"), std::string::npos) << text;
  }
}

TEST(ParseMessage, HasLimitsOnSizeAndDepth) {
  std::string padded(kSeedAnswer);
  padded.resize(64 * 1024, ' ');
  EXPECT_TRUE(parse_message(padded));
  padded.push_back(' ');
  EXPECT_FALSE(parse_message(padded));

  const std::string deep = R"({"code":"abc-1-def","timestamp":"2020-04-15 16:54:48","x":)" +
                           std::string(20'000, '[') + std::string(20'000, ']') + "}";
  EXPECT_FALSE(parse_message(deep));
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += "'k': 1,";
  EXPECT_FALSE(parse_message(many + "}"));
}

TEST(ParseMessage, SurvivesEveryTruncationAndRandomDamage) {
  latchkey::testing::SeededRandom random(7);
  const std::string python =
      R"({'code': '\x6fjE-161-pTv', 'n': None, 'timestamp': '2020-04-15 16:54:48.816549'})";
  for (const std::string& whole : {std::string(kSeedAnswer), python, to_base64(kSeedAnswer)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      (void)parse_message(whole.substr(0, size)).has_value();
    }
    for (int round = 0; round < 3000; ++round) {
      std::string damaged = whole;
      for (int i = 0; i < 3; ++i) {
        damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
      }
      auto message = parse_message(damaged);
      if (message) EXPECT_EQ(message->code.reveal().size(), 11U);
    }
  }
}

}  // namespace
}  // namespace latchkey::codes
