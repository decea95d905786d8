#include "cloud/functions/functions_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kApi = "/api/";
constexpr std::string_view kKeyHeader = "x-functions-key";
constexpr std::string_view kKeyParameter = "code";
constexpr std::string_view kDefaultKey = "default";
/// Stands where a function's name would: keys that open every function, and the master key.
constexpr std::string_view kHost = "";
constexpr std::string_view kMasterKey = "_master";
constexpr std::size_t kSeedBytes = 32;
/// At the end of each key that is made here, so that scanners for lost secrets can tell it.
constexpr std::string_view kKeyMark = "LkFn";

/// Keys by lower-case function name, then by lower-case key name.
using Keys = std::map<std::string, std::map<std::string, Secret>>;

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

Result<> write_key(sqlite::Database& database, std::string_view function, std::string_view name,
                   const Secret& value) {
  return database
      .cached(
          "INSERT INTO function_keys(function, name, value) VALUES(?1, ?2, ?3) "
          "ON CONFLICT(function, name) DO UPDATE SET value = excluded.value")
      .bind(1, function)
      .bind(2, name)
      .bind(3, value.reveal())
      .run();
}

}  // namespace

struct FunctionsHost::Impl {
  Result<> read(sqlite::Database& database, Random& random);
  Result<> read_seed(sqlite::Database& database, Random& random);
  /// The key that a function has until another is set. Made of the seed, not kept: it is the same
  /// after a restart although `add` cannot wait for a write.
  Secret made_key(std::string_view function, std::string_view name) const;
  const Secret* find_key(std::string_view function, std::string_view name) const;
  bool may_call(const FunctionDefinition& function, const http::Request& request,
                const http::Query& query) const;
  Task<http::Response> answer(const http::Request& request);

  Secret seed;
  Keys keys;
  std::map<std::string, FunctionDefinition> functions;  ///< by lower-case name
  sqlite::Writer* writer = nullptr;
};

FunctionsHost::FunctionsHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FunctionsHost::~FunctionsHost() = default;

Result<std::unique_ptr<FunctionsHost>> FunctionsHost::load(sqlite::Database& database,
                                                           Random& random) {
  auto impl = std::make_unique<Impl>();
  if (auto read = impl->read(database, random); !read) return fail(read.error());
  return std::unique_ptr<FunctionsHost>(new FunctionsHost(std::move(impl)));
}

void FunctionsHost::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
}

void FunctionsHost::add(FunctionDefinition function) {
  const auto name = to_lower(function.name);
  LK_ASSERT(!name.empty() && function.handler);
  auto& keys = impl_->keys[name];
  const std::string key_name(kDefaultKey);
  if (!keys.contains(key_name)) keys.emplace(key_name, impl_->made_key(name, key_name));
  const bool added = impl_->functions.emplace(name, std::move(function)).second;
  LK_ASSERT(added);
}

http::Handler FunctionsHost::handler() {
  return [impl = impl_.get()](const http::Request& request) { return impl->answer(request); };
}

std::optional<Secret> FunctionsHost::function_key(std::string_view function,
                                                  std::string_view name) const {
  const auto* found = impl_->find_key(function, name);
  if (found == nullptr) return std::nullopt;
  return *found;
}

Task<Result<>> FunctionsHost::set_function_key(std::string function, std::string name,
                                               Secret value) {
  LK_ASSERT(impl_->writer != nullptr);
  const auto function_name = to_lower(function);
  const auto key_name = to_lower(name);
  if (value.empty() || key_name.empty() || function_name.empty()) {
    co_return fail(ErrorKind::invalid_argument, "InvalidKey",
                   "a function key needs the function's name, its own and a value");
  }
  auto work = [function_name, key_name, value](sqlite::Database& database) {
    return write_key(database, function_name, key_name, value);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  if (!written) co_return fail(written.error());
  impl_->keys[function_name].insert_or_assign(key_name, std::move(value));
  co_return Result<>{};
}

Task<http::Response> FunctionsHost::Impl::answer(const http::Request& request) {
  const auto path = request.path();
  const auto query = http::parse_query(request.query_text());
  if (!istarts_with(path, kApi) || !query) co_return empty_response(404);
  auto rest = path.substr(kApi.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto name = percent_decode(rest);
  const auto found = name ? functions.find(to_lower(*name)) : functions.end();
  if (found == functions.end()) co_return empty_response(404);
  const auto& function = found->second;
  if (std::ranges::find(function.methods, request.method) == function.methods.end()) {
    co_return empty_response(404);
  }
  if (!may_call(function, request, *query)) co_return empty_response(401);
  co_return co_await function.handler(request);
}

bool FunctionsHost::Impl::may_call(const FunctionDefinition& function, const http::Request& request,
                                   const http::Query& query) const {
  if (function.level == AuthLevel::anonymous) return true;
  std::string_view given;
  if (const auto header = request.headers.find(kKeyHeader)) {
    given = *header;  // Then the query is not looked at, also when this one is wrong.
  } else if (const auto* parameter = http::find_parameter(query, kKeyParameter)) {
    given = *parameter;
  }
  // Every key is compared, whichever fits: the time tells nothing.
  bool fits = false;
  for (const auto& owner : {std::string(kHost), to_lower(function.name)}) {
    const auto entry = keys.find(owner);
    if (entry == keys.end()) continue;
    for (const auto& [name, key] : entry->second) {
      const bool opens =
          function.level == AuthLevel::function || (owner == kHost && name == kMasterKey);
      fits =
          static_cast<bool>(static_cast<int>(key.equals(given)) & static_cast<int>(opens)) || fits;
    }
  }
  return fits && !given.empty();
}

const Secret* FunctionsHost::Impl::find_key(std::string_view function,
                                            std::string_view name) const {
  const auto entry = keys.find(to_lower(function));
  if (entry == keys.end()) return nullptr;
  const auto key = entry->second.find(to_lower(name));
  return key == entry->second.end() ? nullptr : &key->second;
}

Secret FunctionsHost::Impl::made_key(std::string_view function, std::string_view name) const {
  const auto mac =
      hmac_sha256(as_bytes(seed.reveal()), fmt::format("{}/{}", to_lower(function), name));
  return Secret(to_base64url(mac) + std::string(kKeyMark));
}

Result<> FunctionsHost::Impl::read(sqlite::Database& database, Random& random) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS functions_host(seed TEXT NOT NULL);"
      "CREATE TABLE IF NOT EXISTS function_keys("
      "  function TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
      "  PRIMARY KEY(function, name))");
  if (!made) return made;
  if (auto seeded = read_seed(database, random); !seeded) return seeded;
  auto& host_keys = keys[std::string(kHost)];
  for (const auto name : {kMasterKey, kDefaultKey}) {
    host_keys.emplace(name, made_key(kHost, name));
  }
  auto& rows = database.cached("SELECT function, name, value FROM function_keys");
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    keys[std::string(rows.text(0))].insert_or_assign(std::string(rows.text(1)),
                                                     Secret(std::string(rows.text(2))));
  }
  rows.reset();
  return {};
}

Result<> FunctionsHost::Impl::read_seed(sqlite::Database& database, Random& random) {
  auto& rows = database.cached("SELECT seed FROM functions_host");
  auto row = rows.step();
  if (!row) return fail(row.error());
  if (*row) {
    seed = Secret(std::string(rows.text(0)));
    rows.reset();
    return {};
  }
  rows.reset();
  seed = Secret(random.hex(kSeedBytes));
  return database.cached("INSERT INTO functions_host(seed) VALUES(?1)")
      .bind(1, seed.reveal())
      .run();
}

}  // namespace latchkey::cloud
