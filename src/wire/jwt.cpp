#include "wire/jwt.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

tl::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorKind::denied, "MalformedToken", "the token is malformed: " + std::string(why));
}

tl::unexpected<Error> bad_claim(std::string_view name) {
  return malformed("claim " + std::string(name) + " is missing or of a wrong type");
}

/// Base64url without padding and without stray bits at the end, so that each text is one value.
std::optional<Bytes> decode_part(std::string_view part) {
  auto bytes = from_base64url(part);
  if (!bytes || to_base64url(*bytes) != part) return std::nullopt;
  return bytes;
}

std::optional<json::Object> decode_object(std::string_view part) {
  const auto bytes = decode_part(part);
  if (!bytes) return std::nullopt;
  return json::parse_object(as_text(*bytes));
}

std::string encode_object(const json::Object& object) {
  return to_base64url(boost::json::serialize(object));
}

/// The key id of a header that says RS256 and nothing that we would have to understand but do not.
Result<std::string> key_id_from(const json::Object& header) {
  if (json::text(header, "alg") != "RS256") {
    return fail(ErrorKind::denied, "UnsupportedAlgorithm",
                "the token's signature algorithm is not RS256");
  }
  if (header.contains("crit")) return malformed("its header demands extensions (crit)");
  if (const json::Value* type = json::find(header, "typ")) {
    const bool known = type->is_string() && (iequals(type->get_string(), "JWT") ||
                                             iequals(type->get_string(), "at+jwt"));
    if (!known) return malformed("its typ is not JWT");
  }
  const auto key_id = json::text(header, "kid");
  if (!key_id || key_id->empty()) return malformed("its header has no kid");
  return std::string(*key_id);
}

bool take_text(const json::Object& claims, std::string_view name, std::string& into) {
  const auto text = json::text(claims, name);
  if (!text || text->empty()) return false;
  into = *text;
  return true;
}

bool take_time(const json::Object& claims, std::string_view name, std::int64_t& into) {
  const json::Value* value = json::find(claims, name);
  const auto seconds = value == nullptr ? std::nullopt : json::whole_number(*value);
  if (!seconds || *seconds < 0 || *seconds > json::kEpochSecondsMax) return false;
  into = *seconds;
  return true;
}

/// Absent or null is fine; of another type is not.
bool take_roles(const json::Object& claims, std::vector<std::string>& into) {
  const json::Value* value = json::find(claims, "roles");
  if (value == nullptr) return true;
  if (!value->is_array()) return false;
  for (const json::Value& role : value->get_array()) {
    if (!role.is_string()) return false;
    into.emplace_back(std::string_view(role.get_string()));
  }
  return true;
}

Result<TokenClaims> claims_from(const json::Object& object) {
  TokenClaims claims;
  if (!take_text(object, "iss", claims.issuer)) return bad_claim("iss");
  if (!take_text(object, "aud", claims.audience)) return bad_claim("aud");
  if (!take_text(object, "tid", claims.tenant_id)) return bad_claim("tid");
  const char* client = object.contains("appid") ? "appid" : "azp";
  if (!take_text(object, client, claims.client_id)) return bad_claim("appid or azp");
  if (object.contains("oid") && !take_text(object, "oid", claims.object_id)) {
    return bad_claim("oid");
  }
  if (!take_time(object, "iat", claims.issued_at)) return bad_claim("iat");
  if (!take_time(object, "nbf", claims.not_before)) return bad_claim("nbf");
  if (!take_time(object, "exp", claims.expires_at)) return bad_claim("exp");
  if (!take_roles(object, claims.roles)) return bad_claim("roles");
  claims.token_id = json::text(object, "uti").value_or("");
  return claims;
}

}  // namespace

std::string sign_token(const TokenClaims& claims, const RsaPrivateKey& key,
                       std::string_view key_id) {
  json::Object header;
  header["typ"] = "JWT";
  header["alg"] = "RS256";
  header["kid"] = key_id;

  json::Object payload;
  payload["aud"] = claims.audience;
  payload["iss"] = claims.issuer;
  payload["iat"] = claims.issued_at;
  payload["nbf"] = claims.not_before;
  payload["exp"] = claims.expires_at;
  payload["appid"] = claims.client_id;
  payload["idtyp"] = "app";
  payload["oid"] = claims.object_id;
  if (!claims.roles.empty()) {
    payload["roles"] = boost::json::array(claims.roles.begin(), claims.roles.end());
  }
  payload["sub"] = claims.object_id;
  payload["tid"] = claims.tenant_id;
  payload["uti"] = claims.token_id;
  payload["ver"] = "1.0";

  std::string token = encode_object(header) + "." + encode_object(payload);
  token += "." + to_base64url(key.sign(token));
  return token;
}

Result<TokenClaims> verify_token(
    std::string_view token, const std::function<const RsaPublicKey*(std::string_view)>& find_key) {
  if (token.size() > kTokenBytesMax) return malformed("it is too long");
  const auto parts = split(token, '.');
  if (parts.size() != 3) return malformed("it does not have three parts");
  const auto header = decode_object(parts[0]);
  if (!header) return malformed("its header is not base64url of a JSON object");
  const auto key_id = key_id_from(*header);
  if (!key_id) return fail(key_id.error());
  const auto signature = decode_part(parts[2]);
  if (!signature) return malformed("its signature is not base64url");

  const RsaPublicKey* key = find_key(*key_id);
  if (key == nullptr) {
    return fail(ErrorKind::denied, "UnknownKey",
                "the token is signed with a key that this issuer does not have; get a new token");
  }
  const auto signed_text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!key->verify(signed_text, *signature)) {
    return fail(ErrorKind::denied, "BadSignature", "the token's signature is wrong");
  }
  // Only now is it worth reading what the token says.
  const auto payload = decode_object(parts[1]);
  if (!payload) return malformed("its payload is not base64url of a JSON object");
  return claims_from(*payload);
}

std::string key_id_of(const RsaPublicKey& key) {
  // RFC 7638 section 3: the required members in lexical order, without blanks.
  const std::string thumbprint = R"({"e":")" + to_base64url(key.exponent()) +
                                 R"(","kty":"RSA","n":")" + to_base64url(key.modulus()) + R"("})";
  return to_base64url(sha256(thumbprint));
}

std::string render_jwks(const std::vector<TokenKey>& keys) {
  boost::json::array list;
  for (const TokenKey& each : keys) {
    json::Object jwk;
    jwk["kty"] = "RSA";
    jwk["use"] = "sig";
    jwk["alg"] = "RS256";
    jwk["kid"] = each.key_id;
    jwk["n"] = to_base64url(each.key.modulus());
    jwk["e"] = to_base64url(each.key.exponent());
    list.push_back(std::move(jwk));
  }
  json::Object object;
  object["keys"] = std::move(list);
  return boost::json::serialize(object);
}

std::string render_jwks(const RsaPublicKey& key, std::string_view key_id) {
  return render_jwks({TokenKey{.key_id = std::string(key_id), .key = key, .issuer = ""}});
}

Result<std::vector<TokenKey>> parse_jwks(std::string_view text) {
  const auto wrong = [](std::string_view why) {
    return fail(ErrorKind::protocol, "InvalidKeySet",
                "the issuer's key set cannot be used: " + std::string(why));
  };
  const auto object = json::parse_object(text);
  if (!object) return wrong("it is not a JSON object");
  const json::Value* list = json::find(*object, "keys");
  if (list == nullptr || !list->is_array()) return wrong("it has no list of keys");
  std::vector<TokenKey> keys;
  for (const json::Value& item : list->get_array()) {
    const json::Object* jwk = item.if_object();
    if (jwk == nullptr || json::text(*jwk, "kty") != "RSA") continue;
    if (json::text(*jwk, "use").value_or("sig") != "sig") continue;
    const auto key_id = json::text(*jwk, "kid");
    const auto modulus = from_base64url(json::text(*jwk, "n").value_or(""));
    const auto exponent = from_base64url(json::text(*jwk, "e").value_or(""));
    if (!key_id || !modulus || !exponent) return wrong("an RSA key lacks kid, n or e");
    auto key = RsaPublicKey::from_numbers(*modulus, *exponent);
    if (!key) return wrong("an RSA key has fewer than 2048 bits or no sense");
    keys.push_back({.key_id = std::string(*key_id),
                    .key = std::move(*key),
                    .issuer = std::string(json::text(*jwk, "issuer").value_or(""))});
  }
  return keys;
}

Result<OpenIdConfiguration> parse_openid_configuration(std::string_view text) {
  const auto object = json::parse_object(text);
  OpenIdConfiguration found;
  if (object && take_text(*object, "issuer", found.issuer) &&
      take_text(*object, "jwks_uri", found.jwks_uri)) {
    return found;
  }
  return fail(ErrorKind::protocol, "InvalidOpenIdConfiguration",
              "the issuer's configuration is not a JSON object with issuer and jwks_uri");
}

}  // namespace latchkey::wire
