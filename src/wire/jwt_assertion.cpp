#include "wire/jwt_assertion.hpp"

#include "base/text.hpp"
#include "wire/json_reader.hpp"
#include "wire/jwt.hpp"

namespace latchkey::wire {
namespace {

tl::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorKind::denied, "MalformedToken",
              "the client assertion is malformed: " + std::string(why));
}

std::optional<json::Object> decode_object(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return std::nullopt;
  return json::parse_object(as_text(*bytes));
}

std::string text_or_empty(const json::Object& object, std::string_view name) {
  return std::string(json::text(object, name).value_or(""));
}

bool take_time(const json::Object& claims, std::string_view name, std::int64_t& into) {
  const json::Value* value = json::find(claims, name);
  const auto seconds = value == nullptr ? std::nullopt : json::whole_number(*value);
  if (!seconds || *seconds < 0 || *seconds > json::kEpochSecondsMax) return false;
  into = *seconds;
  return true;
}

/// One text or a list of texts (RFC 7519 section 4.1.3).
std::vector<std::string> audiences_of(const json::Object& claims) {
  std::vector<std::string> found;
  const json::Value* value = json::find(claims, "aud");
  if (value == nullptr) return found;
  if (value->is_string()) found.emplace_back(std::string_view(value->get_string()));
  if (!value->is_array()) return found;
  for (const json::Value& each : value->get_array()) {
    if (each.is_string()) found.emplace_back(std::string_view(each.get_string()));
  }
  return found;
}

}  // namespace

Result<Assertion> read_assertion(std::string_view token) {
  if (token.size() > kTokenBytesMax) return malformed("it is too long");
  const auto parts = split(token, '.');
  if (parts.size() != 3) return malformed("it does not have three parts");
  const auto header = decode_object(parts[0]);
  const auto claims = decode_object(parts[1]);
  const auto signature = from_base64url(parts[2]);
  if (!header || !claims || !signature) return malformed("a part is not base64url of JSON");

  Assertion read;
  read.algorithm = text_or_empty(*header, "alg");
  if (read.algorithm != "RS256" && read.algorithm != "PS256") {
    return fail(ErrorKind::denied, "UnsupportedAlgorithm",
                "the client assertion is not signed with RS256 or PS256");
  }
  if (header->contains("crit")) return malformed("its header demands extensions (crit)");
  read.key_id = text_or_empty(*header, "kid");
  read.sha1_thumbprint = from_base64url(text_or_empty(*header, "x5t")).value_or(Bytes{});
  read.sha256_thumbprint = from_base64url(text_or_empty(*header, "x5t#S256")).value_or(Bytes{});
  read.issuer = text_or_empty(*claims, "iss");
  read.subject = text_or_empty(*claims, "sub");
  read.audiences = audiences_of(*claims);
  if (!take_time(*claims, "exp", read.expires_at)) return malformed("claim exp is missing");
  if (!take_time(*claims, "nbf", read.not_before) && !take_time(*claims, "iat", read.not_before)) {
    return malformed("claim nbf is missing");
  }
  read.signed_text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  read.signature = *signature;
  return read;
}

bool is_signed_by(const Assertion& assertion, const RsaPublicKey& key) {
  return assertion.algorithm == "PS256" ? key.verify_pss(assertion.signed_text, assertion.signature)
                                        : key.verify(assertion.signed_text, assertion.signature);
}

}  // namespace latchkey::wire
