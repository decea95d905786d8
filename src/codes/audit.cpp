#include "codes/audit.hpp"

namespace latchkey::codes {

const char* to_string(AuditEventKind kind) {
  switch (kind) {
    case AuditEventKind::code_issued:
      return "code_issued";
    case AuditEventKind::issue_refused:
      return "issue_refused";
    case AuditEventKind::code_activated:
      return "code_activated";
    case AuditEventKind::code_accepted:
      return "code_accepted";
    case AuditEventKind::code_refused:
      return "code_refused";
    case AuditEventKind::attempt_throttled:
      return "attempt_throttled";
    case AuditEventKind::code_revoked:
      return "code_revoked";
    case AuditEventKind::code_expired:
      return "code_expired";
    case AuditEventKind::caller_refused:
      return "caller_refused";
    case AuditEventKind::sign_in_first_factor:
      return "sign_in_first_factor";
    case AuditEventKind::signed_in:
      return "signed_in";
    case AuditEventKind::signed_out:
      return "signed_out";
    case AuditEventKind::sign_in_disowned:
      return "sign_in_disowned";
  }
  return "unknown";
}

}  // namespace latchkey::codes
