#include "cloud/vault/vault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::size_t kVersionBytes = 16;
constexpr std::size_t kNameMax = 127;

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

/// The columns as every SELECT here names them.
SecretVersion read_row(const sqlite::Statement& row) {
  SecretVersion found;
  found.number = row.integer(0);
  found.name = row.text(1);
  found.version = row.text(2);
  found.value = Secret(std::string(row.text(3)));
  if (!row.is_null(4)) found.content_type = row.text(4);
  found.tags = parse_tags(row.text(5));
  found.attributes.enabled = row.integer(6) != 0;
  found.attributes.not_before = number_or_none(row, 7);
  found.attributes.expires = number_or_none(row, 8);
  found.attributes.created = row.integer(9);
  found.attributes.updated = row.integer(9);
  return found;
}

Result<std::vector<SecretVersion>> read_all(sqlite::Statement& rows) {
  std::vector<SecretVersion> found;
  for (;;) {
    auto row = rows.step();
    if (!row) {
      rows.reset();
      return fail(row.error());
    }
    if (!*row) break;
    found.push_back(read_row(rows));
  }
  rows.reset();  // An open read would keep the write-ahead log from being taken in.
  return found;
}

Result<std::int64_t> insert(sqlite::Database& database, const SecretVersion& secret,
                            const std::string& tags) {
  auto& statement = database.cached(
      "INSERT INTO secret_versions(name, version, value, content_type, tags, enabled, not_before, "
      "expires, created) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  const auto bind_optional = [&](int index, const auto& value) {
    if (value) {
      statement.bind(index, *value);
    } else {
      statement.bind_null(index);
    }
  };
  statement.bind(1, secret.name).bind(2, secret.version).bind(3, secret.value.reveal());
  bind_optional(4, secret.content_type);
  statement.bind(5, tags).bind(6, std::int64_t{secret.attributes.enabled});
  bind_optional(7, secret.attributes.not_before);
  bind_optional(8, secret.attributes.expires);
  statement.bind(9, secret.attributes.created);
  if (auto run = statement.run(); !run) return fail(run.error());
  return database.last_insert_rowid();
}

}  // namespace

Result<> Vault::prepare(sqlite::Database& database) {
  return database.execute(
      "CREATE TABLE IF NOT EXISTS secret_versions("
      "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  name TEXT NOT NULL COLLATE NOCASE,"
      "  version TEXT NOT NULL COLLATE NOCASE,"
      "  value TEXT NOT NULL,"
      "  content_type TEXT,"
      "  tags TEXT NOT NULL,"
      "  enabled INTEGER NOT NULL,"
      "  not_before INTEGER,"
      "  expires INTEGER,"
      "  created INTEGER NOT NULL,"
      "  UNIQUE(name, version));"
      "CREATE INDEX IF NOT EXISTS secret_versions_by_age ON secret_versions(name, number);");
}

Vault::Vault(sqlite::Database reader, sqlite::Writer& writer, const Clock& clock, Random& random)
    : reader_(std::move(reader)), writer_(writer), clock_(clock), random_(random) {}

Task<Result<SecretVersion>> Vault::set(std::string name, wire::SetSecretRequest content) {
  if (!is_secret_name(name)) {
    co_return fail(ErrorKind::invalid_argument, "BadParameter",
                   fmt::format("The request URI contains an invalid name: {}. A secret's name has "
                               "1 to {} letters, digits and dashes.",
                               name.substr(0, kNameMax), kNameMax));
  }
  SecretVersion made;
  made.name = std::move(name);
  made.version = random_.hex(kVersionBytes);
  made.value = std::move(content.value);
  made.content_type = std::move(content.content_type);
  made.tags = std::move(content.tags);
  made.attributes.enabled = content.enabled.value_or(true);
  made.attributes.not_before = content.not_before;
  made.attributes.expires = content.expires;
  made.attributes.created = to_epoch_seconds(clock_.now());
  made.attributes.updated = made.attributes.created;

  auto work = [made, tags = render_tags(made.tags)](sqlite::Database& database) {
    return insert(database, made, tags);
  };
  auto written = co_await writer_.run(std::move(work));
  if (!written) co_return fail(written.error());
  made.number = *written;
  co_return made;
}

Result<SecretVersion> Vault::get(std::string_view name, std::string_view version) {
  auto& rows = version.empty()
                   ? reader_.cached(
                         "SELECT number, name, version, value, content_type, tags, enabled, "
                         "not_before, expires, created FROM secret_versions "
                         "WHERE name = ?1 ORDER BY number DESC LIMIT 1")
                   : reader_.cached(
                         "SELECT number, name, version, value, content_type, tags, enabled, "
                         "not_before, expires, created FROM secret_versions "
                         "WHERE name = ?1 AND version = ?2");
  rows.bind(1, name);
  if (!version.empty()) rows.bind(2, version);
  auto found = read_all(rows);
  if (!found) return fail(found.error());
  if (found->empty()) {
    return fail(ErrorKind::not_found, "SecretNotFound",
                fmt::format("A secret with (name/id) {}{}{} was not found in this key vault. If "
                            "you recently deleted this secret you may be able to recover it using "
                            "the correct recovery command.",
                            name, version.empty() ? "" : "/", version));
  }
  return std::move(found->front());
}

Result<std::vector<SecretVersion>> Vault::list(std::string_view after, std::int64_t count_max) {
  auto& rows = reader_.cached(
      "SELECT number, name, version, '', content_type, tags, enabled, not_before, expires, "
      "created FROM secret_versions WHERE number IN "
      "(SELECT max(number) FROM secret_versions WHERE name > ?1 GROUP BY name "
      " ORDER BY name LIMIT ?2) ORDER BY name");
  rows.bind(1, after).bind(2, count_max);
  return read_all(rows);
}

Result<std::vector<SecretVersion>> Vault::versions(std::string_view name, std::int64_t after,
                                                   std::int64_t count_max) {
  auto& rows = reader_.cached(
      "SELECT number, name, version, '', content_type, tags, enabled, not_before, expires, "
      "created FROM secret_versions WHERE name = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
  rows.bind(1, name).bind(2, after).bind(3, count_max);
  return read_all(rows);
}

bool is_secret_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

}  // namespace latchkey::cloud
