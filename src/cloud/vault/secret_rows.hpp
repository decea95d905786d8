#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sqlite.hpp"
#include "cloud/store_key.hpp"
#include "wire/vault_json.hpp"

/// The table of secrets in cloud.db: a row for each version, values sealed. Names compare without
/// case. All versions of a secret are deleted, recovered and purged together.
namespace latchkey::cloud {

/// Which secret of which vault.
struct SecretName {
  std::string vault;
  std::string name;
};

/// One version of a secret.
struct SecretVersion {
  std::int64_t number = 0;  ///< grows with each version that is set, over all secrets
  std::string vault;
  std::string name;     ///< as it was written
  std::string version;  ///< 32 lower-case hex digits
  Secret value;         ///< empty in lists
  std::optional<std::string> content_type;
  std::map<std::string, std::string> tags;
  wire::SecretAttributes attributes;
  std::optional<std::int64_t> deleted_at{};  ///< epoch seconds; of a secret that is deleted
  std::optional<std::int64_t> purge_at{};    ///< when nothing of it will be left
};

/// Makes the table and takes over the rows of the older one, which were not sealed; true when there
/// were any: the caller then cleans the write-ahead log of them.
Result<bool> prepare_secret_rows(sqlite::Database& database, const StoreKey& key,
                                 std::string_view vault_of_old_rows);

/// The place for which the value of that version is sealed.
std::string secret_place(const SecretVersion& secret);

/// Reads to the end of `rows` (SELECT *). Values are opened with `key`; nullptr leaves them out.
Result<std::vector<SecretVersion>> read_secret_rows(sqlite::Statement& rows, const StoreKey* key);
/// Gives the row's number.
Result<std::int64_t> insert_secret_row(sqlite::Database& database, const SecretVersion& secret,
                                       std::string_view sealed_value);
/// Writes content type, tags, attributes and time of change. Error: not_found, code SecretNotFound.
Result<> update_secret_row(sqlite::Database& database, const SecretVersion& secret);
/// Takes away what should have been purged by `now`.
Result<> purge_overdue(sqlite::Database& database, const SecretName& secret, std::int64_t now);
/// How many versions there are, deleted or not, of a secret whose purge is not overdue.
struct SecretState {
  bool exists = false;
  bool is_deleted = false;
};
Result<SecretState> secret_state(sqlite::Database& database, const SecretName& secret);

}  // namespace latchkey::cloud
