#include "cloud/proxy/leaf_certificates.hpp"

#include <algorithm>
#include <utility>

namespace latchkey::cloud {

LeafCertificates::LeafCertificates(http::CertificateAndKey authority, const Clock& clock)
    : authority_(std::move(authority)), clock_(clock) {}

Result<http::TlsServerContext> LeafCertificates::of(const std::string& name) {
  const UtcTime now = clock_.now();
  const auto known = std::ranges::find(kept_, name, &Leaf::name);
  if (known != kept_.end()) {
    // A clock that was set back must not leave us with a certificate of the future.
    if (now >= known->made && now < known->made + kLifetime / 2) return known->tls;
    kept_.erase(known);
  }
  const auto pair = http::make_server_certificate(authority_, {name}, now, kLifetime);
  if (!pair) return fail(pair.error());
  auto tls = http::TlsServerContext::from_pem(pair->certificate_pem, pair->key_pem);
  if (!tls) return fail(tls.error());
  if (kept_.size() == kKeptMax) kept_.erase(kept_.begin());
  kept_.push_back({.name = name, .tls = *tls, .made = now});
  return *tls;
}

}  // namespace latchkey::cloud
