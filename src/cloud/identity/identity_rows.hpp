#pragma once

#include <list>
#include <string>

#include "base/sqlite.hpp"
#include "cloud/identity/identities.hpp"

/// The identities' tables in cloud.db. The writing functions run on the writer's thread.
namespace latchkey::cloud::identity_rows {

/// Makes the tables, brings those of older versions to today's form, and reads all.
Result<std::list<Identity>> read(sqlite::Database& database);

Result<> insert(sqlite::Database& database, const Identity& identity);
Result<> remove(sqlite::Database& database, const std::string& object_id);
Result<> insert_app_role(sqlite::Database& database, const std::string& object_id,
                         const std::string& role);
/// Replaces the one of the same id.
Result<> insert_credential(sqlite::Database& database, const std::string& object_id,
                           const Credential& credential);
Result<> remove_credential(sqlite::Database& database, const std::string& id);

struct Attachment {
  std::string app;  ///< object ids
  std::string identity;
};
Result<> insert_attachment(sqlite::Database& database, const Attachment& attachment);
Result<> remove_attachment(sqlite::Database& database, const Attachment& attachment);

}  // namespace latchkey::cloud::identity_rows
