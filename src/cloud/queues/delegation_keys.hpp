#pragma once

#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "wire/storage_error.hpp"
#include "wire/user_delegation.hpp"

/// User delegation keys of this service. None is stored: each is computed from a secret of the
/// service and from all that the key says of itself, so that a SAS which names another holder or
/// another time names another key.
namespace latchkey::cloud {

class DelegationKeys {
 public:
  explicit DelegationKeys(Secret secret) : secret_(std::move(secret)) {}

  /// Base64.
  Secret key_of(const wire::UserDelegation& delegation, std::string_view account) const;

 private:
  Secret secret_;
};

inline constexpr std::chrono::days kDelegationKeyLifeMax{7};

/// The times of a key that is asked for now, in whole seconds. Errors: InvalidXmlNodeValue (it ends
/// before it begins or in the past, or lasts longer than seven days).
wire::Served<wire::UserDelegation> plan_delegation(const wire::KeyInfo& info, UtcTime now);

/// "2026-04-06T10:20:30Z": a whole second.
std::string to_signed_time(UtcTime time);

}  // namespace latchkey::cloud
