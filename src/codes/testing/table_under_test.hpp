#pragma once

#include <filesystem>
#include <vector>

#include "base/task.hpp"
#include "codes/code_tables.hpp"

/// Which tables the conformance test (table_*_test.cpp) is about: SQLite, unless the environment
/// variable LATCHKEY_TEST_CODE_TABLE_URL names another. Every case keeps to keys of its own, so
/// that one store serves all of them, run after run:
/// LATCHKEY_TEST_LOSE_ANSWERS=3 loses every third answer of Azure tables on its way.
///
///     LATCHKEY_TEST_CODE_TABLE_URL=redis://127.0.0.1:6379/0 codes_tests --gtest_filter='Table*'
namespace latchkey::codes::testing {

/// One copy's tables; SQLite's are in memory.
CodeTables open_table_under_test(Executor executor);

/// The tables of `copies` processes that share a store; SQLite's is a file in `folder`.
std::vector<CodeTables> open_copies_under_test(Executor executor, int copies,
                                               const std::filesystem::path& folder);

}  // namespace latchkey::codes::testing
