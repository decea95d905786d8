#pragma once

#include <filesystem>

#include "base/result.hpp"
#include "codes/code_tables.hpp"

namespace latchkey::codes {

/// The embedded tables: a SQLite file that processes of one machine may share, one writer with
/// group commit in each. An empty path gives tables in memory, for tests.
Result<CodeTables> open_sqlite_tables(const std::filesystem::path& file);

}  // namespace latchkey::codes
