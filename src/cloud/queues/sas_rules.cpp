#include "cloud/queues/sas_rules.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/time_text.hpp"
#include "cloud/queues/queue_authorization.hpp"

namespace latchkey::cloud {
namespace {

/// 16 bytes in network order, IPv4 in its mapped form, so that all addresses compare alike.
using Address = std::array<std::uint8_t, 16>;

std::optional<Address> parse_address(std::string_view text) {
  const std::string terminated(text);
  Address bytes{};
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool shares_a_letter(std::string_view given, std::string_view wanted) {
  return given.find_first_of(wanted) != std::string_view::npos;
}

/// 403 with what the SAS grants beside what was needed.
wire::StorageError not_granted(std::string_view code, std::string_view field,
                               std::string_view given, std::string_view needed) {
  std::string detail("The SAS grants ");
  detail.append(field).append("='").append(given).append("'; this operation needs ");
  if (needed.empty()) {
    detail.append("another way in: no such SAS can allow it.");
  } else {
    detail.append(needed.size() == 1 ? "'" : "one of '").append(needed).append("'.");
  }
  return wire::storage_error(code, {{"ExtendedErrorDetail", std::move(detail)}});
}

Refusal check_times(const wire::Sas& sas, UtcTime now) {
  const auto expiry = from_iso8601(sas.expiry);
  if (!expiry) return authentication_failed("Signed expiry (se) is missing or not a time.");
  if (*expiry <= now) {
    return authentication_failed("Signed expiry time [" + sas.expiry +
                                 "] has to be after the current time [" + to_rfc1123(now) + "].");
  }
  if (sas.start.empty()) return std::nullopt;
  const auto start = from_iso8601(sas.start);
  if (!start) return authentication_failed("Signed start (st) is not a time.");
  if (*start > now) {
    return authentication_failed("Signed start time [" + sas.start +
                                 "] has to be before the current time [" + to_rfc1123(now) + "].");
  }
  return std::nullopt;
}

Refusal check_connection(const wire::Sas& sas, const SasUse& use) {
  if (!sas.protocol.empty() && sas.protocol != "https" && sas.protocol != "https,http") {
    return authentication_failed("Signed protocol (spr) is neither https nor https,http.");
  }
  if (sas.protocol == "https" && !use.over_tls) {
    return not_granted("AuthorizationProtocolMismatch", "spr", sas.protocol, "https");
  }
  if (!sas.ip.empty() && !address_in_range(use.peer_address, sas.ip)) {
    return wire::storage_error("AuthorizationSourceIPMismatch",
                               {{"SourceIP", std::string(use.peer_address)}});
  }
  return std::nullopt;
}

}  // namespace

std::optional<wire::StorageError> check_sas_grants(const wire::Sas& sas, const SasUse& use) {
  if (auto refusal = check_times(sas, use.now)) return refusal;
  if (auto refusal = check_connection(sas, use)) return refusal;
  const OperationNeeds& needs = needs_of(use.operation);
  const std::string_view wanted =
      sas.is_account_sas() ? needs.account_permission : needs.service_permission;
  if (sas.is_account_sas()) {
    if (!shares_a_letter(sas.services, "q")) {
      return not_granted("AuthorizationServiceMismatch", "ss", sas.services, "q");
    }
    // Where no type is named, no account SAS helps, whatever it grants.
    if (!needs.resource_types.empty() && !shares_a_letter(sas.resources, needs.resource_types)) {
      return not_granted("AuthorizationResourceTypeMismatch", "srt", sas.resources,
                         needs.resource_types);
    }
  }
  if (shares_a_letter(sas.permissions, wanted)) return std::nullopt;
  return not_granted("AuthorizationPermissionMismatch", "sp", sas.permissions, wanted);
}

std::optional<wire::StorageError> apply_policy(wire::Sas& sas, const wire::AccessPolicy& policy) {
  struct Pair {
    std::string& in_sas;
    std::string in_policy;
    std::string_view name;
  };
  const auto text = [](const std::optional<UtcTime>& time) {
    return time ? to_iso8601(*time) : std::string();
  };
  const std::array<Pair, 3> pairs = {
      {{.in_sas = sas.start, .in_policy = text(policy.start), .name = "start (st)"},
       {.in_sas = sas.expiry, .in_policy = text(policy.expiry), .name = "expiry (se)"},
       {.in_sas = sas.permissions, .in_policy = policy.permissions, .name = "permissions (sp)"}}};
  for (const Pair& pair : pairs) {
    if (pair.in_policy.empty()) continue;
    if (!pair.in_sas.empty()) {
      return authentication_failed(std::string("Signed ").append(pair.name).append(
          " must not be given by both the SAS and its stored access policy."));
    }
    pair.in_sas = pair.in_policy;
  }
  return std::nullopt;
}

std::optional<wire::StorageError> check_delegation(const wire::UserDelegation& key, UtcTime now) {
  const auto start = from_iso8601(key.start);
  const auto expiry = from_iso8601(key.expiry);
  if (!start || !expiry) {
    return authentication_failed("Signed key start (skt) or expiry (ske) is not a time.");
  }
  if (*start > now || *expiry <= now) {
    return authentication_failed("The user delegation key is valid from [" + key.start + "] to [" +
                                 key.expiry + "]; the current time is [" + to_rfc1123(now) + "].");
  }
  if (key.service != "q") {
    return authentication_failed("Signed key service (sks) is not q, the queue service.");
  }
  return std::nullopt;
}

bool address_in_range(std::string_view address, std::string_view range) {
  const auto dash = range.find('-');
  const auto seen = parse_address(address);
  const auto first = parse_address(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_address(range.substr(dash + 1));
  return seen && first && last && *first <= *seen && *seen <= *last;
}

}  // namespace latchkey::cloud
