#include "codes/code_hasher.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

constexpr UtcTime kRotated{1'586'969'688s};
constexpr auto kSettled = kRotated + CodeHasher::kPepperSettle;

Pepper pepper(const std::string& key_id, UtcTime created) {
  return {.key_id = key_id, .value = Secret("value of " + key_id), .created = created};
}
Pepper old_one() {
  return pepper("v1", kRotated - 24h);
}
Pepper new_one() {
  return pepper("v2", kRotated);
}

TEST(CodeHasher, IsHmacSha256UnderThePepper) {
  // RFC 4231, test case 2.
  const CodeHasher hasher(Secret("Jefe"), "v1");
  const auto made = hasher.hash_new("what do ya want for nothing?", kRotated);
  EXPECT_EQ(to_hex(made.key), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(made.key_id, "v1");
  EXPECT_EQ(hasher.hash_all("what do ya want for nothing?", kRotated), CodeKeys{made.key});
}

TEST(CodeHasher, AnotherPepperOrCodeGivesAnotherKey) {
  const CodeHasher hasher(Secret("pepper one"), "v1");
  const CodeHasher other(Secret("pepper two"), "v2");
  const auto key = hasher.hash_new("abc-1-def", kRotated).key;
  EXPECT_EQ(hasher.hash_new("abc-1-def", kRotated).key, key);
  EXPECT_NE(hasher.hash_new("abc-1-deF", kRotated).key, key);
  EXPECT_NE(other.hash_new("abc-1-def", kRotated).key, key);
}

/// Which key ids are in use at a time: for new codes, and for looking codes up.
struct InUse {
  std::string for_new;
  std::vector<std::string> for_all;
  friend bool operator==(const InUse&, const InUse&) = default;
};
InUse in_use(const CodeHasher& hasher, const std::vector<Pepper>& peppers, UtcTime now) {
  InUse use{.for_new = hasher.hash_new("abc-1-def", now).key_id, .for_all = {}};
  for (const Sha256& key : hasher.hash_all("abc-1-def", now)) {
    for (const Pepper& one : peppers) {
      const CodeHasher alone({one});
      if (alone.hash_new("abc-1-def", now).key == key) use.for_all.push_back(one.key_id);
    }
  }
  return use;
}

TEST(CodeHasher, RotatesStepByStep) {
  const std::vector<Pepper> peppers{old_one(), new_one()};
  CodeHasher hasher({old_one()});
  EXPECT_EQ(in_use(hasher, peppers, kRotated), (InUse{"v1", {"v1"}}));  // Not read yet.
  hasher.replace(peppers);
  struct Row {
    UtcTime now;
    InUse use;
  };
  const UtcTime over = kSettled + CodeHasher::kPepperKept;
  const Row rows[] = {
      {kRotated - 5s, {"v1", {"v2", "v1"}}},  // Our clock is behind the vault's.
      {kRotated, {"v1", {"v2", "v1"}}},       // Others may not have read it yet.
      {kSettled - 1us, {"v1", {"v2", "v1"}}}, {kSettled, {"v2", {"v2", "v1"}}},
      {over, {"v2", {"v2", "v1"}}},           {over + 1us, {"v2", {"v2"}}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(in_use(hasher, peppers, row.now), row.use) << (row.now - kRotated).count();
  }
}

TEST(CodeHasher, ACodeIsFoundByEveryCopyAtAnyTimeOfARotation) {
  CodeHasher behind({old_one()});
  CodeHasher ahead({new_one(), old_one()});
  for (auto time = -60s; time < CodeHasher::kPepperSettle + 120s; time += 1s) {
    const UtcTime now = kRotated + time;
    if (time == CodeHasher::kPepperRefresh) behind.replace({new_one(), old_one()});
    for (const auto* maker : {&behind, &ahead}) {
      const auto made = maker->hash_new("abc-1-def", now).key;
      for (const auto* finder : {&behind, &ahead}) {
        for (const auto later : {0s, 300s, 602s}) {
          const auto keys = finder->hash_all("abc-1-def", now + later);
          EXPECT_NE(std::find(keys.begin(), keys.end(), made), keys.end()) << time.count();
        }
      }
    }
  }
}

TEST(CodeHasher, AFreshFirstPepperIsUsedAtOnce) {
  const CodeHasher hasher({new_one()});
  EXPECT_EQ(in_use(hasher, {new_one()}, kRotated), (InUse{"v2", {"v2"}}));
}

TEST(CodeHasher, TheOrderOfTheListDoesNotMatterNorDoVersionsOfOneSecond) {
  const Pepper a = pepper("a", kRotated);
  const Pepper b = pepper("b", kRotated);
  const CodeHasher one({a, b, old_one()});
  const CodeHasher two({old_one(), b, a});
  EXPECT_EQ(one.hash_new("abc-1-def", kSettled).key_id, "b");
  EXPECT_EQ(two.hash_new("abc-1-def", kSettled).key_id, "b");
  EXPECT_EQ(one.hash_all("abc-1-def", kSettled), two.hash_all("abc-1-def", kSettled));
}

TEST(CodeHasher, AnEmptyListChangesNothing) {
  CodeHasher hasher({old_one()});
  hasher.replace({});
  EXPECT_EQ(hasher.hash_new("abc-1-def", kRotated).key_id, "v1");
}

TEST(CodeHasher, DerivedKeysDifferByLabelAndFollowTheRotation) {
  const CodeHasher hasher({new_one(), old_one()});
  EXPECT_NE(hasher.derive("a", "data", kRotated), hasher.derive("b", "data", kRotated));
  EXPECT_NE(hasher.derive("a", "data", kRotated), hasher.derive("ad", "ata", kRotated));
  EXPECT_NE(hasher.derive("a", "data", kRotated), hasher.derive("a", "data", kSettled));
  const CodeKeys expected{hasher.derive("a", "data", kSettled),
                          hasher.derive("a", "data", kRotated)};
  EXPECT_EQ(hasher.derive_all("a", "data", kSettled), expected);
}

}  // namespace
}  // namespace latchkey::codes
