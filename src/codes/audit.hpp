#pragma once

#include <string>
#include <string_view>

#include "codes/code.hpp"

/// What happened to codes, for those who have to account for it: one event for each issue,
/// activation, verification result, revocation and expiry; who, what and when (UTC), never the code
/// (OWASP ASVS 16.2.1, 16.3).
namespace latchkey::codes {

enum class AuditEventKind {
  code_issued,
  issue_refused,   ///< a limit; reason says which
  code_activated,  ///< pending -> valid
  code_accepted,   ///< reason "repeated" for the answer to a retry
  code_refused,    ///< reason says why: for us, not for the caller
  attempt_throttled,
  code_revoked,          ///< reason: requested, superseded, attempts, queue_failed
  code_expired,          ///< a row is forgotten that had not been used or revoked
  caller_refused,        ///< no or a wrong credential, or a role missing
  sign_in_first_factor,  ///< reason: accepted or refused
  signed_in,
  signed_out,
  sign_in_disowned,  ///< "this was not me"
};
inline constexpr AuditEventKind kLastAuditEventKind = AuditEventKind::sign_in_disowned;
/// "code_issued" and so on.
const char* to_string(AuditEventKind kind);

struct AuditEvent {
  AuditEventKind kind{};
  std::string_view code_id{};  ///< CodeRow::id; empty where no row is known
  std::string_view subject{};
  std::string_view purpose{};
  std::string_view caller{};  ///< who asked: an API key's name, an app's id, an address, "watcher"
  std::string_view reason{};
};

/// Where events go. `record` adds the time and returns once a killed process cannot lose the event.
/// It never fails towards its caller: what cannot be written is counted and told in the log.
class Audit {
 public:
  virtual ~Audit() = default;
  virtual void record(const AuditEvent& event) = 0;
};

}  // namespace latchkey::codes
