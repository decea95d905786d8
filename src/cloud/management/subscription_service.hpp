#pragma once

#include <string_view>

#include "cloud/management/arm_gate.hpp"
#include "cloud/tenancy.hpp"
#include "http/router.hpp"

namespace latchkey::cloud {

/// The one subscription there is, for tools that begin by asking (`az login`):
///
///   GET /subscriptions                   all that the caller may read: this one or none
///   GET /subscriptions/{subscription}
///
/// Source: REST reference "Subscriptions"; any api-version is taken.
class SubscriptionService {
 public:
  /// The references must outlive this object.
  SubscriptionService(const Tenancy& tenancy, const ArmGate& gate);
  /// This object must outlive the handler.
  http::Handler handler() const { return router_.handler(); }
  /// Whether the path of a request is one for this service.
  static bool serves(std::string_view path);

 private:
  http::Response list(const http::Request& request) const;
  http::Response get(const http::Request& request, std::string_view subscription) const;

  const Tenancy tenancy_;
  const ArmGate& gate_;
  http::Router router_;
};

}  // namespace latchkey::cloud
