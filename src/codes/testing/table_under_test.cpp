#include "codes/testing/table_under_test.hpp"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "codes/azure_code_tables.hpp"
#include "codes/redis_code_table.hpp"
#include "codes/redis_login.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/losing_client.hpp"

namespace latchkey::codes::testing {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct TestWorld {
  SystemClock clock;
  SystemRandom random;
  http::TlsClientContext trust = http::TlsClientContext::system_trust().value();
};

TestWorld& test_world() {
  static TestWorld world;
  return world;
}

CodeTables open_redis(const std::string& url, Executor executor) {
  TestWorld& world = test_world();
  const RedisAddress address = parse_redis_url(url).value();
  return open_redis_tables(address, login_of(address),
                           {executor, world.trust, world.clock, world.random});
}

/// By a URL with a shared access signature, or by a connection string.
CodeTables open_azure(const std::string& text, Executor executor) {
  TestWorld& world = test_world();
  const bool is_url = text.starts_with("http");
  const auto address = is_url ? azure::table_address_from_url(text, nullptr)
                              : azure::table_address_from_connection_string(text, "codes");
  const int lose = parse_integer<int>(variable("LATCHKEY_TEST_LOSE_ANSWERS")).value_or(0);
  auto pool = std::make_unique<http::PooledClient>(executor, world.trust, world.clock);
  auto http = std::make_shared<LosingClient>(std::move(pool), lose);
  azure::RetryOptions retry;
  // So many that no call loses all its answers.
  if (lose > 0) retry = {.attempts_max = 20, .first_delay = std::chrono::milliseconds{1}};
  return open_azure_tables(address.value(), {std::move(http), world.clock, world.random, executor},
                           retry);
}

/// An empty URL is a SQLite file; an empty path of it, one in memory.
CodeTables open(const std::string& url, const std::filesystem::path& file, Executor executor) {
  if (url.empty()) return open_sqlite_tables(file).value();
  if (url.starts_with("redis")) return open_redis(url, executor);
  const bool is_azure = url.starts_with("http") || url.find("AccountName=") != std::string::npos;
  if (is_azure) return open_azure(url, executor);
  throw std::runtime_error("no table is known for this URL");
}

std::string url_under_test() {
  return variable("LATCHKEY_TEST_CODE_TABLE_URL");
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
