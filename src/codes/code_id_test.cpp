#include "codes/code_id.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/testing/seeded_random.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

/// All bits set.
class FullRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = 0xFF;
  }
};

TEST(CodeId, IsAUuidOfVersion7) {
  FullRandom random;
  // The time of RFC 9562's example in appendix A.6.
  EXPECT_EQ(make_code_id(UtcTime{1'645'557'742'000ms}, random),
            "017f22e2-79b0-7fff-bfff-ffffffffffff");
}

TEST(CodeId, SortsByTime) {
  latchkey::testing::SeededRandom random(1);
  std::string before;
  for (int i = 0; i < 1'000; ++i) {
    const auto id = make_code_id(UtcTime{1'645'557'742'000ms + i * 77ms}, random);
    EXPECT_LT(before, id);
    before = id;
  }
}

TEST(CodeId, DiffersWithinAMillisecond) {
  latchkey::testing::SeededRandom random(1);
  std::set<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.insert(make_code_id(UtcTime{1'645'557'742'000ms}, random));
  EXPECT_EQ(ids.size(), 1'000U);
}

}  // namespace
}  // namespace latchkey::codes
