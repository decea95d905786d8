#include "cloud/identity/identities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kSecretBytes = 32;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<> insert(sqlite::Database& database, const Identity& identity) {
  return database
      .cached(
          "INSERT INTO identities(name, client_id, object_id, identity_header, client_secret) "
          "VALUES(?1, ?2, ?3, ?4, ?5)")
      .bind(1, identity.name)
      .bind(2, identity.client_id)
      .bind(3, identity.object_id)
      .bind(4, identity.identity_header.reveal())
      .bind(5, identity.client_secret.reveal())
      .run();
}

}  // namespace

struct Identities::Impl {
  explicit Impl(Random& random_in) : random(random_in) {}

  Result<> read(sqlite::Database& database);
  static Result<> read_app_roles(sqlite::Database& database, Identity& identity);
  template <class Condition>
  const Identity* find(Condition condition) const {
    const auto found = std::ranges::find_if(all, condition);
    return found == all.end() ? nullptr : &*found;
  }

  Random& random;
  std::list<Identity> all;
  sqlite::Writer* writer = nullptr;
};

Identities::Identities(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identities::~Identities() = default;

Result<std::unique_ptr<Identities>> Identities::load(sqlite::Database& database, Random& random) {
  auto impl = std::make_unique<Impl>(random);
  if (auto read = impl->read(database); !read) return fail(read.error());
  return std::unique_ptr<Identities>(new Identities(std::move(impl)));
}

void Identities::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
}

Task<Result<Identity>> Identities::ensure(std::string name) {
  LK_ASSERT(impl_->writer != nullptr);
  if (!is_name(name)) {
    co_return fail(ErrorKind::invalid_argument, "InvalidIdentityName",
                   fmt::format("'{}' cannot name an identity: use 1 to {} letters, digits, '-', "
                               "'_' and '.'",
                               name.substr(0, kNameMax), kNameMax));
  }
  if (const auto* found = by_name(name)) co_return *found;
  const Identity identity{.name = name,
                          .client_id = impl_->random.uuid(),
                          .object_id = impl_->random.uuid(),
                          .identity_header = Secret(impl_->random.hex(kSecretBytes)),
                          .client_secret = Secret(impl_->random.hex(kSecretBytes))};
  auto work = [identity](sqlite::Database& database) { return insert(database, identity); };
  auto written = co_await impl_->writer->run(std::move(work));
  // Another call may have made it while ours waited for the writer.
  if (const auto* found = by_name(name)) co_return *found;
  if (!written) co_return fail(written.error());
  impl_->all.push_back(identity);
  co_return identity;
}

Task<Result<>> Identities::ensure_app_role(std::string object_id, std::string role) {
  LK_ASSERT(impl_->writer != nullptr);
  if (!is_name(role)) {
    co_return fail(
        ErrorKind::invalid_argument, "InvalidAppRole",
        fmt::format("an app role is named by 1 to {} letters, digits, '-', '_' and '.'", kNameMax));
  }
  const auto identity = std::ranges::find_if(
      impl_->all, [&](const Identity& each) { return iequals(each.object_id, object_id); });
  if (identity == impl_->all.end()) {
    co_return fail(ErrorKind::not_found, "IdentityNotFound",
                   fmt::format("no identity has the object id {}", object_id));
  }
  auto work = [id = identity->object_id, role](sqlite::Database& database) {
    return database.cached("INSERT OR IGNORE INTO app_roles(object_id, role) VALUES(?1, ?2)")
        .bind(1, id)
        .bind(2, role)
        .run();
  };
  auto written = co_await impl_->writer->run(std::move(work));
  auto& roles = identity->app_roles;
  if (written && std::ranges::find(roles, role) == roles.end()) roles.push_back(std::move(role));
  co_return written;
}

const Identity* Identities::by_name(std::string_view name) const {
  return impl_->find([&](const Identity& each) { return iequals(each.name, name); });
}

const Identity* Identities::by_client_id(std::string_view client_id) const {
  return impl_->find([&](const Identity& each) { return iequals(each.client_id, client_id); });
}

const Identity* Identities::by_object_id(std::string_view object_id) const {
  return impl_->find([&](const Identity& each) { return iequals(each.object_id, object_id); });
}

const Identity* Identities::by_header(std::string_view identity_header) const {
  return impl_->find([&](const Identity& each) {
    return !identity_header.empty() && each.identity_header.equals(identity_header);
  });
}

const Identity* Identities::default_identity() const {
  if (const auto* marked = by_name(kDefaultName)) return marked;
  return impl_->all.size() == 1 ? &impl_->all.front() : nullptr;
}

Result<> Identities::Impl::read(sqlite::Database& database) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS identities("
      "  name TEXT PRIMARY KEY COLLATE NOCASE,"
      "  client_id TEXT NOT NULL UNIQUE,"
      "  object_id TEXT NOT NULL UNIQUE,"
      "  identity_header TEXT NOT NULL UNIQUE,"
      "  client_secret TEXT NOT NULL);"
      "CREATE TABLE IF NOT EXISTS app_roles("
      "  object_id TEXT NOT NULL,"
      "  role TEXT NOT NULL,"
      "  PRIMARY KEY(object_id, role)) WITHOUT ROWID");
  if (!made) return made;
  auto& rows = database.cached(
      "SELECT name, client_id, object_id, identity_header, client_secret FROM identities");
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    all.push_back({.name = std::string(rows.text(0)),
                   .client_id = std::string(rows.text(1)),
                   .object_id = std::string(rows.text(2)),
                   .identity_header = Secret(std::string(rows.text(3))),
                   .client_secret = Secret(std::string(rows.text(4)))});
  }
  rows.reset();
  for (Identity& identity : all) {
    auto roles = read_app_roles(database, identity);
    if (!roles) return roles;
  }
  return {};
}

Result<> Identities::Impl::read_app_roles(sqlite::Database& database, Identity& identity) {
  auto& rows = database.cached("SELECT role FROM app_roles WHERE object_id = ?1")
                   .bind(1, identity.object_id);
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    identity.app_roles.emplace_back(rows.text(0));
  }
  rows.reset();
  return {};
}

}  // namespace latchkey::cloud
