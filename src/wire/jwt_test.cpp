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
    EXPECT_EQ(code_of(signed_raw(kHeader, boost::json::serialize(object))),
              claim == "oid" ? "" : "MalformedToken")
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

TEST(Jwt, ReadsATokenOfVersion2) {
  const auto payload = with(kPayload, R"("appid":"c")", R"("azp":"c2","ver":"2.0")");
  const auto verified = verify_token(signed_raw(kHeader, payload), find_key);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->client_id, "c2");
  EXPECT_TRUE(verified->roles.empty());
}

TEST(Jwt, RolesGoInAndComeOut) {
  TokenClaims with_roles = claims();
  with_roles.roles = {"Codes.Issue", "Codes.Verify"};
  const auto verified = verify_token(sign_token(with_roles, private_key(), "key-1"), find_key);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->roles, with_roles.roles);
  for (std::string_view roles : {R"("Codes.Issue")", "[1]", "{}", R"(["a",null])"}) {
    const auto payload =
        with(kPayload, R"("uti")", R"("roles":)" + std::string(roles) + R"(,"uti")");
    EXPECT_EQ(code_of(signed_raw(kHeader, payload)), "MalformedToken") << roles;
  }
  EXPECT_EQ(code_of(signed_raw(kHeader, with(kPayload, R"("uti")", R"("roles":[],"uti")"))), "");
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

std::string key_set(std::string_view members, std::string_view more = {}) {
  const std::string n = to_base64url(public_key().modulus());
  return R"({"keys":[{"n":")" + n + R"(","e":"AQAB",)" + std::string(members) + "}" +
         std::string(more) + "]}";
}

TEST(Jwt, AKeySetIsReadAsEntraIdWritesIt) {
  const auto keys = parse_jwks(key_set(
      R"("kty":"RSA","use":"sig","kid":"k1","x5t":"k1","x5c":["MII"],"issuer":"https://login/t/v2.0")",
      R"(,{"kty":"EC","crv":"P-256"},{"kty":"RSA","use":"enc"},7)"));
  ASSERT_TRUE(keys) << keys.error().message;
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ(keys->front().key_id, "k1");
  EXPECT_EQ(keys->front().issuer, "https://login/t/v2.0");
  const auto find = [&keys](std::string_view) { return &keys->front().key; };
  EXPECT_TRUE(verify_token(sign_token(claims(), private_key(), "k1"), find));

  const auto ours = parse_jwks(render_jwks(public_key(), "k2"));
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->front().key_id, "k2");
  EXPECT_EQ(ours->front().issuer, "");
}

TEST(Jwt, AKeySetThatCannotBeUsedIsAProtocolError) {
  const std::string rows[] = {"",
                              "[]",
                              "{}",
                              R"({"keys":{}})",
                              key_set(R"("kty":"RSA")"),
                              key_set(R"("kty":"RSA","kid":5)"),
                              R"({"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"}]})",
                              R"({"keys":[{"kty":"RSA","kid":"k","n":"!","e":"AQAB"}]})",
                              R"({"keys":[{"kty":"RSA","kid":"k","e":"AQAB"}]})"};
  for (const std::string& row : rows) {
    const auto keys = parse_jwks(row);
    ASSERT_FALSE(keys) << row;
    EXPECT_EQ(keys.error().kind, ErrorKind::protocol) << row;
  }
}

TEST(Jwt, NoDamageToAKeySetDoesHarm) {
  static constexpr std::uint64_t kSeed = 11;
  latchkey::testing::SeededRandom random(kSeed);
  const std::string whole = render_jwks(public_key(), "key-1");
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    const auto keys = parse_jwks(damaged);
    if (!keys) EXPECT_EQ(keys.error().kind, ErrorKind::protocol) << "seed " << kSeed;
  }
}

TEST(Jwt, AConfigurationNamesIssuerAndKeys) {
  const auto found = parse_openid_configuration(R"({"issuer":"i","jwks_uri":"https://k","x":[]})");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->issuer, "i");
  EXPECT_EQ(found->jwks_uri, "https://k");
  for (const char* row : {"", "[]", "{}", R"({"issuer":"i"})", R"({"issuer":"i","jwks_uri":5})",
                          R"({"issuer":"","jwks_uri":"k"})"}) {
    const auto wrong = parse_openid_configuration(row);
    ASSERT_FALSE(wrong) << row;
    EXPECT_EQ(wrong.error().kind, ErrorKind::protocol) << row;
  }
}

}  // namespace
}  // namespace latchkey::wire
