#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"
#include "base/secret.hpp"

/// A certificate authority of our own for the local cloud's names, by OpenSSL's X509.
namespace latchkey::http {

struct CertificateAndKey {
  std::string certificate_pem;  ///< for a leaf: leaf first, then the authority
  Secret key_pem;
};

/// A self-signed authority (CA:TRUE, pathlen 0, keyCertSign), valid from a day before `now`.
CertificateAndKey make_authority(std::string_view common_name, UtcTime now,
                                 std::chrono::days lifetime);

/// A server certificate for `names` (DNS names, "*.x" wildcards, IP addresses), signed by
/// `authority`. Error: invalid_argument when the authority's PEM cannot be read.
Result<CertificateAndKey> make_server_certificate(const CertificateAndKey& authority,
                                                  const std::vector<std::string>& names,
                                                  UtcTime now, std::chrono::days lifetime);

/// When the first certificate in `pem` ends. Error: invalid_argument.
Result<UtcTime> certificate_expiry(std::string_view pem);

}  // namespace latchkey::http
