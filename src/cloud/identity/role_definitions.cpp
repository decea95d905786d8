#include "cloud/identity/role_definitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/roles_json.hpp"

namespace latchkey::cloud {
namespace {

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidRoleDefinition", std::move(message));
}

Result<> write(sqlite::Database& database, const std::string& id, const std::string& definition) {
  return database.cached("INSERT OR REPLACE INTO custom_roles(id, definition) VALUES(?1, ?2)")
      .bind(1, id)
      .bind(2, definition)
      .run();
}

Result<> erase(sqlite::Database& database, const std::string& id) {
  return database.cached("DELETE FROM custom_roles WHERE id = ?1").bind(1, id).run();
}

}  // namespace

RoleDefinitions::RoleDefinitions()
    : slots_(wire::built_in_roles().begin(), wire::built_in_roles().end()) {}

Result<> RoleDefinitions::read(sqlite::Database& database) {
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS custom_roles("
      "  id TEXT PRIMARY KEY COLLATE NOCASE,"
      "  definition TEXT NOT NULL) WITHOUT ROWID");
  if (!made) return made;
  auto& rows = database.cached("SELECT id, definition FROM custom_roles");
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    auto role = wire::parse_role_definition(rows.text(1));
    if (role) {
      slots_.push_back(std::move(*role));
    } else {
      log::warning("role_definition_unreadable", {{"role", rows.text(0)}});
    }
  }
  rows.reset();
  return {};
}

const wire::RoleDefinition* RoleDefinitions::find(std::string_view id_or_name) const {
  if (id_or_name.empty()) return nullptr;
  const auto found = std::ranges::find_if(slots_, [&](const auto& role) {
    return iequals(role.id, id_or_name) || (!role.id.empty() && iequals(role.name, id_or_name));
  });
  return found == slots_.end() ? nullptr : &*found;
}

std::vector<const wire::RoleDefinition*> RoleDefinitions::all() const {
  std::vector<const wire::RoleDefinition*> found;
  for (const auto& role : slots_) {
    if (!role.id.empty()) found.push_back(&role);
  }
  return found;
}

std::optional<std::size_t> RoleDefinitions::slot_of(std::string_view id) const {
  const auto found =
      std::ranges::find_if(slots_, [&](const auto& role) { return iequals(role.id, id); });
  if (id.empty() || found == slots_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - slots_.begin());
}

Result<> RoleDefinitions::check(const wire::RoleDefinition& role) const {
  if (role.id.empty()) return wrong("a role definition needs an id");
  if (role.assignable_scopes.empty()) return wrong("it needs at least one assignable scope");
  for (const auto& scope : role.assignable_scopes) {
    if (!istarts_with(scope, "/subscriptions/")) {
      return wrong(fmt::format("the assignable scope '{}' is not in a subscription", scope));
    }
  }
  const auto slot = slot_of(role.id);
  if (slot && !slots_[*slot].custom) return wrong("a built-in role cannot be changed");
  const auto* named = find(role.name);
  if (named != nullptr && !iequals(named->id, role.id)) {
    return fail(ErrorKind::conflict, "RoleDefinitionWithSameNameExists",
                fmt::format("A role definition named '{}' exists already, with the id {}.",
                            role.name, named->id));
  }
  const auto builtin = wire::built_in_roles().size();
  if (!slot && all().size() >= kCustomMax + builtin) {
    return fail(ErrorKind::conflict, "RoleDefinitionLimitExceeded",
                "there are too many custom roles");
  }
  return {};
}

Task<Result<>> RoleDefinitions::put(wire::RoleDefinition role) {
  LK_ASSERT(writer_ != nullptr);
  role.custom = true;
  role.id = to_lower(role.id);
  if (auto right = check(role); !right) co_return right;
  auto work = [id = role.id, text = boost::json::serialize(wire::role_definition_json(role, ""))](
                  sqlite::Database& database) { return write(database, id, text); };
  auto written = co_await writer_->run(std::move(work));
  if (!written) co_return written;
  const auto slot = slot_of(role.id);
  if (slot) {
    slots_[*slot] = std::move(role);
  } else {
    slots_.push_back(std::move(role));
  }
  ++version_;
  co_return Result<>{};
}

Task<Result<>> RoleDefinitions::remove(std::string id) {
  LK_ASSERT(writer_ != nullptr);
  const auto slot = slot_of(id);
  if (!slot || !slots_[*slot].custom) {
    co_return fail(ErrorKind::not_found, "RoleDefinitionDoesNotExist",
                   fmt::format("there is no custom role '{}'", id));
  }
  auto work = [id](sqlite::Database& database) { return erase(database, id); };
  auto written = co_await writer_->run(std::move(work));
  if (!written) co_return written;
  slots_[*slot] = {};
  ++version_;
  co_return Result<>{};
}

}  // namespace latchkey::cloud
