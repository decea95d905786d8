#pragma once

#include <memory>

#include "codes/code_table.hpp"
#include "codes/idempotency.hpp"

namespace latchkey::codes {

/// What one store keeps: issued codes, and answers under their idempotency keys.
struct CodeTables {
  std::unique_ptr<CodeTable> codes;
  std::unique_ptr<AnswerTable> answers;
};

}  // namespace latchkey::codes
