#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/store_key.hpp"
#include "cloud/vault/secret_rows.hpp"
#include "wire/vault_json.hpp"

namespace latchkey::cloud {

/// How long a deleted secret can be recovered, as Azure bounds it.
inline constexpr int kRecoverableDaysMin = 7;
inline constexpr int kRecoverableDaysMax = 90;

/// The secrets of all vaults in the database, every version of each. Knows nothing of who may read
/// them. Names compare without case. Reads are indexed look-ups on a connection of their own, some
/// 10 us, so that values are in memory only while somebody asks for them. Writes are durable when
/// they return. One thread.
///
/// Errors of all that is asked: storage, throttled (too much waits to be written), and of what
/// takes a name not_found (SecretNotFound), also while the secret is deleted.
class SecretStore {
 public:
  /// `reader`: another connection to the file that `writer` writes; prepare_secret_rows has been
  /// there. The references must outlive this object.
  SecretStore(sqlite::Database reader, sqlite::Writer& writer, StoreKey key, const Clock& clock,
              Random& random, int recoverable_days = kRecoverableDaysMax);

  /// A new version. Errors: invalid_argument (BadParameter: the name), conflict
  /// (ObjectIsDeletedButRecoverable).
  Task<Result<SecretVersion>> set(SecretName secret, wire::SetSecretRequest content);
  /// The newest version, or the one named.
  Result<SecretVersion> get(const SecretName& secret, std::string_view version = {});
  /// Gives the version, without its value.
  Task<Result<SecretVersion>> update(SecretName secret, std::string version,
                                     wire::UpdateSecretRequest change);
  /// The newest versions of the secrets whose names come after `after`, in the order of names.
  Result<std::vector<SecretVersion>> list(std::string_view vault, std::string_view after,
                                          std::int64_t count_max);
  /// The versions of a secret with a number above `after`, in the order in which they were set.
  Result<std::vector<SecretVersion>> versions(const SecretName& secret, std::int64_t after,
                                              std::int64_t count_max);

  /// Deletes all versions; they can be recovered until `purge_at` of what is returned.
  Task<Result<SecretVersion>> remove(SecretName secret);
  /// As `list` and `get` of what is deleted, without values.
  Result<std::vector<SecretVersion>> list_deleted(std::string_view vault, std::string_view after,
                                                  std::int64_t count_max);
  Result<SecretVersion> get_deleted(const SecretName& secret);
  Task<Result<SecretVersion>> recover(SecretName secret);
  Task<Result<>> purge(SecretName secret);

  /// All versions with their values, sealed: only the same vault of the same data folder takes it.
  /// Error: invalid_argument (BadParameter: more than kBackupBytesMax).
  Result<std::string> backup(const SecretName& secret);
  /// Gives the newest version. Errors: invalid_argument (BadParameter: no backup of this vault),
  /// conflict (the name is taken: Conflict; by a deleted one: ObjectIsDeletedButRecoverable).
  Task<Result<SecretVersion>> restore(std::string vault, std::string blob);

  static constexpr std::size_t kBackupBytesMax = std::size_t{700} * 1024;

 private:
  std::int64_t now() const;
  /// Days and level of recovery are the store's, not the row's.
  SecretVersion finished(SecretVersion secret) const;
  Result<std::vector<SecretVersion>> finished(Result<std::vector<SecretVersion>> found) const;

  sqlite::Database reader_;
  sqlite::Writer& writer_;
  const StoreKey key_;
  const Clock& clock_;
  Random& random_;
  const int recoverable_days_;
};

/// 1 to 127 letters, digits and dashes.
bool is_secret_name(std::string_view name);

}  // namespace latchkey::cloud
