#include "wire/client_assertion.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/testing/self_signed.hpp"
#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

ClientCertificate certificate_with_chain() {
  const auto key = RsaPrivateKey::generate();
  const auto other = RsaPrivateKey::generate();
  return read_client_certificate(std::string(key.to_pem().reveal()) +
                                 testing::self_signed(key, "app") +
                                 testing::self_signed(other, "issuer"))
      .value();
}

const AssertionClaims kClaims{
    .token_url = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    .client_id = "the-client",
    .id = "11111111-2222-4333-8444-555555555555",
    .now = UtcTime{std::chrono::seconds{1'700'000'000}}};

json::Object part(const Secret& token, std::size_t index) {
  const auto bytes = from_base64url(split(token.reveal(), '.').at(index)).value();
  return json::parse_object(as_text(bytes)).value();
}

TEST(ClientAssertion, SaysWhoAsksWhomAndForHowLong) {
  const auto certificate = certificate_with_chain();
  const Secret token = sign_client_assertion(kClaims, certificate, false);
  const auto claims = part(token, 1);
  EXPECT_EQ(json::text(claims, "aud"), kClaims.token_url);
  EXPECT_EQ(json::text(claims, "iss"), "the-client");
  EXPECT_EQ(json::text(claims, "sub"), "the-client");
  EXPECT_EQ(json::text(claims, "jti"), kClaims.id);
  EXPECT_EQ(claims.at("nbf"), 1'700'000'000);
  EXPECT_EQ(claims.at("exp"), 1'700'000'600);
}

TEST(ClientAssertion, NamesItsCertificateByThumbprintAndIsSignedByItsKey) {
  const auto certificate = certificate_with_chain();
  const Secret token = sign_client_assertion(kClaims, certificate, false);
  const auto header = part(token, 0);
  const Sha1 thumbprint = sha1(as_text(certificate.chain[0]));
  EXPECT_EQ(json::text(header, "alg"), "RS256");
  EXPECT_EQ(json::text(header, "x5t"), to_base64url(thumbprint));
  EXPECT_EQ(from_hex(json::text(header, "kid").value()),
            Bytes(thumbprint.begin(), thumbprint.end()));
  EXPECT_FALSE(header.contains("x5c"));

  const std::string_view text = token.reveal();
  const std::size_t dot = text.rfind('.');
  const auto signature = from_base64url(text.substr(dot + 1)).value();
  EXPECT_TRUE(certificate.key.public_key().verify(text.substr(0, dot), signature));
}

TEST(ClientAssertion, SendsTheChainWhenAskedTo) {
  const auto certificate = certificate_with_chain();
  const auto header = part(sign_client_assertion(kClaims, certificate, true), 0);
  const auto& chain = header.at("x5c").as_array();
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].as_string(), to_base64(certificate.chain[0]));
  EXPECT_EQ(chain[1].as_string(), to_base64(certificate.chain[1]));
}

TEST(ClientAssertion, GoesIntoTheFormEscaped) {
  EXPECT_EQ(client_assertion_parameters(Secret("a.b&c")).reveal(),
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
            "jwt-bearer&client_assertion=a.b%26c");
}

}  // namespace
}  // namespace latchkey::wire
