#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "http/client.hpp"
#include "http/url.hpp"

namespace latchkey::azure {

struct TokenValidatorSettings {
  std::string authority_host;  ///< AZURE_AUTHORITY_HOST; empty: https://login.microsoftonline.com
  std::string tenant_id;       ///< a GUID
  /// What tokens for our API are for: its App ID URI ("api://latchkey", in tokens of version 1) and
  /// its client id (version 2). Each is accepted with and without "api://" in front.
  std::vector<std::string> audiences;
};

/// Whom a checked token names.
struct TokenIdentity {
  std::string client_id;           ///< the app that calls: appid or azp
  std::string object_id;           ///< its principal; may be empty
  std::vector<std::string> roles;  ///< app roles; empty when none is assigned
};

/// Checks access tokens that Entra ID issued for our own API: signature (RS256, by a key of the
/// tenant's key set), tenant, issuer, audience and times. Which roles are needed is the caller's
/// affair.
///
/// Keys come by OpenID Connect discovery. They are fetched at the first token, once a day in the
/// background, and when a token names a key that is not among them: at most every kKeysSpacing, so
/// that made-up key ids do not make us a nuisance to the login service. Entra ID announces new keys
/// well before it uses them. What is older than kKeysTrusted is not believed any more, so that a
/// key that was withdrawn does not live on because the login service cannot be reached.
///
/// Sources: "Access tokens in the Microsoft identity platform" (validation, signing key rollover),
/// "Access token claims reference".
///
/// One executor. May be destroyed while it fetches; what `create` was given must outlive its calls.
class TokenValidator {
 public:
  static constexpr std::chrono::minutes kClockSkew{5};  ///< as Microsoft's libraries have it
  static constexpr std::chrono::hours kKeysFresh{24};
  static constexpr std::chrono::hours kKeysTrusted{48};
  static constexpr std::chrono::minutes kKeysSpacing{5};
  /// After a failed fetch the next is tried so much later, and its error is everybody's till then.
  static constexpr std::chrono::seconds kFailureHold{10};

  /// Error: invalid_argument (an authority that is not https, a tenant that is no GUID, no
  /// audience).
  static Result<std::unique_ptr<TokenValidator>> create(TokenValidatorSettings settings,
                                                        http::HttpClient& http, Clock& clock,
                                                        Random& random, Executor executor);
  ~TokenValidator();

  /// Errors: denied (code MalformedToken, UnsupportedAlgorithm, UnknownKey, BadSignature,
  /// WrongTenant, WrongIssuer, WrongAudience, TokenExpired, TokenNotYetValid); unavailable, timeout
  /// or protocol when the keys cannot be had. No message says anything of the token's content.
  /// Costs some 20 us when the keys are there.
  Task<Result<TokenIdentity>> validate(Secret token);

 private:
  struct Impl;
  explicit TokenValidator(std::shared_ptr<Impl> impl);
  static Task<Result<TokenIdentity>> validate_with(std::shared_ptr<Impl> impl, Secret token);
  std::shared_ptr<Impl> impl_;
};

}  // namespace latchkey::azure
