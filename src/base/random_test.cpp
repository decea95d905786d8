#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "base/testing/seeded_random.hpp"

namespace latchkey {
namespace {

/// Gives prepared numbers, to see how `below` treats the values that would bias it.
class PreparedRandom final : public Random {
 public:
  explicit PreparedRandom(std::vector<std::uint64_t> values) : values_(std::move(values)) {}
  void fill(std::span<std::uint8_t> bytes) override {
    const std::uint64_t value = values_.at(next_++);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }

 private:
  std::vector<std::uint64_t> values_;
  std::size_t next_ = 0;
};

TEST(Random, BelowRejectsTheValuesThatWouldBiasIt) {
  // 2^64 mod 52 = 16: the sixteen smallest values would make sixteen letters likelier.
  PreparedRandom random({0, 15, 16 + 52});
  EXPECT_EQ(random.below(52), 16U);
}

TEST(Random, BelowReachesEveryValueAboutEquallyOften) {
  testing::SeededRandom random(7);
  std::array<int, 52> counts{};
  for (int i = 0; i < 52'000; ++i) ++counts.at(random.below(52));
  for (const int count : counts) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1150);
  }
}

TEST(Random, UuidHasVersionFourAndIsNewEachTime) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string text = random.uuid();
    ASSERT_EQ(text.size(), 36U);
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos);
    EXPECT_TRUE(seen.insert(text).second);
  }
}

TEST(SeededRandom, ReplaysFromItsSeed) {
  testing::SeededRandom a(42);
  testing::SeededRandom b(42);
  testing::SeededRandom c(43);
  const auto first = a.next_u64();
  EXPECT_EQ(first, b.next_u64());
  EXPECT_NE(first, c.next_u64());
}

}  // namespace
}  // namespace latchkey
