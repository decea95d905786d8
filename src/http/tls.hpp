#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

/// TLS settings, OpenSSL kept out of sight. Verification is always on; there is no switch.
namespace latchkey::http {

/// The server's side: certificate chain (leaf first) and key, both PEM. TLS 1.2 and 1.3.
class TlsServerContext {
 public:
  static Result<TlsServerContext> from_pem(std::string_view chain_pem, const Secret& key_pem);
  struct Impl;
  std::shared_ptr<Impl> impl;
};

/// The client's side: the system's trust store (honours SSL_CERT_FILE), and with `extra_ca_pem`
/// these authorities as well.
class TlsClientContext {
 public:
  static Result<TlsClientContext> system_trust(std::string_view extra_ca_pem = {});
  struct Impl;
  std::shared_ptr<Impl> impl;
};

}  // namespace latchkey::http
