#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"

/// Access tokens: JSON Web Tokens signed with RS256 (RFC 7515, 7519), with Entra ID's claims.
namespace latchkey::wire {

struct TokenClaims {
  std::string issuer;           ///< iss
  std::string audience;         ///< aud
  std::string tenant_id;        ///< tid
  std::string object_id;        ///< oid: what role assignments name; some users' tokens lack it
  std::string client_id;        ///< appid (version 1) or azp (version 2)
  std::int64_t issued_at = 0;   ///< iat, epoch seconds
  std::int64_t not_before = 0;  ///< nbf
  std::int64_t expires_at = 0;  ///< exp
  std::string token_id;         ///< uti; may be absent
  std::vector<std::string> roles{};  ///< the app roles that the client has at the audience
};

/// No token is longer; what is, is refused before any work is done on it.
inline constexpr std::size_t kTokenBytesMax = std::size_t{16} * 1024;

/// In the form of Entra ID's v1 access tokens for applications (ver "1.0", idtyp "app").
std::string sign_token(const TokenClaims& claims, const RsaPrivateKey& key,
                       std::string_view key_id);

/// A token whose signature has been checked. Times, audience and issuer are the caller's to check.
/// `find_key` gives the public key of a key id, or nullptr. Costs one RSA verification, some 20 us.
/// Errors, all kind denied: code "MalformedToken", "UnsupportedAlgorithm" (everything but RS256),
/// "UnknownKey", "BadSignature".
Result<TokenClaims> verify_token(
    std::string_view token, const std::function<const RsaPublicKey*(std::string_view)>& find_key);

/// The id that names a public key: base64url of SHA-256 over its JWK thumbprint form (RFC 7638).
std::string key_id_of(const RsaPublicKey& key);

struct TokenKey {
  std::string key_id;
  RsaPublicKey key;
  std::string issuer;  ///< whose tokens it signs; Entra ID says so, others leave it empty
};
/// {"keys":[...]}: a key set (RFC 7517).
std::string render_jwks(const std::vector<TokenKey>& keys);
std::string render_jwks(const RsaPublicKey& key, std::string_view key_id);
/// The RSA keys of a key set (RFC 7517); those of other kinds or uses are passed over.
/// Error: protocol, code InvalidKeySet.
Result<std::vector<TokenKey>> parse_jwks(std::string_view json);

/// OpenID Connect Discovery 1.0 section 3: the members that a checker of tokens needs.
struct OpenIdConfiguration {
  std::string issuer;
  std::string jwks_uri;
};
/// Error: protocol, code InvalidOpenIdConfiguration.
Result<OpenIdConfiguration> parse_openid_configuration(std::string_view json);

}  // namespace latchkey::wire
