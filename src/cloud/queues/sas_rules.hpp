#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "cloud/queues/queue_operation.hpp"
#include "wire/access_policy.hpp"
#include "wire/sas.hpp"
#include "wire/storage_error.hpp"

/// What a SAS whose signature is right allows. Pure.
namespace latchkey::cloud {

struct SasUse {
  QueueOperation operation;
  UtcTime now;
  bool over_tls = false;
  std::string_view peer_address;
};

/// Puts what the stored policy says in the place of what the SAS leaves open. Error:
/// AuthenticationFailed (both say it).
std::optional<wire::StorageError> apply_policy(wire::Sas& sas, const wire::AccessPolicy& policy);

/// Whether the key of a user delegation SAS is one for queues and for now. Error:
/// AuthenticationFailed.
std::optional<wire::StorageError> check_delegation(const wire::UserDelegation& key, UtcTime now);

/// Nullopt: allowed. Errors: AuthenticationFailed (not yet or no longer valid, malformed),
/// AuthorizationProtocolMismatch, AuthorizationSourceIPMismatch, AuthorizationServiceMismatch,
/// AuthorizationResourceTypeMismatch, AuthorizationPermissionMismatch.
std::optional<wire::StorageError> check_sas_grants(const wire::Sas& sas, const SasUse& use);

/// True when `address` is `range` ("168.1.5.65") or lies in it ("168.1.5.60-168.1.5.70"). IPv6 as
/// well; an IPv4 address seen through an IPv6 socket counts as IPv4.
bool address_in_range(std::string_view address, std::string_view range);

}  // namespace latchkey::cloud
