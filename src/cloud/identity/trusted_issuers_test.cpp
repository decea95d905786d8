#include "cloud/identity/trusted_issuers.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing/manual_clock.hpp"
#include "base/testing/self_signed.hpp"
#include "cloud/testing/temporary_folder.hpp"
#include "cloud/testing/test_tokens.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kForeign = "https://login.foreign.example/tenant/v2.0";
constexpr std::string_view kVault = "https://vault.azure.net";

/// Made once: that takes some 50 ms.
const RsaPrivateKey& foreign_key() {
  static const RsaPrivateKey key = RsaPrivateKey::generate();
  return key;
}

class TrustedIssuersTest : public ::testing::Test {
 protected:
  TrustedIssuersTest() : foreign_id_(wire::key_id_of(foreign_key().public_key())) {
    write(wire::render_jwks(foreign_key().public_key(), foreign_id_));
  }
  void write(std::string_view text) { std::ofstream(keys_) << text; }
  TrustedIssuerOptions options() const {
    return {.issuer = std::string(kForeign), .audiences = {"api://mine"}, .keys = keys_};
  }
  std::string foreign_token(std::string_view audience, std::string_view issuer = kForeign) const {
    auto claims = testing::test_claims(audience, clock_);
    claims.issuer = issuer;
    claims.tenant_id = "tenant";
    claims.object_id = "foreign-object";
    return wire::sign_token(claims, foreign_key(), foreign_id_);
  }
  std::string code_of(std::string_view token) {
    const std::vector<std::string_view> audiences{kVault};
    const auto principal = authenticator_.authenticate(token, audiences);
    return principal ? principal->object_id : principal.error().code;
  }

  testing::TemporaryFolder folder_;
  const std::filesystem::path keys_ = folder_.path() / "keys.json";
  latchkey::testing::ManualClock clock_;
  const std::string foreign_id_;
  SigningKeys keys_of_ours_{testing::test_key(), clock_};
  Authenticator authenticator_{keys_of_ours_, std::string(testing::kTestIssuer), clock_};
};

TEST_F(TrustedIssuersTest, TheirTokensAreGoodOnceTheyAreTrusted) {
  EXPECT_EQ(code_of(foreign_token(kVault)), "UnknownKey");
  auto issuer = read_trusted_issuer(options());
  ASSERT_TRUE(issuer) << issuer.error().message;
  authenticator_.trust(std::move(*issuer));
  EXPECT_EQ(code_of(foreign_token(kVault)), "foreign-object");
  EXPECT_EQ(code_of(foreign_token("api://mine/")), "foreign-object");
  EXPECT_EQ(code_of(foreign_token("api://other")), "WrongAudience");
  EXPECT_EQ(code_of(testing::test_token(kVault, clock_)), testing::kTestPrincipal) << "ours still";
  EXPECT_EQ(code_of(testing::test_token("api://mine", clock_)), "WrongAudience")
      << "the audience is good for its issuer's tokens only";
}

TEST_F(TrustedIssuersTest, ACertificateIsAsGoodAsAKeySet) {
  write(latchkey::testing::self_signed(foreign_key(), "an issuer"));
  auto issuer = read_trusted_issuer(options());
  ASSERT_TRUE(issuer) << issuer.error().message;
  authenticator_.trust(std::move(*issuer));
  EXPECT_EQ(code_of(foreign_token(kVault)), "foreign-object") << "a PEM file's key has no id";
  EXPECT_EQ(code_of(foreign_token(kVault, "https://third.example")), "UnknownKey");
  auto forged = testing::test_claims(kVault, clock_);
  forged.issuer = kForeign;
  const auto stranger = RsaPrivateKey::generate();
  EXPECT_NE(code_of(wire::sign_token(forged, stranger, foreign_id_)), "foreign-object");
  EXPECT_EQ(code_of(testing::test_token(kVault, clock_)), testing::kTestPrincipal) << "ours still";
}

TEST_F(TrustedIssuersTest, AKeySpeaksForItsOwnIssuerOnly) {
  authenticator_.trust(*read_trusted_issuer(options()));
  EXPECT_EQ(code_of(foreign_token(kVault, testing::kTestIssuer)), "WrongIssuer");
  EXPECT_EQ(code_of(foreign_token(kVault, "https://third.example")), "WrongIssuer");
  auto ours = testing::test_claims(kVault, clock_);
  ours.issuer = kForeign;
  EXPECT_EQ(code_of(wire::sign_token(ours, testing::test_key(), testing::test_key_id())),
            "WrongIssuer");
}

TEST_F(TrustedIssuersTest, WhatIsWrongIsSaid) {
  const auto problem = [](const TrustedIssuerOptions& options) {
    const auto issuer = read_trusted_issuer(options);
    return issuer ? "" : issuer.error().message;
  };
  auto nameless = options();
  nameless.issuer.clear();
  EXPECT_NE(problem(nameless).find("needs the issuer"), std::string::npos);
  auto missing = options();
  missing.keys = folder_.path() / "nothing.json";
  EXPECT_NE(problem(missing).find("cannot be read"), std::string::npos);
  write("nonsense");
  EXPECT_NE(problem(options()).find("no JSON Web Key Set"), std::string::npos);
  write(R"({"keys":[]})");
  EXPECT_FALSE(problem(options()).empty());
}

}  // namespace
}  // namespace latchkey::cloud
