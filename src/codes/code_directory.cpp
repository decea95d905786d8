#include "codes/code_directory.hpp"

#include <utility>

namespace latchkey::codes {
namespace {
using Standing = CodeDirectory::Standing;

Standing standing_of(const CodeRow& row, UtcTime now) {
  switch (row.state) {
    case CodeState::used:
      return Standing::used;
    case CodeState::revoked:
      return Standing::revoked;
    case CodeState::pending:
    case CodeState::valid:
      break;
  }
  if (row.expires <= now) return Standing::expired;
  return row.state == CodeState::pending ? Standing::pending : Standing::valid;
}

void record_revoked(Audit& audit, const CodeFacts& code, const std::string& caller) {
  audit.record({.kind = AuditEventKind::code_revoked,
                .code_id = code.id,
                .subject = code.binding.subject,
                .purpose = code.binding.purpose,
                .caller = caller,
                .reason = "requested"});
}

}  // namespace

CodeDirectory::CodeDirectory(CodeTable& table, Audit& audit, Clock& clock)
    : table_(table), audit_(audit), clock_(clock) {}

Task<Result<std::optional<CodeDirectory::View>>> CodeDirectory::look(std::string id, Trace trace) {
  auto row = co_await table_.find_id(std::move(id), trace);
  if (!row) co_return fail(std::move(row.error()));
  if (!*row) co_return std::nullopt;
  co_return View{.id = (*row)->id,
                 .standing = standing_of(**row, clock_.now()),
                 .binding = (*row)->binding,
                 .issued = (*row)->issued,
                 .expires = (*row)->expires};
}

Task<Result<CodeDirectory::Revoked>> CodeDirectory::revoke(std::string id, std::string caller,
                                                           Trace trace) {
  auto answer = co_await table_.revoke_id(std::move(id), trace);
  if (!answer) co_return fail(std::move(answer.error()));
  if (!answer->facts) co_return Revoked::unknown;
  if (!answer->revoked) {
    co_return answer->facts->state == CodeState::used ? Revoked::used : Revoked::already;
  }
  record_revoked(audit_, *answer->facts, caller);
  co_return Revoked::yes;
}

Task<Result<std::int64_t>> CodeDirectory::revoke_subject(std::string subject,
                                                         std::optional<std::string> purpose,
                                                         std::string caller, Trace trace) {
  const UtcTime now = clock_.now();
  auto revoked = co_await table_.revoke_subject(std::move(subject), std::move(purpose), now, trace);
  if (!revoked) co_return fail(std::move(revoked.error()));
  for (const CodeFacts& code : *revoked) record_revoked(audit_, code, caller);
  co_return static_cast<std::int64_t>(revoked->size());
}

const char* to_string(CodeDirectory::Standing standing) {
  switch (standing) {
    case Standing::pending:
      return "pending";
    case Standing::valid:
      return "valid";
    case Standing::used:
      return "used";
    case Standing::revoked:
      return "revoked";
    case Standing::expired:
      return "expired";
  }
  return "unknown";
}

}  // namespace latchkey::codes
