#include "cloud/settings.hpp"

namespace latchkey::cloud {

Result<> prepare_settings(sqlite::Database& database) {
  return database.execute(
      "CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL)");
}

Result<std::string> keep_setting(sqlite::Database& database, std::string_view name,
                                 const std::function<std::string()>& make) {
  auto& rows = database.cached("SELECT value FROM settings WHERE name = ?1").bind(1, name);
  const auto row = rows.step();
  if (!row) return fail(row.error());
  if (*row) {
    std::string kept(rows.text(0));
    rows.reset();
    return kept;
  }
  rows.reset();
  auto value = make();
  auto written = database.cached("INSERT INTO settings(name, value) VALUES(?1, ?2)")
                     .bind(1, name)
                     .bind(2, value)
                     .run();
  if (!written) return fail(written.error());
  return value;
}

}  // namespace latchkey::cloud
