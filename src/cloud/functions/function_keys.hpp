#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/store_key.hpp"

namespace latchkey::cloud {

/// What a key gives, and what a function asks for. Each includes the ones before it.
enum class AuthLevel : std::uint8_t { anonymous, function, system, admin };

struct FunctionKey {
  std::string name;
  Secret value;
};

/// Whose keys: those of the host open every function, system keys what extensions serve, a
/// function's own only that function. The master key stands alone and opens all.
class KeyOwner {
 public:
  static KeyOwner host() { return KeyOwner(""); }
  static KeyOwner system() { return KeyOwner("_system"); }
  static KeyOwner master() { return KeyOwner("_master"); }
  static KeyOwner function(std::string_view name);

  AuthLevel level() const;
  /// In the database and in memory; functions' names begin with a letter.
  const std::string& text() const { return text_; }

 private:
  explicit KeyOwner(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The keys of the functions host: sealed in the database, open in memory. Names compare without
/// case. A master key, and keys named `default` of the host and of each function, are there from
/// the start. One thread. Source: Azure Functions, "Work with access keys".
class FunctionKeys {
 public:
  static constexpr std::string_view kDefault = "default";
  static constexpr std::string_view kMaster = "_master";

  /// Makes the table in `database` and reads what is there. Before the writer starts.
  static Result<std::unique_ptr<FunctionKeys>> load(sqlite::Database& database, StoreKey key,
                                                    Random& random);
  void use_writer(sqlite::Writer& writer) { writer_ = &writer; }
  /// Whether there were keys of an older version, which were not sealed: the caller then cleans
  /// the write-ahead log of them.
  bool had_plain() const { return had_plain_; }
  /// The function's default key, unless it has been set or deleted.
  void make_default(std::string_view function);

  /// The highest level that `given` reaches at that function. Every key is compared, whichever
  /// fits: the time tells nothing.
  AuthLevel level_of(std::string_view given, std::string_view function) const;

  /// Nullptr when there is none; holds until the next change.
  const FunctionKey* find(const KeyOwner& owner, std::string_view name) const;
  /// In the order of names.
  std::vector<FunctionKey> list(const KeyOwner& owner) const;
  /// True: there was none of that name. Durable when it returns. Error: invalid_argument
  /// (InvalidKey: an empty name or value).
  Task<Result<bool>> set(KeyOwner owner, std::string name, Secret value);
  /// Error: not_found (KeyNotFound).
  Task<Result<>> remove(KeyOwner owner, std::string name);
  /// A new random value.
  Secret generate();

 private:
  FunctionKeys(StoreKey key, Random& random) : store_key_(key), random_(random) {}
  Result<> read(sqlite::Database& database);
  Result<> read_seed(sqlite::Database& database);
  Result<> take_over_plain(sqlite::Database& database);
  Secret made_key(std::string_view owner, std::string_view name) const;
  void add_made(const KeyOwner& owner, std::string_view name);
  void put(const std::string& owner, FunctionKey key);
  std::string seal(const std::string& owner, std::string_view name, const Secret& value) const;

  /// By the owner's text, then by lower-case name. An empty value: deleted, not to be made again.
  std::map<std::string, std::map<std::string, FunctionKey>> keys_;
  Secret seed_;
  const StoreKey store_key_;
  Random& random_;
  sqlite::Writer* writer_ = nullptr;
  bool had_plain_ = false;
};

}  // namespace latchkey::cloud
