#include "cloud/vault/secret_rows.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

/// The columns in the table's order, as SELECT * gives them.
enum Column : int {
  kNumber,
  kVault,
  kName,
  kVersion,
  kValue,
  kContentType,
  kTags,
  kEnabled,
  kNotBefore,
  kExpires,
  kCreated,
  kUpdated,
  kDeletedAt,
  kPurgeAt
};

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS vault_secrets("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  vault TEXT NOT NULL COLLATE NOCASE,"
    "  name TEXT NOT NULL COLLATE NOCASE,"
    "  version TEXT NOT NULL COLLATE NOCASE,"
    "  value BLOB NOT NULL,"
    "  content_type TEXT,"
    "  tags TEXT NOT NULL,"
    "  enabled INTEGER NOT NULL,"
    "  not_before INTEGER,"
    "  expires INTEGER,"
    "  created INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL,"
    "  deleted_at INTEGER,"
    "  purge_at INTEGER,"
    "  UNIQUE(vault, name, version));"
    "CREATE INDEX IF NOT EXISTS vault_secrets_by_age ON vault_secrets(vault, name, number);";

std::string render_tags(const std::map<std::string, std::string>& tags) {
  json::object object;
  for (const auto& [key, value] : tags) object[key] = value;
  return json::serialize(object);
}

std::map<std::string, std::string> parse_tags(std::string_view text) {
  std::map<std::string, std::string> tags;
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return tags;
  for (const auto& [key, tag] : value.as_object()) {
    if (tag.is_string()) tags.emplace(key, tag.as_string());
  }
  return tags;
}

std::optional<std::int64_t> number_or_none(const sqlite::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

template <class Value>
void bind_optional(sqlite::Statement& statement, int index, const std::optional<Value>& value) {
  if (value) {
    statement.bind(index, *value);
  } else {
    statement.bind_null(index);
  }
}

Result<SecretVersion> read_row(const sqlite::Statement& row, const StoreKey* key) {
  SecretVersion found;
  found.number = row.integer(kNumber);
  found.vault = row.text(kVault);
  found.name = row.text(kName);
  found.version = row.text(kVersion);
  if (!row.is_null(kContentType)) found.content_type = row.text(kContentType);
  found.tags = parse_tags(row.text(kTags));
  found.attributes.enabled = row.integer(kEnabled) != 0;
  found.attributes.not_before = number_or_none(row, kNotBefore);
  found.attributes.expires = number_or_none(row, kExpires);
  found.attributes.created = row.integer(kCreated);
  found.attributes.updated = row.integer(kUpdated);
  found.deleted_at = number_or_none(row, kDeletedAt);
  found.purge_at = number_or_none(row, kPurgeAt);
  if (key == nullptr) return found;
  auto value = key->open(secret_place(found), as_text(row.blob(kValue)));
  if (!value) return fail(value.error());
  found.value = std::move(*value);
  return found;
}

/// The table of before: one vault, nothing sealed, nothing ever deleted.
Result<> take_over_old_rows(sqlite::Database& database, const StoreKey& key,
                            std::string_view vault) {
  // What is dropped is overwritten, not only given free.
  if (auto set = database.execute("PRAGMA secure_delete = ON"); !set) return set;
  auto old = database.prepare(
      "SELECT number, ?1, name, version, value, content_type, tags, enabled, not_before, expires, "
      "created, created, NULL, NULL FROM secret_versions ORDER BY number");
  if (!old) return fail(old.error());
  old->bind(1, vault);
  auto rows = read_secret_rows(*old, nullptr);
  if (!rows) return fail(rows.error());
  auto values = database.prepare("SELECT value FROM secret_versions ORDER BY number");
  if (!values) return fail(values.error());
  for (const auto& secret : *rows) {
    auto there = values->step();
    if (!there) return fail(there.error());
    auto inserted =
        insert_secret_row(database, secret, key.seal(secret_place(secret), values->text(0)));
    if (!inserted) return fail(inserted.error());
  }
  values->reset();
  return database.execute("DROP TABLE secret_versions");
}

}  // namespace

Result<bool> prepare_secret_rows(sqlite::Database& database, const StoreKey& key,
                                 std::string_view vault_of_old_rows) {
  if (auto made = database.execute(kTables); !made) return fail(made.error());
  auto old = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'secret_versions'");
  if (!old) return fail(old.error());
  const auto there = old->step();
  if (!there) return fail(there.error());
  old->reset();
  if (!*there) return false;
  if (auto taken = take_over_old_rows(database, key, vault_of_old_rows); !taken) {
    return fail(taken.error());
  }
  return true;
}

std::string secret_place(const SecretVersion& secret) {
  return fmt::format("secret/{}/{}/{}", to_lower(secret.vault), to_lower(secret.name),
                     to_lower(secret.version));
}

Result<std::vector<SecretVersion>> read_secret_rows(sqlite::Statement& rows, const StoreKey* key) {
  std::vector<SecretVersion> found;
  for (;;) {
    const auto there = rows.step();
    if (there && !*there) break;
    auto row = there ? read_row(rows, key) : Result<SecretVersion>(fail(there.error()));
    if (!row) {
      rows.reset();
      return fail(row.error());
    }
    found.push_back(std::move(*row));
  }
  rows.reset();  // An open read would keep the write-ahead log from being taken in.
  return found;
}

Result<std::int64_t> insert_secret_row(sqlite::Database& database, const SecretVersion& secret,
                                       std::string_view sealed_value) {
  const auto tags = render_tags(secret.tags);
  auto& statement = database.cached(
      "INSERT INTO vault_secrets(vault, name, version, value, content_type, tags, enabled, "
      "not_before, expires, created, updated) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  statement.bind(kVault, secret.vault).bind(kName, secret.name).bind(kVersion, secret.version);
  statement.bind(kValue, as_bytes(sealed_value));
  bind_optional(statement, kContentType, secret.content_type);
  statement.bind(kTags, tags).bind(kEnabled, std::int64_t{secret.attributes.enabled});
  bind_optional(statement, kNotBefore, secret.attributes.not_before);
  bind_optional(statement, kExpires, secret.attributes.expires);
  statement.bind(kCreated, secret.attributes.created).bind(kUpdated, secret.attributes.updated);
  if (auto run = statement.run(); !run) return fail(run.error());
  return database.last_insert_rowid();
}

Result<> update_secret_row(sqlite::Database& database, const SecretVersion& secret) {
  const auto tags = render_tags(secret.tags);
  auto& statement = database.cached(
      "UPDATE vault_secrets SET content_type = ?2, tags = ?3, enabled = ?4, not_before = ?5, "
      "expires = ?6, updated = ?7 WHERE number = ?1 AND deleted_at IS NULL");
  statement.bind(1, secret.number);
  bind_optional(statement, 2, secret.content_type);
  statement.bind(3, tags).bind(4, std::int64_t{secret.attributes.enabled});
  bind_optional(statement, 5, secret.attributes.not_before);
  bind_optional(statement, 6, secret.attributes.expires);
  statement.bind(7, secret.attributes.updated);
  if (auto run = statement.run(); !run) return run;
  if (database.changes() == 1) return {};
  return fail(ErrorKind::not_found, "SecretNotFound", "The secret has just been deleted.");
}

Result<> purge_overdue(sqlite::Database& database, const SecretName& secret, std::int64_t now) {
  return database
      .cached("DELETE FROM vault_secrets WHERE vault = ?1 AND name = ?2 AND purge_at <= ?3")
      .bind(1, secret.vault)
      .bind(2, secret.name)
      .bind(3, now)
      .run();
}

Result<SecretState> secret_state(sqlite::Database& database, const SecretName& secret) {
  auto& rows = database
                   .cached(
                       "SELECT deleted_at FROM vault_secrets WHERE vault = ?1 AND name = ?2 "
                       "LIMIT 1")
                   .bind(1, secret.vault)
                   .bind(2, secret.name);
  const auto there = rows.step();
  SecretState state;
  if (there && *there) state = {.exists = true, .is_deleted = !rows.is_null(0)};
  rows.reset();
  if (!there) return fail(there.error());
  return state;
}

}  // namespace latchkey::cloud
