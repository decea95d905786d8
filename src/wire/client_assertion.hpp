#pragma once

#include <string>

#include "base/client_certificate.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"

/// How an application proves by its certificate who it is: a JWT signed with RS256, sent to the
/// token endpoint instead of a client secret (RFC 7523). Source: "Microsoft identity platform
/// application authentication certificate credentials".
namespace latchkey::wire {

/// The form parameter `client_assertion_type`.
inline constexpr const char* kJwtBearerAssertion =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
inline constexpr std::chrono::minutes kAssertionLifetime{10};

struct AssertionClaims {
  std::string token_url;  ///< aud: the token endpoint itself
  std::string client_id;  ///< iss and sub
  std::string id;         ///< jti: a GUID that no other assertion has
  UtcTime now{};          ///< nbf; exp is kAssertionLifetime later
};

/// `send_chain` adds all certificates (x5c), for applications that trust a subject name and issuer
/// instead of one certificate.
Secret sign_client_assertion(const AssertionClaims& claims, const ClientCertificate& certificate,
                             bool send_chain);

/// The form parameters that carry an assertion, ours or another provider's token:
/// "client_assertion_type=...&client_assertion=...".
Secret client_assertion_parameters(const Secret& assertion);

}  // namespace latchkey::wire
