#include "base/log.hpp"

#include <gtest/gtest.h>

namespace latchkey::log {
namespace {

TEST(Log, TextQuotesWhatCouldBeMistaken) {
  EXPECT_EQ(render(Format::text, Level::info, "started", {{"port", 8080}, {"name", "api"}}),
            "info    started port=8080 name=api");
  EXPECT_EQ(render(Format::text, Level::error, "failed", {{"problem", "no such \"thing\""}}),
            R"(error   failed problem="no such \"thing\"")");
}

TEST(Log, NoInputCanForgeALine) {
  const std::string line =
      render(Format::text, Level::info, "seen", {{"input", "x\ninfo    started port=1"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("\\u000a"), std::string::npos);
}

TEST(Log, JsonKeepsNumbersAndEscapesText) {
  EXPECT_EQ(render(Format::json, Level::warning, "slow", {{"ms", 12}, {"who", "a\"b"}}),
            R"("level":"warning","event":"slow","ms":12,"who":"a\"b")");
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  static int lines = 0;
  set_sink([](std::string_view) { ++lines; });
  configure(Level::warning, Format::text);
  info("quiet");
  warning("loud");
  configure(Level::info, Format::text);
  set_sink(nullptr);
  EXPECT_EQ(lines, 1);
}

}  // namespace
}  // namespace latchkey::log
