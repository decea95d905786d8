#include "base/seal.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey {
namespace {

class Seal : public ::testing::Test {
 protected:
  const Sha256 key = sha256("a key");
  testing::SeededRandom random{1};
};

TEST_F(Seal, OpensToWhatWasSealed) {
  for (const std::string& plain : {std::string(), std::string("x"), std::string(100'000, '\0')}) {
    const auto sealed = seal(key, plain, random);
    EXPECT_EQ(sealed.size(), plain.size() + 28);
    EXPECT_EQ(open_sealed(key, sealed), plain) << plain.size();
  }
}

/// Gives zeros.
class NoRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = 0;
  }
};

TEST_F(Seal, IsAes256Gcm) {
  // Test case 14 of the GCM specification (McGrew and Viega): key, nonce and text all zero.
  NoRandom zeros;
  const auto sealed = seal(Sha256{}, std::string(16, '\0'), zeros);
  EXPECT_EQ(to_hex(as_bytes(sealed)),
            "000000000000000000000000"
            "cea7403d4d606b6e074ec5d3baf39d18"
            "d0d1c8a799996bf0265b98b5d48ab919");
}

TEST_F(Seal, HidesTheText) {
  const auto sealed = seal(key, "abc-1-def", random);
  EXPECT_EQ(sealed.find("abc"), std::string::npos);
  EXPECT_NE(seal(key, "abc-1-def", random), sealed);  // Another nonce each time.
}

TEST_F(Seal, AnotherKeyOpensNothing) {
  EXPECT_FALSE(open_sealed(sha256("another"), seal(key, "text", random)));
}

TEST_F(Seal, ShowsEveryChange) {
  const auto sealed = seal(key, "text", random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open_sealed(key, changed)) << i;
    EXPECT_FALSE(open_sealed(key, sealed.substr(0, i))) << i;
  }
  EXPECT_FALSE(open_sealed(key, sealed + "x"));
}

}  // namespace
}  // namespace latchkey
