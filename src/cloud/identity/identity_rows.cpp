#include "cloud/identity/identity_rows.hpp"

#include <algorithm>
#include <functional>

#include "base/log.hpp"

namespace latchkey::cloud::identity_rows {
namespace {

constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS identities("
    "  name TEXT PRIMARY KEY COLLATE NOCASE,"
    "  client_id TEXT NOT NULL UNIQUE,"
    "  object_id TEXT NOT NULL UNIQUE,"
    "  identity_header TEXT NOT NULL UNIQUE,"
    "  kind TEXT NOT NULL DEFAULT 'systemAssigned');"
    "CREATE TABLE IF NOT EXISTS app_roles("
    "  object_id TEXT NOT NULL,"
    "  role TEXT NOT NULL,"
    "  PRIMARY KEY(object_id, role)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS credentials("
    "  id TEXT PRIMARY KEY COLLATE NOCASE,"
    "  object_id TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  made_at INTEGER NOT NULL,"
    "  ends_at INTEGER NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  content TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS attached_identities("
    "  app TEXT NOT NULL,"
    "  identity TEXT NOT NULL,"
    "  PRIMARY KEY(app, identity)) WITHOUT ROWID";

/// Calls `row` for each row that the statement gives.
Result<> each_row(sqlite::Statement& rows, const std::function<void(sqlite::Statement&)>& row) {
  for (;;) {
    auto there = rows.step();
    if (!there) return fail(there.error());
    if (!*there) break;
    row(rows);
  }
  rows.reset();
  return {};
}

/// Until credentials had a table, each identity had one secret here that nobody was ever told.
Result<> bring_up_to_date(sqlite::Database& database) {
  bool old = false;
  auto read = each_row(database.cached("SELECT name FROM pragma_table_info('identities')"),
                       [&](const auto& row) { old = old || row.text(0) == "client_secret"; });
  if (!read || !old) return read;
  return database.execute(
      "ALTER TABLE identities DROP COLUMN client_secret;"
      "ALTER TABLE identities ADD COLUMN kind TEXT NOT NULL DEFAULT 'systemAssigned'");
}

Identity identity_of(const sqlite::Statement& row) {
  return {.name = std::string(row.text(0)),
          .kind = identity_kind_from(row.text(4)).value_or(IdentityKind::system_assigned),
          .client_id = std::string(row.text(1)),
          .object_id = std::string(row.text(2)),
          .identity_header = Secret(std::string(row.text(3)))};
}

void keep_credential(Identity& identity, const sqlite::Statement& row) {
  Credential credential{.id = std::string(row.text(0)),
                        .name = std::string(row.text(1)),
                        .made_at = row.integer(2),
                        .ends_at = row.integer(3),
                        .content = {}};
  if (unpack(row.text(4), row.text(5), credential)) {
    identity.credentials.push_back(std::move(credential));
  } else {
    log::warning("credential_unreadable", {{"identity", identity.name}, {"id", credential.id}});
  }
}

Result<> read_parts(sqlite::Database& database, Identity& identity) {
  auto& roles = database.cached("SELECT role FROM app_roles WHERE object_id = ?1");
  auto read = each_row(roles.bind(1, identity.object_id),
                       [&](const auto& row) { identity.app_roles.emplace_back(row.text(0)); });
  if (!read) return read;
  auto& credentials = database.cached(
      "SELECT id, name, made_at, ends_at, kind, content FROM credentials WHERE object_id = ?1 "
      "ORDER BY made_at, id");
  read = each_row(credentials.bind(1, identity.object_id),
                  [&](const auto& row) { keep_credential(identity, row); });
  if (!read) return read;
  auto& attached = database.cached("SELECT identity FROM attached_identities WHERE app = ?1");
  return each_row(attached.bind(1, identity.object_id),
                  [&](const auto& row) { identity.attached.emplace_back(row.text(0)); });
}

}  // namespace

Result<std::list<Identity>> read(sqlite::Database& database) {
  if (auto made = database.execute(kTables); !made) return fail(made.error());
  if (auto current = bring_up_to_date(database); !current) return fail(current.error());
  std::list<Identity> all;
  auto& rows = database.cached(
      "SELECT name, client_id, object_id, identity_header, kind FROM identities ORDER BY rowid");
  auto read = each_row(rows, [&](const auto& row) { all.push_back(identity_of(row)); });
  if (!read) return fail(read.error());
  for (Identity& identity : all) {
    if (auto parts = read_parts(database, identity); !parts) return fail(parts.error());
  }
  return all;
}

Result<> insert(sqlite::Database& database, const Identity& identity) {
  return database
      .cached(
          "INSERT INTO identities(name, client_id, object_id, identity_header, kind) "
          "VALUES(?1, ?2, ?3, ?4, ?5)")
      .bind(1, identity.name)
      .bind(2, identity.client_id)
      .bind(3, identity.object_id)
      .bind(4, identity.identity_header.reveal())
      .bind(5, to_string(identity.kind))
      .run();
}

Result<> remove(sqlite::Database& database, const std::string& object_id) {
  sqlite::Savepoint whole(database);
  for (const char* sql :
       {"DELETE FROM identities WHERE object_id = ?1", "DELETE FROM app_roles WHERE object_id = ?1",
        "DELETE FROM credentials WHERE object_id = ?1",
        "DELETE FROM attached_identities WHERE app = ?1 OR identity = ?1"}) {
    if (auto done = database.cached(sql).bind(1, object_id).run(); !done) return done;
  }
  whole.keep();
  return {};
}

Result<> insert_app_role(sqlite::Database& database, const std::string& object_id,
                         const std::string& role) {
  return database.cached("INSERT OR IGNORE INTO app_roles(object_id, role) VALUES(?1, ?2)")
      .bind(1, object_id)
      .bind(2, role)
      .run();
}

Result<> insert_credential(sqlite::Database& database, const std::string& object_id,
                           const Credential& credential) {
  const std::string content = pack(credential);
  return database
      .cached(
          "INSERT OR REPLACE INTO credentials(id, object_id, name, made_at, ends_at, kind, "
          "content) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(1, credential.id)
      .bind(2, object_id)
      .bind(3, credential.name)
      .bind(4, credential.made_at)
      .bind(5, credential.ends_at)
      .bind(6, credential.kind())
      .bind(7, content)
      .run();
}

Result<> remove_credential(sqlite::Database& database, const std::string& id) {
  return database.cached("DELETE FROM credentials WHERE id = ?1").bind(1, id).run();
}

Result<> insert_attachment(sqlite::Database& database, const Attachment& attachment) {
  return database.cached("INSERT OR IGNORE INTO attached_identities(app, identity) VALUES(?1, ?2)")
      .bind(1, attachment.app)
      .bind(2, attachment.identity)
      .run();
}

Result<> remove_attachment(sqlite::Database& database, const Attachment& attachment) {
  return database.cached("DELETE FROM attached_identities WHERE app = ?1 AND identity = ?2")
      .bind(1, attachment.app)
      .bind(2, attachment.identity)
      .run();
}

}  // namespace latchkey::cloud::identity_rows
