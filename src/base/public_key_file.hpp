#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/rsa.hpp"

/// The form in which a person hands over somebody's public key: a PEM file (RFC 7468).
namespace latchkey {

struct PublicKeyFile {
  RsaPublicKey key;
  /// The certificate or key alone, in PEM: a careless file may hold its private key as well.
  std::string pem{};
  /// Of the certificate in DER form, as x5t and x5t#S256 of a token's header name it (RFC 7515
  /// section 4.1.7); empty for a key without certificate.
  Bytes sha1{};
  Bytes sha256{};
  std::int64_t not_after = 0;  ///< the certificate's end, epoch seconds
};

/// The first "CERTIFICATE" or "PUBLIC KEY" of the text. Error: invalid_argument (InvalidKey): none
/// is there, or it is no RSA key of at least 2048 bits.
Result<PublicKeyFile> read_public_key_file(std::string_view pem);

}  // namespace latchkey
