#include "cloud/functions/function_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "cloud/settings.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kKeyBytes = 32;
/// At the end of each key that is made here, so that scanners for lost secrets can tell it.
constexpr std::string_view kKeyMark = "LkFn";
constexpr std::string_view kSeedSetting = "function_seed";

std::string place(const std::string& owner, std::string_view name) {
  return fmt::format("function-key/{}/{}", owner, to_lower(name));
}

Result<> write_key(sqlite::Database& database, const std::string& owner, std::string_view name,
                   std::string_view sealed) {
  return database
      .cached(
          "INSERT INTO sealed_function_keys(owner, name, value) VALUES(?1, ?2, ?3) "
          "ON CONFLICT(owner, name) DO UPDATE SET name = excluded.name, value = excluded.value")
      .bind(1, owner)
      .bind(2, name)
      .bind(3, as_bytes(sealed))
      .run();
}

Result<bool> has_table(sqlite::Database& database, std::string_view name) {
  auto rows = database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?1");
  if (!rows) return fail(rows.error());
  rows->bind(1, name);
  return rows->step();
}

}  // namespace

KeyOwner KeyOwner::function(std::string_view name) {
  return KeyOwner(to_lower(name));
}

AuthLevel KeyOwner::level() const {
  if (text_ == master().text_) return AuthLevel::admin;
  return text_ == system().text_ ? AuthLevel::system : AuthLevel::function;
}

Result<std::unique_ptr<FunctionKeys>> FunctionKeys::load(sqlite::Database& database, StoreKey key,
                                                         Random& random) {
  std::unique_ptr<FunctionKeys> keys(new FunctionKeys(key, random));
  if (auto read = keys->read(database); !read) return fail(read.error());
  return keys;
}

void FunctionKeys::make_default(std::string_view function) {
  add_made(KeyOwner::function(function), kDefault);
}

AuthLevel FunctionKeys::level_of(std::string_view given, std::string_view function) const {
  const std::array<KeyOwner, 4> owners{KeyOwner::master(), KeyOwner::system(), KeyOwner::host(),
                                       KeyOwner::function(function)};
  int reached = static_cast<int>(AuthLevel::anonymous);
  for (const auto& owner : owners) {
    const auto entry = keys_.find(owner.text());
    if (entry == keys_.end()) continue;
    for (const auto& [name, key] : entry->second) {
      const bool fits = key.value.equals(given);
      reached = std::max(reached, static_cast<int>(fits) * static_cast<int>(owner.level()));
    }
  }
  // A deleted key is kept as an empty one, and nobody holds that.
  return given.empty() ? AuthLevel::anonymous : static_cast<AuthLevel>(reached);
}

const FunctionKey* FunctionKeys::find(const KeyOwner& owner, std::string_view name) const {
  const auto entry = keys_.find(owner.text());
  if (entry == keys_.end()) return nullptr;
  const auto key = entry->second.find(to_lower(name));
  if (key == entry->second.end() || key->second.value.empty()) return nullptr;
  return &key->second;
}

std::vector<FunctionKey> FunctionKeys::list(const KeyOwner& owner) const {
  std::vector<FunctionKey> all;
  const auto entry = keys_.find(owner.text());
  if (entry == keys_.end()) return all;
  for (const auto& [name, key] : entry->second) {
    if (!key.value.empty()) all.push_back(key);
  }
  return all;
}

Task<Result<bool>> FunctionKeys::set(KeyOwner owner, std::string name, Secret value) {
  LK_ASSERT(writer_ != nullptr);
  if (value.empty() || name.empty()) {
    co_return fail(ErrorKind::invalid_argument, "InvalidKey", "a key needs a name and a value");
  }
  const bool is_new = find(owner, name) == nullptr;
  auto work = [owner = owner.text(), name, sealed = seal(owner.text(), name, value)](
                  sqlite::Database& database) { return write_key(database, owner, name, sealed); };
  auto written = co_await writer_->run(std::move(work));
  if (!written) co_return fail(written.error());
  put(owner.text(), {.name = std::move(name), .value = std::move(value)});
  co_return is_new;
}

Task<Result<>> FunctionKeys::remove(KeyOwner owner, std::string name) {
  LK_ASSERT(writer_ != nullptr);
  if (find(owner, name) == nullptr) {
    co_return fail(ErrorKind::not_found, "KeyNotFound", fmt::format("there is no key {}", name));
  }
  auto work = [owner = owner.text(), name](sqlite::Database& database) {
    return write_key(database, owner, name, {});
  };
  auto written = co_await writer_->run(std::move(work));
  if (written) put(owner.text(), {.name = std::move(name), .value = {}});
  co_return written;
}

Secret FunctionKeys::generate() {
  Bytes bytes(kKeyBytes);
  random_.fill(bytes);
  return Secret(to_base64url(bytes) + std::string(kKeyMark));
}

Result<> FunctionKeys::read(sqlite::Database& database) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS sealed_function_keys("
      "  owner TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, value BLOB NOT NULL,"
      "  PRIMARY KEY(owner, name))");
  if (!made) return made;
  if (auto taken = take_over_plain(database); !taken) return taken;
  if (auto seeded = read_seed(database); !seeded) return seeded;
  auto& rows = database.cached("SELECT owner, name, value FROM sealed_function_keys");
  for (;;) {
    const auto there = rows.step();
    if (!there) return fail(there.error());
    if (!*there) break;
    const std::string owner(rows.text(0));
    FunctionKey key{.name = std::string(rows.text(1)), .value = {}};
    if (const auto sealed = as_text(rows.blob(2)); !sealed.empty()) {
      auto value = store_key_.open(place(owner, key.name), sealed);
      if (!value) return fail(value.error());
      key.value = std::move(*value);
    }
    put(owner, std::move(key));
  }
  rows.reset();
  add_made(KeyOwner::master(), kMaster);
  add_made(KeyOwner::host(), kDefault);
  return {};
}

Result<> FunctionKeys::read_seed(sqlite::Database& database) {
  const auto kept = keep_setting(database, kSeedSetting, [this] {
    return to_base64(store_key_.seal(kSeedSetting, random_.hex(kSeedBytes)));
  });
  if (!kept) return fail(kept.error());
  auto seed = store_key_.open(kSeedSetting, as_text(from_base64(*kept).value_or(Bytes())));
  if (!seed) return fail(seed.error());
  seed_ = std::move(*seed);
  return {};
}

/// The tables of before, in which nothing was sealed.
Result<> FunctionKeys::take_over_plain(sqlite::Database& database) {
  const auto there = has_table(database, "functions_host");
  if (!there) return fail(there.error());
  if (!*there) return {};
  had_plain_ = true;
  // What is dropped is overwritten, not only given free.
  if (auto set = database.execute("PRAGMA secure_delete = ON"); !set) return set;
  auto rows = database.prepare(
      "SELECT 0, seed, '' FROM functions_host UNION ALL SELECT function, name, value FROM "
      "function_keys");
  if (!rows) return fail(rows.error());
  for (auto row = rows->step();; row = rows->step()) {
    if (!row) return fail(row.error());
    if (!*row) break;
    if (rows->text(2).empty()) {
      const Secret seed(std::string(rows->text(1)));
      const auto kept = keep_setting(database, kSeedSetting, [&] {
        return to_base64(store_key_.seal(kSeedSetting, seed.reveal()));
      });
      if (!kept) return fail(kept.error());
      continue;
    }
    const std::string owner(rows->text(0));
    const std::string name(rows->text(1));
    const Secret value(std::string(rows->text(2)));
    auto written = write_key(database, owner, name, seal(owner, name, value));
    if (!written) return written;
  }
  rows->reset();
  return database.execute("DROP TABLE functions_host; DROP TABLE function_keys");
}

/// The key that is there until another is set. Made of the seed, not kept: it is the same after a
/// restart although nobody could wait for a write.
Secret FunctionKeys::made_key(std::string_view owner, std::string_view name) const {
  const auto mac = hmac_sha256(as_bytes(seed_.reveal()), fmt::format("{}/{}", owner, name));
  return Secret(to_base64url(mac) + std::string(kKeyMark));
}

void FunctionKeys::add_made(const KeyOwner& owner, std::string_view name) {
  keys_[owner.text()].try_emplace(std::string(name),
                                  FunctionKey{std::string(name), made_key(owner.text(), name)});
}

void FunctionKeys::put(const std::string& owner, FunctionKey key) {
  auto lower = to_lower(key.name);
  keys_[owner].insert_or_assign(std::move(lower), std::move(key));
}

std::string FunctionKeys::seal(const std::string& owner, std::string_view name,
                               const Secret& value) const {
  return store_key_.seal(place(owner, name), value.reveal());
}

}  // namespace latchkey::cloud
