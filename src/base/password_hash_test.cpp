#include "base/password_hash.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/encoding.hpp"
#include "base/testing/await.hpp"
#include "base/testing/seeded_random.hpp"

namespace latchkey {
namespace {

constexpr ScryptCost kCheap{.log2_n = 4, .r = 1, .p = 1};

// hashlib.scrypt(b"correct horse", salt=b"0123456789abcdef", n=1024, r=8, p=16, dklen=32)
TEST(PasswordHash, IsScryptAsPythonsHashlibComputesIt) {
  const std::string hash =
      "$scrypt$ln=10,r=8,p=16$MDEyMzQ1Njc4OWFiY2RlZg$RlLCHFXhWBIPvR4fYR2ot1d8r8zUBkbsN_BSU1FPoCY";
  EXPECT_TRUE(password_matches(Secret("correct horse"), hash));
  EXPECT_FALSE(password_matches(Secret("correct horsf"), hash));
}

TEST(PasswordHash, MatchesItsPasswordOnly) {
  testing::SeededRandom random(1);
  const auto hash = hash_password(Secret("pa\xC3\x9Fwort $1"), random, kCheap);
  EXPECT_TRUE(password_matches(Secret("pa\xC3\x9Fwort $1"), hash));
  for (const char* other : {"", "passwort $1", "pa\xC3\x9Fwort $", "pa\xC3\x9Fwort $1 "}) {
    EXPECT_FALSE(password_matches(Secret(other), hash)) << other;
  }
}

TEST(PasswordHash, IsSaltedAndSaysItsCost) {
  testing::SeededRandom random(1);
  const auto first = hash_password(Secret("same"), random, kCheap);
  const auto second = hash_password(Secret("same"), random, kCheap);
  EXPECT_NE(first, second);
  EXPECT_TRUE(first.starts_with("$scrypt$ln=4,r=1,p=1$")) << first;
}

TEST(PasswordHash, OfAnotherFormMatchesNothing) {
  testing::SeededRandom random(1);
  const auto good = hash_password(Secret("x"), random, kCheap);
  ASSERT_TRUE(is_password_hash(good));
  const auto tail = good.substr(good.find("p=1") + 3);
  for (const std::string& bad :
       {std::string(), std::string("x"), good + "$", good.substr(0, good.size() - 4),
        "$argon2id$ln=4,r=1,p=1" + tail, "$scrypt$ln=40,r=1,p=1" + tail, "$scrypt$ln=4,r=1" + tail,
        "$scrypt$ln=0,r=1,p=1" + tail, "$scrypt$r=1,ln=4,p=1" + tail,
        "$scrypt$ln=4,r=1,p=99999" + tail}) {
    EXPECT_FALSE(is_password_hash(bad)) << bad;
    EXPECT_FALSE(password_matches(Secret("x"), bad)) << bad;
  }
}

Task<> check_into(PasswordChecker& checker, std::string hash, std::vector<std::string>& answers) {
  const auto answer = co_await checker.check(Secret("x"), std::move(hash));
  answers.push_back(answer ? (*answer ? "yes" : "no") : answer.error().code);
}

TEST(PasswordChecker, AnswersOnTheCallersLoopAndRefusesMoreThanItsLimit) {
  testing::SeededRandom random(1);
  const auto right = hash_password(Secret("x"), random, kCheap);
  const auto wrong = hash_password(Secret("y"), random, kCheap);
  IoContext context;
  PasswordChecker checker(2);
  TaskGroup tasks(context.get_executor());
  std::vector<std::string> answers;
  for (const auto& hash : {right, wrong, right}) {
    tasks.spawn("check", check_into(checker, hash, answers));
  }
  run_to_end(context, tasks.join());
  EXPECT_EQ(answers, (std::vector<std::string>{"ServerBusy", "yes", "no"}));
  // Whoever was answered makes room.
  const auto again = testing::await(context, checker.check(Secret("x"), right));
  EXPECT_TRUE(again && *again);
}

}  // namespace
}  // namespace latchkey
