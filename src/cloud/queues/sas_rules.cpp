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
    return wire::storage_error("AuthorizationProtocolMismatch");
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
  if (!sas.is_account_sas()) {
    if (shares_a_letter(sas.permissions, needs.service_permission)) return std::nullopt;
    return wire::storage_error("AuthorizationPermissionMismatch");
  }
  if (!shares_a_letter(sas.services, "q")) {
    return wire::storage_error("AuthorizationServiceMismatch");
  }
  // No account SAS reaches these, whatever it grants.
  if (needs.resource_types.empty()) return wire::storage_error("AuthorizationPermissionMismatch");
  if (!shares_a_letter(sas.resources, needs.resource_types)) {
    return wire::storage_error("AuthorizationResourceTypeMismatch");
  }
  if (!shares_a_letter(sas.permissions, needs.account_permission)) {
    return wire::storage_error("AuthorizationPermissionMismatch");
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
