#include "base/client_certificate.hpp"

#include <gtest/gtest.h>

#include "base/testing/self_signed.hpp"

namespace latchkey {
namespace {

struct ClientCertificateTest : ::testing::Test {
  static void SetUpTestSuite() {
    key = RsaPrivateKey::generate();
    other_key = RsaPrivateKey::generate();
  }
  static std::string own() { return testing::self_signed(*key, "own"); }
  static std::string other() { return testing::self_signed(*other_key, "other"); }
  static std::string key_pem() { return std::string(key->to_pem().reveal()); }

  static inline std::optional<RsaPrivateKey> key;
  static inline std::optional<RsaPrivateKey> other_key;
};

TEST_F(ClientCertificateTest, TheKeysOwnCertificateComesFirstWhereverItStands) {
  const auto alone = read_client_certificate(key_pem() + own());
  ASSERT_TRUE(alone) << alone.error().message;
  ASSERT_EQ(alone->chain.size(), 1U);
  for (const std::string& pem : {key_pem() + own() + other(), other() + own() + key_pem(),
                                 "Bag Attributes\n" + own() + key_pem() + other()}) {
    const auto read = read_client_certificate(pem);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->chain.size(), 2U);
    EXPECT_EQ(read->chain[0], alone->chain[0]);
    EXPECT_NE(read->chain[1], alone->chain[0]);
    EXPECT_TRUE(key->public_key().verify("text", read->key.sign("text")));
  }
}

TEST_F(ClientCertificateTest, WhatIsMissingIsSaid) {
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "no RSA private key"},
      {own(), "no RSA private key"},
      {key_pem(), "no certificate for its private key"},
      {key_pem() + other(), "no certificate for its private key"},
      {locked + own(), "password"},
      {"PK\x03\x04", "no RSA private key"}};
  for (const auto& [pem, said] : rows) {
    const auto read = read_client_certificate(pem);
    ASSERT_FALSE(read) << said;
    EXPECT_EQ(read.error().kind, ErrorKind::invalid_argument);
    EXPECT_NE(read.error().message.find(said), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace latchkey
