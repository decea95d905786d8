#pragma once

#include <cstdint>

#include "codes/verifier.hpp"
#include "http/router.hpp"
#include "service/gatekeeper.hpp"

namespace latchkey::service {

/// POST /api/v1/verify, role Codes.Verify: checks a code and uses it up. With an Idempotency-Key a
/// caller whose answer was lost may ask again; with "Prefer: wait=N" a code that is not active yet
/// is waited for.
class VerifyRoutes {
 public:
  /// `failures_max`: as in codes::Limits, for the RateLimit fields.
  VerifyRoutes(codes::Verifier& verifier, std::int64_t failures_max, Gatekeeper& gatekeeper);
  /// The router must not outlive this.
  void add_to(http::Router& router);

 private:
  Task<http::Response> verify(const http::Request& request, const http::Match& match);

  codes::Verifier& verifier_;
  std::int64_t failures_max_;
  Gatekeeper& gatekeeper_;
};

}  // namespace latchkey::service
