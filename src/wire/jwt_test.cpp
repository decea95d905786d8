#include "wire/jwt.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/testing/seeded_random.hpp"
#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

const RsaPrivateKey& private_key() {
  static const RsaPrivateKey kKey = RsaPrivateKey::generate();
  return kKey;
}

const RsaPublicKey& public_key() {
  static const RsaPublicKey kKey = private_key().public_key();
  return kKey;
}

const RsaPublicKey* find_key(std::string_view id) {
  return id == "key-1" ? &public_key() : nullptr;
}

TokenClaims claims() {
  return {.issuer = "https://sts.windows.net/tenant-1/",
          .audience = "https://storage.azure.com",
          .tenant_id = "tenant-1",
          .object_id = "object-1",
          .client_id = "client-1",
          .issued_at = 1'586'969'688,
          .not_before = 1'586'969'687,
          .expires_at = 1'587'056'088,
          .token_id = "uti-1"};
}

constexpr std::string_view kHeader = R"({"alg":"RS256","typ":"JWT","kid":"key-1"})";
constexpr std::string_view kPayload =
    R"({"iss":"i","aud":"a","tid":"t","oid":"o","appid":"c","iat":1,"nbf":2,"exp":3,"uti":"u"})";

/// A token with these very texts, signed by the right key.
std::string signed_raw(std::string_view header, std::string_view payload) {
  const std::string text = to_base64url(header) + "." + to_base64url(payload);
  return text + "." + to_base64url(private_key().sign(text));
}

std::string with(std::string_view json, std::string_view from, std::string_view to) {
  std::string text(json);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string code_of(std::string_view token) {
  const auto result = verify_token(token, find_key);
  if (result) return "";
  EXPECT_EQ(result.error().kind, ErrorKind::denied);
  EXPECT_FALSE(result.error().message.empty());
  return result.error().code;
}

TEST(Jwt, ASignedTokenGivesItsClaimsBack) {
  const auto verified = verify_token(sign_token(claims(), private_key(), "key-1"), find_key);
  ASSERT_TRUE(verified) << verified.error().message;
  const TokenClaims expected = claims();
  EXPECT_EQ(verified->issuer, expected.issuer);
  EXPECT_EQ(verified->audience, expected.audience);
  EXPECT_EQ(verified->tenant_id, expected.tenant_id);
  EXPECT_EQ(verified->object_id, expected.object_id);
  EXPECT_EQ(verified->client_id, expected.client_id);
  EXPECT_EQ(verified->issued_at, expected.issued_at);
  EXPECT_EQ(verified->not_before, expected.not_before);
  EXPECT_EQ(verified->expires_at, expected.expires_at);
  EXPECT_EQ(verified->token_id, expected.token_id);
}

TEST(Jwt, HasTheClaimsOfEntraIdsApplicationTokens) {
  const std::string token = sign_token(claims(), private_key(), "key-1");
  const auto parts = split(token, '.');
  ASSERT_EQ(parts.size(), 3U);
  const auto header = json::parse_object(as_text(*from_base64url(parts[0])));
  const auto payload = json::parse_object(as_text(*from_base64url(parts[1])));
  ASSERT_TRUE(header && payload);
  EXPECT_EQ(json::text(*header, "alg"), "RS256");
  EXPECT_EQ(json::text(*header, "typ"), "JWT");
  EXPECT_EQ(json::text(*header, "kid"), "key-1");
  EXPECT_EQ(json::text(*payload, "sub"), "object-1");
  EXPECT_EQ(json::text(*payload, "oid"), "object-1");
  EXPECT_EQ(json::text(*payload, "idtyp"), "app");
  EXPECT_EQ(json::text(*payload, "ver"), "1.0");
  EXPECT_EQ(payload->at("exp").as_int64(), 1'587'056'088);
}

TEST(Jwt, IsRefusedWithAnyAlgorithmButRs256) {
  for (std::string_view algorithm :
       {"none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "RS256 ", ""}) {
    const auto header = with(kHeader, "RS256", algorithm);
    EXPECT_EQ(code_of(signed_raw(header, kPayload)), "UnsupportedAlgorithm") << algorithm;
    EXPECT_EQ(code_of(to_base64url(header) + "." + to_base64url(kPayload) + "."),
              "UnsupportedAlgorithm")
        << algorithm;
  }
  for (std::string_view header :
       {R"({"kid":"key-1"})", R"({"alg":null,"kid":"key-1"})", R"({"alg":["RS256"],"kid":"key-1"})",
        R"({"alg":"RS256","alg":"none","kid":"key-1"})", "{}"}) {
    EXPECT_EQ(code_of(signed_raw(header, kPayload)), "UnsupportedAlgorithm") << header;
  }
}

TEST(Jwt, IsRefusedWhenThePublicKeyWasUsedAsAnHmacSecret) {
  const std::string text =
      to_base64url(with(kHeader, "RS256", "HS256")) + "." + to_base64url(kPayload);
  const Bytes secret = public_key().modulus();
  EXPECT_EQ(code_of(text + "." + to_base64url(hmac_sha256(secret, text))), "UnsupportedAlgorithm");
  const std::string lying = to_base64url(kHeader) + "." + to_base64url(kPayload);
  EXPECT_EQ(code_of(lying + "." + to_base64url(hmac_sha256(secret, lying))), "BadSignature");
}

TEST(Jwt, IsRefusedWhenItsFormIsWrong) {
  const std::string good = signed_raw(kHeader, kPayload);
  EXPECT_EQ(code_of(good), "");
  const auto parts = split(good, '.');
  const std::string head(parts[0]);
  const std::string body(parts[1]);
  const std::string rows[] = {
      "",
      ".",
      "..",
      "...",
      head,
      head + "." + body,
      good + ".",
      good + ".x",
      "." + good,
      good + "=",
      good + " ",
      "Bearer " + good,
      head + "=." + body + "." + std::string(parts[2]),
      head + "!." + body + "." + std::string(parts[2]),
      head + "." + body + ".+/+/",
      to_base64url("not json") + "." + body + "." + std::string(parts[2]),
      to_base64url("[]") + "." + body + "." + std::string(parts[2]),
      to_base64url("\"RS256\"") + "." + body + "." + std::string(parts[2]),
      std::string(kTokenBytesMax + 1, 'A'),
      std::string(kTokenBytesMax, '.'),
      good + std::string(kTokenBytesMax, 'A'),
      signed_raw(with(kHeader, R"("kid")", R"("crit":["b64"],"kid")"), kPayload),
      signed_raw(with(kHeader, R"("kid")", R"("crit":[],"kid")"), kPayload),
      signed_raw(with(kHeader, R"("kid")", R"("crit":null,"kid")"), kPayload),
      signed_raw(with(kHeader, R"("JWT")", R"("JWE")"), kPayload),
      signed_raw(with(kHeader, R"("JWT")", "5"), kPayload),
      signed_raw(with(kHeader, R"(,"kid":"key-1")", ""), kPayload),
      signed_raw(with(kHeader, R"("key-1")", R"("")"), kPayload),
      signed_raw(with(kHeader, R"("key-1")", "1"), kPayload),
      signed_raw(kHeader, "not json"),
      signed_raw(kHeader, "[]"),
      signed_raw(kHeader, "\xFF"),
      signed_raw(kHeader, R"({"a":)" + std::string(2000, '[')),
      signed_raw(kHeader, ""),
  };
  for (const std::string& token : rows) {
    EXPECT_EQ(code_of(token), "MalformedToken") << token.substr(0, 120);
  }
}

TEST(Jwt, IsRefusedWhenAClaimIsMissingOrOfAWrongType) {
  for (std::string_view claim : {"iss", "aud", "tid", "oid", "appid", "iat", "nbf", "exp"}) {
    auto object = *json::parse_object(kPayload);
    object.erase(claim);
    EXPECT_EQ(code_of(signed_raw(kHeader, boost::json::serialize(object))), "MalformedToken")
        << claim;
    object[claim] = nullptr;
    EXPECT_EQ(code_of(signed_raw(kHeader, boost::json::serialize(object))), "MalformedToken");
    object[claim] = boost::json::array{1};
    EXPECT_EQ(code_of(signed_raw(kHeader, boost::json::serialize(object))), "MalformedToken");
    object[claim] = "";
    const auto result = verify_token(signed_raw(kHeader, boost::json::serialize(object)), find_key);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("claim " + std::string(claim)), std::string::npos);
  }
  for (std::string_view time : {"-1", "1.5", "1e300", "9223372036854775807", "253402300800",
                                "18446744073709551615", "\"3\"", "true"}) {
    const auto payload = with(kPayload, R"("exp":3)", R"("exp":)" + std::string(time));
    EXPECT_EQ(code_of(signed_raw(kHeader, payload)), "MalformedToken") << time;
  }
  EXPECT_EQ(code_of(signed_raw(kHeader, with(kPayload, R"(,"uti":"u")", ""))), "");
}

TEST(Jwt, IsRefusedWhenItsKeyIsUnknown) {
  EXPECT_EQ(code_of(sign_token(claims(), private_key(), "key-2")), "UnknownKey");
  EXPECT_EQ(code_of(sign_token(claims(), private_key(), "../key-1")), "UnknownKey");
}

TEST(Jwt, IsRefusedWhenAnotherKeySignedIt) {
  const RsaPrivateKey other = RsaPrivateKey::generate();
  EXPECT_EQ(code_of(sign_token(claims(), other, "key-1")), "BadSignature");
}

TEST(Jwt, IsRefusedWhenItsPayloadOrSignatureWasExchanged) {
  const std::string token = signed_raw(kHeader, kPayload);
  const auto parts = split(token, '.');
  const std::string forged = with(kPayload, R"("oid":"o")", R"("oid":"x")");
  EXPECT_EQ(
      code_of(std::string(parts[0]) + "." + to_base64url(forged) + "." + std::string(parts[2])),
      "BadSignature");
  EXPECT_EQ(code_of(std::string(parts[0]) + "." + std::string(parts[1]) + "."), "BadSignature");
  EXPECT_EQ(code_of(std::string(parts[0]) + "." + std::string(parts[1]) + ".AAAA"), "BadSignature");
}

TEST(Jwt, NoChangeOfASingleCharacterIsAccepted) {
  const std::string token = sign_token(claims(), private_key(), "key-1");
  static constexpr std::uint64_t kSeed = 7;
  latchkey::testing::SeededRandom random(kSeed);
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = static_cast<char>(random.below(128));
    if (changed == token) continue;
    EXPECT_FALSE(verify_token(changed, find_key)) << "seed " << kSeed << " at " << at;
  }
  // The last character has bits that mean nothing: another text of the same bytes is refused too.
  std::string changed = token;
  for (char last : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    changed.back() = last;
    if (changed != token) EXPECT_FALSE(verify_token(changed, find_key)) << last;
  }
}

TEST(Jwt, KeyIdIsTheThumbprintOfRfc7638) {
  // RFC 7638 section 3.1.
  const auto modulus = from_base64url(
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
      "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
      "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4"
      "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw");
  ASSERT_TRUE(modulus);
  const auto key = RsaPublicKey::from_numbers(*modulus, *from_base64url("AQAB"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key_id_of(*key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(Jwt, AKeySetGivesTheKeyBack) {
  const std::string id = key_id_of(public_key());
  const auto object = json::parse_object(render_jwks(public_key(), id));
  ASSERT_TRUE(object);
  const auto& keys = object->at("keys").as_array();
  ASSERT_EQ(keys.size(), 1U);
  const json::Object& jwk = keys[0].as_object();
  EXPECT_EQ(json::text(jwk, "kty"), "RSA");
  EXPECT_EQ(json::text(jwk, "use"), "sig");
  EXPECT_EQ(json::text(jwk, "alg"), "RS256");
  EXPECT_EQ(json::text(jwk, "kid"), id);
  const auto key = RsaPublicKey::from_numbers(*from_base64url(*json::text(jwk, "n")),
                                              *from_base64url(*json::text(jwk, "e")));
  ASSERT_TRUE(key);
  const auto find = [&key](std::string_view) { return &*key; };
  EXPECT_TRUE(verify_token(sign_token(claims(), private_key(), id), find));
}

}  // namespace
}  // namespace latchkey::wire
