#pragma once

#include <string_view>

#include "base/random.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/test_controls/fault_plan.hpp"
#include "cloud/test_controls/movable_clock.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// Faults and time on purpose, for tests of apps: services that throttle, fail, answer late or not
/// at all, tokens that have ended, ten minutes that pass at once. Off unless the cloud was started
/// so; then everything here is refused with 403 and costs no request anything.
///
/// On the management plane, below
/// /subscriptions/S/resourceGroups/G/providers/Latchkey.TestControls, for whoever may write there
/// (the operator):
///
///   GET /faults                  {"value":[{"service","kind","rate","left","hits",...}]}
///   PUT /faults/SERVICE/KIND     {"rate","count","delay":"2s","retryAfter":1}, each may be absent
///   DELETE /faults[/SERVICE]
///   GET, DELETE /clock           {"now","offset"}; DELETE goes back to the machine's time
///   POST /clock                  {"by":"-5s"}
///
/// One thread. The references must outlive this object, and it the handlers.
class TestControls {
 public:
  /// Either way from the machine's time: certificates and tokens would end beyond it.
  static constexpr std::chrono::hours kOffsetMax{24 * 366};

  struct Parts {
    const Tenancy& tenancy;
    const ArmGate& gate;
    const SigningKeys& keys;
    MovableClock& clock;
    Random& random;
  };
  TestControls(Parts parts, bool allowed);

  /// `service`, which suffers what is planned for `target`. `service` itself when controls are off.
  ///
  /// The management plane's own tokens are spared at the identity service: whoever has planned a
  /// fault there must be able to take it back.
  http::Handler around(FaultTarget target, http::Handler service);
  /// Answers for the control paths, and lets `management` answer for all others.
  http::Handler before(http::Handler management);

 private:
  Task<http::Response> suffer(FaultTarget target, const http::Handler& service,
                              const http::Request& request);
  Task<http::Response> answer(const http::Request& request);
  http::Response faults(const http::Request& request, std::string_view rest);
  http::Response clock(const http::Request& request);

  const Parts with_;
  const bool allowed_;
  FaultPlan plan_;
};

}  // namespace latchkey::cloud
