#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::cloud {

/// One version of a secret.
struct SecretVersion {
  std::int64_t number = 0;  ///< grows with each version that is set, over all secrets
  std::string name;         ///< as it was written
  std::string version;      ///< 32 lower-case hex digits
  Secret value;             ///< empty in lists
  std::optional<std::string> content_type;
  std::map<std::string, std::string> tags;
  wire::SecretAttributes attributes;
};

/// The secrets of one vault in the database, every version of each. Knows nothing of who may read
/// them. Names compare without case. Reads are indexed look-ups on a connection of their own, some
/// 10 us, so that values are in memory only while somebody asks for them. One thread.
class Vault {
 public:
  /// Makes the tables. Before the writer starts.
  static Result<> prepare(sqlite::Database& database);
  /// `reader`: another connection to the file that `writer` writes. The references must outlive
  /// this object.
  Vault(sqlite::Database reader, sqlite::Writer& writer, const Clock& clock, Random& random);

  /// A new version, durable when it returns. Errors: invalid_argument (BadParameter: the name),
  /// storage, throttled.
  Task<Result<SecretVersion>> set(std::string name, wire::SetSecretRequest content);
  /// The newest version, or the one named. Error: not_found (SecretNotFound), storage.
  Result<SecretVersion> get(std::string_view name, std::string_view version = {});

  /// The newest versions of the secrets whose names come after `after`, in the order of names.
  Result<std::vector<SecretVersion>> list(std::string_view after, std::int64_t count_max);
  /// The versions of a secret with a number above `after`, in the order in which they were set.
  Result<std::vector<SecretVersion>> versions(std::string_view name, std::int64_t after,
                                              std::int64_t count_max);

 private:
  sqlite::Database reader_;
  sqlite::Writer& writer_;
  const Clock& clock_;
  Random& random_;
};

/// 1 to 127 letters, digits and dashes.
bool is_secret_name(std::string_view name);

}  // namespace latchkey::cloud
