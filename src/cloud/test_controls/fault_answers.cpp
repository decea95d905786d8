#include "cloud/test_controls/fault_answers.hpp"

#include <string>
#include <string_view>

#include "cloud/management/arm_gate.hpp"
#include "wire/storage_error.hpp"
#include "wire/token_json.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::cloud {
namespace {

int status_of(FaultKind kind) {
  if (kind == FaultKind::throttled) return 429;
  return kind == FaultKind::unavailable ? 503 : 500;
}

/// One text for each of the three: the first for 429, then 503, then 500.
struct Texts {
  std::string_view throttled;
  std::string_view unavailable;
  std::string_view broken;
  std::string_view of(FaultKind kind) const {
    if (kind == FaultKind::throttled) return throttled;
    return kind == FaultKind::unavailable ? unavailable : broken;
  }
};

constexpr Texts kMessages{"Too many requests have been received. Try again later.",
                          "The service is unavailable now. Try again later.",
                          "The service has met an error of its own. Try again."};

http::Response queue_answer(FaultKind kind, UtcTime now, Random& random) {
  wire::StorageError error;
  if (kind == FaultKind::throttled) {
    error = {.status = 429,
             .code = "TooManyRequests",
             .message = std::string(kMessages.throttled),
             .details = {},
             .headers = {}};
  } else {
    error = wire::storage_error(kind == FaultKind::unavailable ? "ServerBusy" : "InternalError");
  }
  const auto request_id = random.uuid();
  auto answer = wire::render_storage_error(error, request_id, now);
  answer.headers.set("x-ms-request-id", request_id);
  return answer;
}

http::Response login_answer(FaultKind kind, UtcTime now, Random& random) {
  constexpr Texts kErrors{"temporarily_unavailable", "temporarily_unavailable", "server_error"};
  int code = 50000;
  if (kind == FaultKind::throttled) code = 90055;
  if (kind == FaultKind::unavailable) code = 90033;
  return http::json_response(
      status_of(kind),
      wire::render_oauth_error(kErrors.of(kind), kMessages.of(kind), code, random.uuid(), now));
}

http::Response identity_answer(FaultKind kind, const http::Request& request) {
  const int status = status_of(kind);
  const auto message = kMessages.of(kind);
  const bool is_imds = request.path().starts_with("/metadata/");
  constexpr Texts kErrors{"too_many_requests", "service_unavailable", "unknown"};
  return http::json_response(status, is_imds ? wire::render_imds_error(kErrors.of(kind), message)
                                             : wire::render_app_service_error(status, message));
}

http::Response shape(const Fault& fault, const http::Request& request, UtcTime now,
                     Random& random) {
  const int status = status_of(fault.kind);
  switch (fault.target) {
    case FaultTarget::queue:
      return queue_answer(fault.kind, now, random);
    case FaultTarget::login:
      return login_answer(fault.kind, now, random);
    case FaultTarget::identity:
      return identity_answer(fault.kind, request);
    case FaultTarget::vault: {
      constexpr Texts kCodes{"Throttled", "ServiceUnavailable", "InternalServerError"};
      const auto code = kCodes.of(fault.kind);
      return http::json_response(status, wire::render_vault_error(code, kMessages.of(fault.kind)));
    }
    case FaultTarget::management: {
      constexpr Texts kCodes{"TooManyRequests", "ServiceUnavailable", "InternalServerError"};
      return arm_error(status, kCodes.of(fault.kind), kMessages.of(fault.kind));
    }
    case FaultTarget::functions:
      break;
  }
  http::Response empty;  // The functions host explains nothing.
  empty.status = status;
  return empty;
}

}  // namespace

http::Response fault_answer(const Fault& fault, const http::Request& request, UtcTime now,
                            Random& random) {
  auto answer = shape(fault, request, now, random);
  if (fault.kind != FaultKind::broken && fault.retry_after.count() > 0) {
    answer.headers.set("Retry-After", std::to_string(fault.retry_after.count()));
  }
  return answer;
}

}  // namespace latchkey::cloud
