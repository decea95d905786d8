#pragma once

#include <string_view>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"

/// A certificate with its private key, as a client proves with who it is: what stands in the file
/// that AZURE_CLIENT_CERTIFICATE_PATH names.
namespace latchkey {

struct ClientCertificate {
  RsaPrivateKey key;
  std::vector<Bytes> chain;  ///< DER; first the certificate of `key`, the others as they stood
};

/// From PEM: one RSA private key and one or more certificates, in any order.
/// Error: invalid_argument, which says what is missing; nothing of the file is in its message.
Result<ClientCertificate> read_client_certificate(std::string_view pem);

}  // namespace latchkey
