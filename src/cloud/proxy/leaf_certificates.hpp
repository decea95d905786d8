#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/certificate.hpp"
#include "http/tls.hpp"

namespace latchkey::cloud {

/// Server certificates for names as they are asked for, signed by the local authority. They live in
/// memory only, so that no key for a name of Azure's lies in a file. One thread.
class LeafCertificates {
 public:
  /// More names than any test uses; the oldest goes when another comes.
  static constexpr std::size_t kKeptMax = 64;
  /// Short, as what is minted so quickly may be.
  static constexpr std::chrono::days kLifetime{7};

  /// `clock` must outlive this.
  LeafCertificates(http::CertificateAndKey authority, const Clock& clock);

  /// TLS as the host `name`. Minted at the first call for it (about a millisecond) and again from
  /// half its lifetime on. Error: invalid_argument (no DNS name or IP address).
  Result<http::TlsServerContext> of(const std::string& name);
  std::size_t size() const { return kept_.size(); }

 private:
  struct Leaf {
    std::string name;
    http::TlsServerContext tls;
    UtcTime made;
  };

  const http::CertificateAndKey authority_;
  const Clock& clock_;
  std::vector<Leaf> kept_;  ///< the oldest first
};

}  // namespace latchkey::cloud
