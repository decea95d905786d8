#pragma once

#include "base/clock.hpp"
#include "base/random.hpp"
#include "cloud/test_controls/fault_plan.hpp"
#include "http/message.hpp"

namespace latchkey::cloud {

/// What `fault.target` says to `request` when it is throttled (429), broken (500) or unavailable
/// (503), in the shape that its clients know: XML with x-ms-error-code from queues, OAuth errors
/// from login, {"error":{...}} from vaults and management, and so on.
///
/// Queue Storage itself throttles by 503 ServerBusy; a 429 is from what stands before it.
/// Sources: "Key Vault throttling guidance", "Queue service error codes", "Microsoft Entra
/// authentication error codes", "Azure Instance Metadata Service", "Throttling Resource Manager".
http::Response fault_answer(const Fault& fault, const http::Request& request, UtcTime now,
                            Random& random);

}  // namespace latchkey::cloud
