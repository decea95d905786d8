#include "codes/testing/table_under_test.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "codes/redis_code_table.hpp"
#include "codes/redis_login.hpp"
#include "codes/sqlite_code_table.hpp"

namespace latchkey::codes::testing {
namespace {

std::string url_under_test() {
  const char* const url = std::getenv("LATCHKEY_TEST_CODE_TABLE_URL");
  return url == nullptr ? "" : url;
}

CodeTables open_redis(const std::string& url, Executor executor) {
  static SystemClock clock;
  static SystemRandom random;
  static const auto trust = http::TlsClientContext::system_trust().value();
  const RedisAddress address = parse_redis_url(url).value();
  return open_redis_tables(address, login_of(address), {executor, trust, clock, random});
}

/// An empty URL is a SQLite file; an empty path of it, one in memory.
CodeTables open(const std::string& url, const std::filesystem::path& file, Executor executor) {
  if (url.empty()) return open_sqlite_tables(file).value();
  if (url.starts_with("redis")) return open_redis(url, executor);
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
