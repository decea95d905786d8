#include "codes/limits.hpp"

#include <gtest/gtest.h>

#include "codes/joined.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

TEST(DelayAfter, GrowsFromNothingToItsLongest) {
  const Limits limits;
  struct Row {
    std::int64_t failures;
    std::chrono::seconds delay;
  };
  const Row rows[] = {{0, 0s},     {1, 0s},     {98, 0s},    {99, 0s},
                      {100, 30s},  {101, 60s},  {102, 120s}, {103, 240s},
                      {104, 480s}, {105, 900s}, {106, 900s}, {1'000'000'000'000, 900s}};
  for (const Row& row : rows) EXPECT_EQ(delay_after(row.failures, limits), row.delay);
}

TEST(DelayAfter, IsNeverLongerThanItsLongest) {
  Limits limits;
  limits.delay_max = 10s;
  EXPECT_EQ(delay_after(101, limits), 10s);
}

TEST(AttemptKey, IsOfSubjectAndPurposeWhoeverAsks) {
  const Sha256 key = attempt_key({"ada", "sign-in"}, "one");
  EXPECT_EQ(attempt_key({"ada", "sign-in"}, "two"), key);
  EXPECT_NE(attempt_key({"eve", "sign-in"}, "one"), key);
  EXPECT_NE(attempt_key({"ada", "payment"}, "one"), key);
}

TEST(AttemptKey, WithoutASubjectIsOfTheCallerWhateverThePurpose) {
  const Sha256 key = attempt_key({}, "one");
  EXPECT_EQ(attempt_key({"", "sign-in"}, "one"), key);
  EXPECT_NE(attempt_key({}, "two"), key);
}

TEST(AttemptKey, PartsCannotBeRearranged) {
  EXPECT_NE(attempt_key({"ada", "x1:y"}, ""), attempt_key({"adax1:y", ""}, ""));
  EXPECT_NE(attempt_key({"ab", "c"}, ""), attempt_key({"a", "bc"}, ""));
  EXPECT_NE(attempt_key({"ada", ""}, ""), attempt_key({"", ""}, "ada"));
  EXPECT_NE(issue_key("ada"), attempt_key({"ada", ""}, ""));
}

TEST(Joined, NamesTheLengthOfEveryPart) {
  EXPECT_EQ(joined({"ada", "", "1:x"}), "3:ada0:3:1:x");
  EXPECT_EQ(joined({}), "");
}

}  // namespace
}  // namespace latchkey::codes
