#pragma once

#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "codes/code_table.hpp"
#include "codes/idempotency.hpp"

namespace latchkey::codes {

struct SqliteTables {
  std::unique_ptr<CodeTable> codes;
  std::unique_ptr<AnswerTable> answers;
};

/// The embedded tables: a SQLite file that processes of one machine may share, one writer with
/// group commit in each. An empty path gives tables in memory, for tests.
Result<SqliteTables> open_sqlite_tables(const std::filesystem::path& file);

}  // namespace latchkey::codes
