#include "cloud/vault/secret_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/vault/secret_backup.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kVersionBytes = 16;
constexpr std::size_t kNameMax = 127;
constexpr std::int64_t kSecondsADay = 24 * 60 * 60;

tl::unexpected<Error> not_found(const SecretName& secret, std::string_view version = {}) {
  return fail(ErrorKind::not_found, "SecretNotFound",
              fmt::format("A secret with (name/id) {}{}{} was not found in this key vault. If "
                          "you recently deleted this secret you may be able to recover it using "
                          "the correct recovery command.",
                          secret.name, version.empty() ? "" : "/", version));
}

tl::unexpected<Error> not_deleted(const SecretName& secret) {
  return fail(ErrorKind::not_found, "SecretNotFound",
              fmt::format("Deleted Secret not found: {}", secret.name));
}

tl::unexpected<Error> deleted_but_recoverable(std::string_view name) {
  return fail(ErrorKind::conflict, "ObjectIsDeletedButRecoverable",
              fmt::format("Secret {} is currently in a deleted but recoverable state, and its name "
                          "cannot be reused; in this state, the secret can only be recovered or "
                          "purged.",
                          name));
}

std::string backup_place(std::string_view vault) {
  return "backup/" + to_lower(vault);
}

/// The one row, or what `missing` says.
template <class Missing>
Result<SecretVersion> only(Result<std::vector<SecretVersion>> found, Missing missing) {
  if (!found) return fail(found.error());
  if (found->empty()) return missing();
  return std::move(found->front());
}

Result<SecretVersion> newest(sqlite::Database& database, const SecretName& secret,
                             const StoreKey* key) {
  auto& rows = database
                   .cached(
                       "SELECT * FROM vault_secrets WHERE vault = ?1 AND name = ?2 "
                       "AND deleted_at IS NULL ORDER BY number DESC LIMIT 1")
                   .bind(1, secret.vault)
                   .bind(2, secret.name);
  return only(read_secret_rows(rows, key), [&] { return not_found(secret); });
}

Result<SecretVersion> exact(sqlite::Database& database, const SecretName& secret,
                            std::string_view version, const StoreKey* key) {
  auto& rows = database
                   .cached(
                       "SELECT * FROM vault_secrets WHERE vault = ?1 AND name = ?2 "
                       "AND version = ?3 AND deleted_at IS NULL")
                   .bind(1, secret.vault)
                   .bind(2, secret.name)
                   .bind(3, version);
  return only(read_secret_rows(rows, key), [&] { return not_found(secret, version); });
}

Result<SecretVersion> find(sqlite::Database& database, const SecretName& secret,
                           std::string_view version, const StoreKey* key) {
  return version.empty() ? newest(database, secret, key) : exact(database, secret, version, key);
}

Result<SecretVersion> deleted(sqlite::Database& database, const SecretName& secret,
                              std::int64_t now) {
  auto& rows = database
                   .cached(
                       "SELECT * FROM vault_secrets WHERE vault = ?1 AND name = ?2 "
                       "AND purge_at > ?3 ORDER BY number DESC LIMIT 1")
                   .bind(1, secret.vault)
                   .bind(2, secret.name)
                   .bind(3, now);
  return only(read_secret_rows(rows, nullptr), [&] { return not_deleted(secret); });
}

void apply(const wire::UpdateSecretRequest& change, SecretVersion& secret) {
  if (change.content_type) secret.content_type = change.content_type;
  if (change.tags) secret.tags = *change.tags;
  auto& attributes = secret.attributes;
  if (change.enabled) attributes.enabled = *change.enabled;
  if (change.not_before) attributes.not_before = change.not_before;
  if (change.expires) attributes.expires = change.expires;
}

struct SealedVersion {
  SecretVersion secret;
  std::string value;
};

Result<std::int64_t> insert_all(sqlite::Database& database,
                                const std::vector<SealedVersion>& versions, std::int64_t now) {
  const SecretName name{versions.front().secret.vault, versions.front().secret.name};
  if (auto purged = purge_overdue(database, name, now); !purged) return fail(purged.error());
  const auto state = secret_state(database, name);
  if (!state) return fail(state.error());
  if (state->is_deleted) return deleted_but_recoverable(name.name);
  if (state->exists) {
    return fail(ErrorKind::conflict, "Conflict",
                fmt::format("There is a secret {} in this vault already.", name.name));
  }
  sqlite::Savepoint savepoint(database);
  std::int64_t number = 0;
  for (const auto& version : versions) {
    auto inserted = insert_secret_row(database, version.secret, version.value);
    if (!inserted) return inserted;
    number = *inserted;
  }
  savepoint.keep();
  return number;
}

}  // namespace

SecretStore::SecretStore(sqlite::Database reader, sqlite::Writer& writer, StoreKey key,
                         const Clock& clock, Random& random, int recoverable_days)
    : reader_(std::move(reader)),
      writer_(writer),
      key_(key),
      clock_(clock),
      random_(random),
      recoverable_days_(recoverable_days) {}

Task<Result<SecretVersion>> SecretStore::set(SecretName secret, wire::SetSecretRequest content) {
  if (!is_secret_name(secret.name)) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   fmt::format("The request URI contains an invalid name: {}. A secret's name has "
                               "1 to {} letters, digits and dashes.",
                               secret.name.substr(0, kNameMax), kNameMax));
  }
  SecretVersion made;
  made.vault = secret.vault;
  made.name = secret.name;
  made.version = random_.hex(kVersionBytes);
  made.content_type = std::move(content.content_type);
  made.tags = std::move(content.tags);
  made.attributes.enabled = content.enabled.value_or(true);
  made.attributes.not_before = content.not_before;
  made.attributes.expires = content.expires;
  made.attributes.created = now();
  made.attributes.updated = made.attributes.created;
  auto sealed = key_.seal(secret_place(made), content.value.reveal());

  auto work = [made, sealed = std::move(sealed),
               secret](sqlite::Database& database) -> Result<std::int64_t> {
    auto purged = purge_overdue(database, secret, made.attributes.created);
    if (!purged) return fail(purged.error());
    const auto state = secret_state(database, secret);
    if (!state) return fail(state.error());
    if (state->is_deleted) return deleted_but_recoverable(secret.name);
    return insert_secret_row(database, made, sealed);
  };
  const auto written = co_await writer_.run(std::move(work));
  if (!written) co_return fail(written.error());
  made.number = *written;
  made.value = std::move(content.value);
  co_return finished(std::move(made));
}

Result<SecretVersion> SecretStore::get(const SecretName& secret, std::string_view version) {
  auto found = find(reader_, secret, version, &key_);
  if (!found) return found;
  return finished(std::move(*found));
}

Task<Result<SecretVersion>> SecretStore::update(SecretName secret, std::string version,
                                                wire::UpdateSecretRequest change) {
  auto work = [secret = std::move(secret), version = std::move(version), change = std::move(change),
               now = now()](sqlite::Database& database) -> Result<SecretVersion> {
    auto changed = find(database, secret, version, nullptr);
    if (!changed) return changed;
    apply(change, *changed);
    changed->attributes.updated = now;
    if (auto written = update_secret_row(database, *changed); !written) {
      return fail(written.error());
    }
    return changed;
  };
  auto changed = co_await writer_.run(std::move(work));
  if (!changed) co_return changed;
  co_return finished(std::move(*changed));
}

Result<std::vector<SecretVersion>> SecretStore::list(std::string_view vault, std::string_view after,
                                                     std::int64_t count_max) {
  auto& rows = reader_.cached(
      "SELECT * FROM vault_secrets WHERE number IN "
      "(SELECT max(number) FROM vault_secrets WHERE vault = ?1 AND name > ?2 "
      " AND deleted_at IS NULL GROUP BY name ORDER BY name LIMIT ?3) ORDER BY name");
  rows.bind(1, vault).bind(2, after).bind(3, count_max);
  return finished(read_secret_rows(rows, nullptr));
}

Result<std::vector<SecretVersion>> SecretStore::versions(const SecretName& secret,
                                                         std::int64_t after,
                                                         std::int64_t count_max) {
  auto& rows = reader_.cached(
      "SELECT * FROM vault_secrets WHERE vault = ?1 AND name = ?2 AND number > ?3 "
      "AND deleted_at IS NULL ORDER BY number LIMIT ?4");
  rows.bind(1, secret.vault).bind(2, secret.name).bind(3, after).bind(4, count_max);
  return finished(read_secret_rows(rows, nullptr));
}

Task<Result<SecretVersion>> SecretStore::remove(SecretName secret) {
  const auto at = now();
  const auto purge_at = at + recoverable_days_ * kSecondsADay;
  auto work = [secret = std::move(secret), at,
               purge_at](sqlite::Database& database) -> Result<SecretVersion> {
    auto found = newest(database, secret, nullptr);
    if (!found) return found;
    auto written = database
                       .cached(
                           "UPDATE vault_secrets SET deleted_at = ?3, purge_at = ?4 "
                           "WHERE vault = ?1 AND name = ?2")
                       .bind(1, secret.vault)
                       .bind(2, secret.name)
                       .bind(3, at)
                       .bind(4, purge_at)
                       .run();
    if (!written) return fail(written.error());
    found->deleted_at = at;
    found->purge_at = purge_at;
    return found;
  };
  auto removed = co_await writer_.run(std::move(work));
  if (!removed) co_return removed;
  co_return finished(std::move(*removed));
}

Result<std::vector<SecretVersion>> SecretStore::list_deleted(std::string_view vault,
                                                             std::string_view after,
                                                             std::int64_t count_max) {
  auto& rows = reader_.cached(
      "SELECT * FROM vault_secrets WHERE number IN "
      "(SELECT max(number) FROM vault_secrets WHERE vault = ?1 AND name > ?2 "
      " AND purge_at > ?4 GROUP BY name ORDER BY name LIMIT ?3) ORDER BY name");
  rows.bind(1, vault).bind(2, after).bind(3, count_max).bind(4, now());
  return finished(read_secret_rows(rows, nullptr));
}

Result<SecretVersion> SecretStore::get_deleted(const SecretName& secret) {
  auto found = deleted(reader_, secret, now());
  if (!found) return found;
  return finished(std::move(*found));
}

Task<Result<SecretVersion>> SecretStore::recover(SecretName secret) {
  auto work = [secret = std::move(secret),
               now = now()](sqlite::Database& database) -> Result<SecretVersion> {
    auto found = deleted(database, secret, now);
    if (!found) return found;
    auto written = database
                       .cached(
                           "UPDATE vault_secrets SET deleted_at = NULL, purge_at = NULL "
                           "WHERE vault = ?1 AND name = ?2")
                       .bind(1, secret.vault)
                       .bind(2, secret.name)
                       .run();
    if (!written) return fail(written.error());
    found->deleted_at.reset();
    found->purge_at.reset();
    return found;
  };
  auto recovered = co_await writer_.run(std::move(work));
  if (!recovered) co_return recovered;
  co_return finished(std::move(*recovered));
}

Task<Result<>> SecretStore::purge(SecretName secret) {
  auto work = [secret = std::move(secret), now = now()](sqlite::Database& database) -> Result<> {
    auto found = deleted(database, secret, now);
    if (!found) return fail(found.error());
    return database.cached("DELETE FROM vault_secrets WHERE vault = ?1 AND name = ?2")
        .bind(1, secret.vault)
        .bind(2, secret.name)
        .run();
  };
  co_return co_await writer_.run(std::move(work));
}

Result<std::string> SecretStore::backup(const SecretName& secret) {
  auto& rows = reader_.cached(
      "SELECT * FROM vault_secrets WHERE vault = ?1 AND name = ?2 AND deleted_at IS NULL "
      "ORDER BY number");
  rows.bind(1, secret.vault).bind(2, secret.name);
  const auto versions = read_secret_rows(rows, &key_);
  if (!versions) return fail(versions.error());
  if (versions->empty()) return not_found(secret);
  const auto plain = render_secret_versions(*versions);
  if (plain.reveal().size() > kBackupBytesMax) {
    return fail(ErrorKind::invalid_argument, "BadParameter",
                fmt::format("The backup of {} would be larger than {} bytes: it has too many "
                            "versions.",
                            secret.name, kBackupBytesMax));
  }
  return key_.seal(backup_place(secret.vault), plain.reveal());
}

Task<Result<SecretVersion>> SecretStore::restore(std::string vault, std::string blob) {
  const auto plain = key_.open(backup_place(vault), blob);
  auto versions = plain ? parse_secret_versions(plain->reveal()) : std::nullopt;
  if (!versions || versions->empty()) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   "The backup blob is not one of this vault: it is damaged, or was made by "
                   "another vault or under another key.");
  }
  std::vector<SealedVersion> sealed;
  for (auto& version : *versions) {
    version.vault = vault;
    auto value = key_.seal(secret_place(version), version.value.reveal());
    version.value = {};
    sealed.push_back({version, std::move(value)});
  }
  auto newest = std::move(versions->back());
  auto work = [sealed = std::move(sealed), now = now()](sqlite::Database& database) {
    return insert_all(database, sealed, now);
  };
  const auto written = co_await writer_.run(std::move(work));
  if (!written) co_return fail(written.error());
  newest.number = *written;
  co_return finished(std::move(newest));
}

std::int64_t SecretStore::now() const {
  return to_epoch_seconds(clock_.now());
}

SecretVersion SecretStore::finished(SecretVersion secret) const {
  secret.attributes.recoverable_days = recoverable_days_;
  secret.attributes.recovery_level = recoverable_days_ == kRecoverableDaysMax
                                         ? "Recoverable+Purgeable"
                                         : "CustomizedRecoverable+Purgeable";
  return secret;
}

Result<std::vector<SecretVersion>> SecretStore::finished(
    Result<std::vector<SecretVersion>> found) const {
  if (!found) return found;
  for (auto& secret : *found) secret = finished(std::move(secret));
  return found;
}

bool is_secret_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

}  // namespace latchkey::cloud
