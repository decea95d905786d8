#include "codes/testing/table_under_test.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "codes/sqlite_code_table.hpp"

namespace latchkey::codes::testing {
namespace {

std::string url_under_test() {
  const char* const url = std::getenv("LATCHKEY_TEST_CODE_TABLE_URL");
  return url == nullptr ? "" : url;
}

/// An empty URL is a SQLite file; an empty path of it, one in memory.
CodeTables open(const std::string& url, const std::filesystem::path& file, Executor) {
  if (url.empty()) return open_sqlite_tables(file).value();
  throw std::runtime_error("no table is known for " + url);
}

}  // namespace

CodeTables open_table_under_test(Executor executor) {
  return open(url_under_test(), {}, executor);
}

std::vector<CodeTables> open_copies_under_test(Executor executor, int copies,
                                               const std::filesystem::path& folder) {
  std::vector<CodeTables> tables;
  for (int i = 0; i < copies; ++i) {
    tables.push_back(open(url_under_test(), folder / "codes.db", executor));
  }
  return tables;
}

}  // namespace latchkey::codes::testing
