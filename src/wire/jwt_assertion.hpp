#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"

/// The checking side of client_assertion.hpp: JSON Web Tokens by which a client proves who it is at
/// the token endpoint, signed with the key of its certificate, or by an issuer outside (workload
/// identity).
namespace latchkey::wire {

/// What an assertion says of itself. Nothing of it is proven before `is_signed_by`.
struct Assertion {
  std::string algorithm;    ///< RS256 or PS256
  std::string key_id;       ///< kid, may be empty as the next two
  Bytes sha1_thumbprint;    ///< x5t
  Bytes sha256_thumbprint;  ///< x5t#S256
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  std::int64_t not_before = 0;  ///< epoch seconds; iat where nbf is absent
  std::int64_t expires_at = 0;
  std::string signed_text;
  Bytes signature;
};

/// Errors, kind denied: MalformedToken, UnsupportedAlgorithm (all but RS256 and PS256).
Result<Assertion> read_assertion(std::string_view token);
bool is_signed_by(const Assertion& assertion, const RsaPublicKey& key);

}  // namespace latchkey::wire
