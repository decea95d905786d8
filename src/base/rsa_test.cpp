#include "base/rsa.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"

namespace latchkey {
namespace {

TEST(Rsa, SignaturesVerifyWithThePublicNumbersAlone) {
  const auto key = RsaPrivateKey::generate();
  const auto signature = key.sign("header.claims");
  const auto found =
      RsaPublicKey::from_numbers(key.public_key().modulus(), key.public_key().exponent());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->verify("header.claims", signature));
  EXPECT_FALSE(found->verify("header.claimz", signature));
  EXPECT_FALSE(found->verify("header.claims", Bytes{1, 2, 3}));
  EXPECT_FALSE(RsaPrivateKey::generate().public_key().verify("header.claims", signature));
}

TEST(Rsa, KeysSurviveTheirPemForm) {
  const auto key = RsaPrivateKey::generate();
  const auto again = RsaPrivateKey::from_pem(key.to_pem().reveal());
  ASSERT_TRUE(again);
  EXPECT_TRUE(key.public_key().verify("data", again->sign("data")));
  EXPECT_FALSE(RsaPrivateKey::from_pem("not a key"));
}

TEST(Rsa, ShortKeysAreRefused) {
  EXPECT_FALSE(RsaPublicKey::from_numbers(Bytes(128, 0xFF), Bytes{1, 0, 1}));
}

TEST(Hash, FollowsTheVectorsOfFips180AndRfc4231) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace latchkey
