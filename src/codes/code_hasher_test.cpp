#include "codes/code_hasher.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace latchkey::codes {
namespace {

TEST(CodeHasher, IsHmacSha256UnderThePepper) {
  // RFC 4231, test case 2.
  const CodeHasher hasher(Secret("Jefe"), "v1");
  EXPECT_EQ(to_hex(hasher.hash("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hasher.key_id(), "v1");
}

TEST(CodeHasher, AnotherPepperOrCodeGivesAnotherKey) {
  const CodeHasher hasher(Secret("pepper one"), "v1");
  const CodeHasher other(Secret("pepper two"), "v2");
  EXPECT_EQ(hasher.hash("abc-1-def"), hasher.hash("abc-1-def"));
  EXPECT_NE(hasher.hash("abc-1-def"), hasher.hash("abc-1-deF"));
  EXPECT_NE(hasher.hash("abc-1-def"), other.hash("abc-1-def"));
}

}  // namespace
}  // namespace latchkey::codes
