#pragma once

#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

/// The embedded table: a SQLite file that processes of one machine may share, one writer with group
/// commit in each. An empty path gives a table in memory, for tests.
Result<std::unique_ptr<CodeTable>> open_sqlite_code_table(const std::filesystem::path& file);

}  // namespace latchkey::codes
