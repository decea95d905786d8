#pragma once

#include <string>

#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

enum class Verdict { accepted, not_active_yet, refused };

/// Checks a code and uses it up: one conditional update, then a second look at the clock;
/// acceptance *is* that second look. Errors: kind storage or unavailable when the table cannot
/// answer (fails closed; the code may have been used up). Why a code was refused goes to the debug
/// log only, without the code.
class Verifier {
 public:
  Verifier(CodeTable& table, const CodeHasher& hasher, Clock& clock);
  /// `idempotency_key`: a retry with the same one, soon enough, gets the same answer (see
  /// CodeTable::consume). It must be unguessable or bound to the caller; may be empty.
  Task<Result<Verdict>> verify(Secret code, Binding binding, std::string idempotency_key = {});

 private:
  CodeTable& table_;
  const CodeHasher& hasher_;
  Clock& clock_;
};

}  // namespace latchkey::codes
