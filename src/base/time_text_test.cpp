#include "base/time_text.hpp"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

using namespace std::chrono_literals;

constexpr UtcTime kWalkthrough{1'586'969'688'816'549us};  // 2020-04-15 16:54:48.816549

TEST(TimeText, WritesTheFormsOfHttpStorageAndPython) {
  EXPECT_EQ(to_rfc1123(kWalkthrough), "Wed, 15 Apr 2020 16:54:48 GMT");
  EXPECT_EQ(to_iso8601(kWalkthrough), "2020-04-15T16:54:48.8165490Z");
  EXPECT_EQ(to_python_utc(kWalkthrough), "2020-04-15 16:54:48.816549");
  EXPECT_EQ(to_python_utc(UtcTime{0us}), "1970-01-01 00:00:00.000000");
}

TEST(TimeText, ReadsBackWhatItWrote) {
  EXPECT_EQ(from_python_utc(to_python_utc(kWalkthrough)), kWalkthrough);
  EXPECT_EQ(from_iso8601(to_iso8601(kWalkthrough)), kWalkthrough);
  EXPECT_EQ(from_rfc1123(to_rfc1123(kWalkthrough)),
            std::chrono::floor<std::chrono::seconds>(kWalkthrough));
}

TEST(TimeText, PythonLeavesOutAFractionOfZero) {
  EXPECT_EQ(from_python_utc("2020-04-15 16:54:48"), UtcTime{1'586'969'688s});
}

TEST(TimeText, Iso8601MayBeADateMinutesOrHaveAnOffset) {
  EXPECT_EQ(from_iso8601("2020-04-15"), UtcTime{1'586'908'800s});
  EXPECT_EQ(from_iso8601("2020-04-15T16:54Z"), UtcTime{1'586'969'640s});
  EXPECT_EQ(from_iso8601("2020-04-15T18:54:48+02:00"), UtcTime{1'586'969'688s});
  EXPECT_EQ(from_iso8601("2020-04-15T16:54:48.1Z"), UtcTime{1'586'969'688'100'000us});
}

TEST(TimeText, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2020-02-30 00:00:00", "2020-04-15 24:00:00", "2020-04-15 16:54:48.",
                           "2020-04-15 16:54:48.1234567890", "2020-04-15 16:54:48 ", "now"}) {
    EXPECT_FALSE(from_python_utc(text)) << text;
  }
  EXPECT_FALSE(from_rfc1123("Wed, 15 Apr 2020 16:54:48 CET"));
  EXPECT_FALSE(from_iso8601("2020-04-15T16"));
}

TEST(TimeText, KnowsTheEndOfTimeThatAzureUses) {
  const auto end = from_rfc1123("Fri, 31 Dec 9999 23:59:59 GMT");
  ASSERT_TRUE(end);
  EXPECT_EQ(to_rfc1123(*end), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(TimeText, DurationsNeedAUnit) {
  EXPECT_EQ(parse_duration("5s"), 5000ms);
  EXPECT_EQ(parse_duration("10m"), 600'000ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("7d"), 604'800'000ms);
  for (const char* text : {"", "5", "s", "-5s", "5 s", "5x", "9999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  EXPECT_EQ(to_duration_text(600'000ms), "10m");
  EXPECT_EQ(to_duration_text(1'500ms), "1500ms");
}

}  // namespace
}  // namespace latchkey
