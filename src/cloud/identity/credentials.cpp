#include "cloud/identity/credentials.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kKinds{"secret", "certificate", "federated"};

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

struct Pack {
  json::object operator()(const SecretCredential& secret) const {
    return {{"sha256", to_hex(secret.digest)}, {"hint", secret.hint}};
  }
  json::object operator()(const CertificateCredential& certificate) const {
    return {{"pem", certificate.file.pem}};
  }
  json::object operator()(const FederatedCredential& federated) const {
    return {{"issuer", federated.issuer},
            {"subject", federated.subject},
            {"audience", federated.audience},
            {"keys", federated.keys}};
  }
};

bool unpack_secret(const json::object& object, Credential& into) {
  const auto digest = from_hex(text_of(object, "sha256"));
  SecretCredential secret{.digest = {}, .hint = text_of(object, "hint")};
  if (!digest || digest->size() != secret.digest.size()) return false;
  std::ranges::copy(*digest, secret.digest.begin());
  into.content = std::move(secret);
  return true;
}

bool unpack_certificate(const json::object& object, Credential& into) {
  auto file = read_public_key_file(text_of(object, "pem"));
  if (!file) return false;
  into.content = CertificateCredential{.file = std::move(*file)};
  return true;
}

}  // namespace

std::string_view Credential::kind() const {
  return kKinds[content.index()];
}

std::string pack(const Credential& credential) {
  return json::serialize(std::visit(Pack{}, credential.content));
}

bool unpack(std::string_view kind, std::string_view packed, Credential& into) {
  boost::system::error_code problem;
  const auto value = json::parse(packed, problem);
  if (problem || !value.is_object()) return false;
  const auto& object = value.as_object();
  if (kind == kKinds[0]) return unpack_secret(object, into);
  if (kind == kKinds[1]) return unpack_certificate(object, into);
  if (kind != kKinds[2]) return false;
  into.content = FederatedCredential{.issuer = text_of(object, "issuer"),
                                     .subject = text_of(object, "subject"),
                                     .audience = text_of(object, "audience"),
                                     .keys = text_of(object, "keys")};
  return true;
}

Result<std::vector<wire::TokenKey>> read_issuer_keys(std::string_view jwks_or_pem) {
  std::vector<wire::TokenKey> keys;
  if (jwks_or_pem.find("-----BEGIN ") != jwks_or_pem.npos) {
    auto file = read_public_key_file(jwks_or_pem);
    if (!file) return fail(file.error());
    keys.push_back({.key_id = "", .key = std::move(file->key), .issuer = ""});
    return keys;
  }
  auto read = wire::parse_jwks(jwks_or_pem);
  if (!read) {
    return fail(ErrorKind::invalid_argument, "InvalidKey",
                "it is no JSON Web Key Set and no PEM file: " + read.error().message);
  }
  keys = std::move(*read);
  std::erase_if(keys, [](const wire::TokenKey& key) { return key.key_id.empty(); });
  if (keys.empty()) {
    return fail(ErrorKind::invalid_argument, "InvalidKey", "it holds no RSA key with an id (kid)");
  }
  return keys;
}

}  // namespace latchkey::cloud
