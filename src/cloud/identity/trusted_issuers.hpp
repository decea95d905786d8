#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cloud/identity/authenticator.hpp"

namespace latchkey::cloud {

/// How a person names an issuer whose tokens are to be good here.
struct TrustedIssuerOptions {
  std::string issuer;                  ///< as in the tokens' iss
  std::vector<std::string> audiences;  ///< beside those that each service has anyway
  std::filesystem::path
      keys;  ///< a file: its key set (JWKS, RFC 7517), or one PEM key or certificate
};

/// Errors: invalid_argument, with what is wrong: no issuer, a file that cannot be read, is no key
/// set or PEM file, or holds no RSA key.
Result<TrustedIssuer> read_trusted_issuer(const TrustedIssuerOptions& options);

}  // namespace latchkey::cloud
