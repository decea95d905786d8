#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/hash.hpp"
#include "base/public_key_file.hpp"
#include "base/result.hpp"
#include "wire/jwt.hpp"

/// What a service principal, or a workload that uses a user-assigned identity, proves itself with.
namespace latchkey::cloud {

/// Only a digest is kept: the secret has 256 random bits, so that one SHA-256 is as good as a slow
/// hash, and whoever reads the database cannot sign in with what it holds.
struct SecretCredential {
  Sha256 digest;
  std::string hint;  ///< the first three characters, as Entra ID shows
};

struct CertificateCredential {
  PublicKeyFile file;
};

/// Tokens of `issuer` for `subject` stand for the identity (workload identity federation).
struct FederatedCredential {
  static constexpr std::string_view kDefaultAudience = "api://AzureADTokenExchange";
  std::string issuer;
  std::string subject;
  std::string audience = std::string(kDefaultAudience);
  /// The issuer's key set (JWKS) or PEM. Azure reads it at the issuer's address; here it comes with
  /// the credential, and is empty when the cloud trusts the issuer anyway (--trusted-issuer).
  std::string keys{};
};

struct Credential {
  std::string id;    ///< GUID
  std::string name;  ///< what a person called it
  std::int64_t made_at = 0;
  std::int64_t ends_at = 0;  ///< epoch seconds; 0: never
  std::variant<SecretCredential, CertificateCredential, FederatedCredential> content;

  /// "secret", "certificate" or "federated".
  std::string_view kind() const;
};

/// The form in which the content stands in the database; nullopt for one that cannot be read.
std::string pack(const Credential& credential);
bool unpack(std::string_view kind, std::string_view packed, Credential& into);

/// The keys of a JWKS or of one PEM file. A PEM file's key has no id ("").
/// Error: invalid_argument (InvalidKey), with what is wrong.
Result<std::vector<wire::TokenKey>> read_issuer_keys(std::string_view jwks_or_pem);

}  // namespace latchkey::cloud
