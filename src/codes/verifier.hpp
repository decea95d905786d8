#pragma once

#include <string>

#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

enum class Verdict { accepted, not_active_yet, refused };

/// Checks a code and uses it up: one conditional update, then a second look at the clock;
/// acceptance *is* that second look. Errors: kind storage or unavailable when the table cannot
/// answer (fails closed).
class Verifier {
 public:
  Verifier(CodeTable& table, const CodeHasher& hasher, Clock& clock);
  /// `idempotency_key` as used_by; may be empty.
  Task<Result<Verdict>> verify(Secret code, Binding binding, std::string idempotency_key = {});

 private:
  CodeTable& table_;
  const CodeHasher& hasher_;
  Clock& clock_;
};

}  // namespace latchkey::codes
