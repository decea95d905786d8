#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "wire/jwt.hpp"

namespace latchkey::cloud {

/// Who calls, as a checked token says.
struct Principal {
  std::string object_id;
  std::string client_id;
  std::string tenant_id;
  std::string issuer;
};

/// Somebody else whose tokens are good here: a real tenant, or a test's own. Whoever holds its keys
/// can speak for any object id, so it is trusted wholly.
struct TrustedIssuer {
  std::string issuer;                  ///< iss, letter by letter
  std::vector<std::string> audiences;  ///< good at every service, beside the service's own
  std::vector<wire::TokenKey> keys;    ///< one without id ("", from a PEM file) fits every kid
};

/// Checks bearer tokens: RS256 signature by our key or a trusted issuer's, issuer, tenant, lifetime
/// (5 minutes of skew allowed on nbf, none on exp), audience. Checked tokens are remembered by
/// their hash until they end, so that the signature of each is computed once. One thread.
class Authenticator {
 public:
  /// `keys` must outlive this object.
  Authenticator(const SigningKeys& keys, std::string issuer, Clock& clock);
  ~Authenticator();
  /// Before the first token comes.
  void trust(TrustedIssuer issuer);
  /// `audiences`: those that the service answers to; a trailing slash does not matter.
  /// Errors, kind denied: code MalformedToken, UnsupportedAlgorithm, UnknownKey, BadSignature,
  /// WrongIssuer, WrongAudience, TokenExpired, TokenNotYetValid; the message is fit for
  /// AuthenticationErrorDetail.
  Result<Principal> authenticate(std::string_view token,
                                 std::span<const std::string_view> audiences);
  /// The keys that may sign for that issuer with that kid: ours or a trusted issuer's. For tokens
  /// that stand for a workload at the login service.
  std::vector<RsaPublicKey> keys_of(std::string_view issuer, std::string_view key_id) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
