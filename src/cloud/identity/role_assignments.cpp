#include "cloud/identity/role_assignments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

/// A set of built-in roles, a bit for each in the order of wire::built_in_roles().
using RoleSet = std::uint64_t;
constexpr std::size_t kRolesMax = 64;

/// Lets a view be looked up without making a string of it.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// Roles by scope: lower case, no slash at the end, so that "/" is "".
using ScopeRoles = ByText<RoleSet>;

/// The set of this role alone; empty for a role that this program does not know.
RoleSet set_of(std::string_view role_id) {
  const auto* role = wire::find_role(role_id);
  if (role == nullptr) return 0;
  return RoleSet{1} << (role - wire::built_in_roles().data());
}

/// Which roles grant an action, worked out once for each: the patterns cost more than the rest of
/// an answer. The actions come from our own code, so there are few.
class GrantingRoles {
 public:
  using Grants = bool (*)(const wire::RoleDefinition&, std::string_view action);
  explicit GrantingRoles(Grants grants) : grants_(grants) {}

  RoleSet of(std::string_view action) {
    if (const auto found = known_.find(action); found != known_.end()) return found->second;
    RoleSet set = 0;
    const auto roles = wire::built_in_roles();
    for (std::size_t i = 0; i < roles.size(); ++i) {
      if (grants_(roles[i], action)) set |= RoleSet{1} << i;
    }
    if (known_.size() >= kActionsMax) known_.clear();
    known_.emplace(action, set);
    return set;
  }

 private:
  static constexpr std::size_t kActionsMax = 256;
  Grants grants_;
  ByText<RoleSet> known_;
};

std::string scope_key(std::string_view scope) {
  while (scope.ends_with('/')) scope.remove_suffix(1);
  return to_lower(scope);
}

bool same(const RoleAssignment& a, const RoleAssignment& b) {
  return iequals(a.principal_id, b.principal_id) && iequals(a.role_id, b.role_id) &&
         scope_key(a.scope) == scope_key(b.scope);
}

tl::unexpected<Error> exists_already() {
  return fail(ErrorKind::conflict, "RoleAssignmentExists", "The role assignment already exists.");
}

tl::unexpected<Error> not_there(std::string_view name) {
  return fail(ErrorKind::not_found, "RoleAssignmentNotFound",
              fmt::format("The role assignment '{}' is not found.", name));
}

Result<> insert(sqlite::Database& database, const RoleAssignment& assignment) {
  auto inserted = database
                      .cached(
                          "INSERT INTO role_assignments(name, principal_id, role_id, scope) "
                          "VALUES(?1, ?2, ?3, ?4)")
                      .bind(1, assignment.name)
                      .bind(2, assignment.principal_id)
                      .bind(3, assignment.role_id)
                      .bind(4, assignment.scope)
                      .run();
  if (inserted) return {};
  // Somebody else's assignment was first while ours waited for the writer.
  if (inserted.error().kind == ErrorKind::conflict) return exists_already();
  return fail(inserted.error());
}

}  // namespace

struct RoleAssignments::Impl {
  Result<> read(sqlite::Database& database);
  void keep(RoleAssignment assignment);
  void drop(const std::string& name_key);
  void index(const RoleAssignment& assignment);
  /// The roles that hold for the principal at the resource: its own scope and all above.
  RoleSet roles_at(std::string_view principal_id, std::string_view resource_id) const;

  std::map<std::string, RoleAssignment> by_name;  ///< key in lower case
  ByText<ScopeRoles> by_principal;                ///< key in lower case
  GrantingRoles granting{wire::allows};
  GrantingRoles granting_management{wire::allows_management};
  bool ever_assigned = false;
  sqlite::Writer* writer = nullptr;
};

RoleAssignments::RoleAssignments(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RoleAssignments::~RoleAssignments() = default;

Result<std::unique_ptr<RoleAssignments>> RoleAssignments::load(sqlite::Database& database) {
  LK_ASSERT(wire::built_in_roles().size() <= kRolesMax);
  auto impl = std::make_unique<Impl>();
  if (auto read = impl->read(database); !read) return fail(read.error());
  return std::unique_ptr<RoleAssignments>(new RoleAssignments(std::move(impl)));
}

void RoleAssignments::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
}

bool RoleAssignments::allowed(std::string_view principal_id, const wire::Requirement& requirement,
                              std::string_view resource_id) const {
  const RoleSet roles = impl_->roles_at(principal_id, resource_id);
  if (roles == 0) return false;
  const auto held = [&](std::string_view action) {
    return (impl_->granting.of(action) & roles) != 0;
  };
  return std::ranges::any_of(requirement, [&](const auto& alternative) {
    return !alternative.empty() && std::ranges::all_of(alternative, held);
  });
}

bool RoleAssignments::allowed_to_manage(std::string_view principal_id, std::string_view action,
                                        std::string_view resource_id) const {
  const RoleSet roles = impl_->roles_at(principal_id, resource_id);
  return (impl_->granting_management.of(action) & roles) != 0;
}

Task<Result<>> RoleAssignments::assign(RoleAssignment assignment) {
  LK_ASSERT(impl_->writer != nullptr);
  const auto* role = wire::find_role(assignment.role_id);
  if (role == nullptr) {
    co_return fail(ErrorKind::not_found, "RoleDefinitionDoesNotExist",
                   fmt::format("The specified role definition with ID '{}' does not exist.",
                               assignment.role_id));
  }
  assignment.role_id = role->id;
  while (assignment.scope.size() > 1 && assignment.scope.ends_with('/')) {
    assignment.scope.pop_back();
  }
  if (assignment.name.empty() || assignment.principal_id.empty() ||
      !assignment.scope.starts_with('/')) {
    co_return fail(ErrorKind::invalid_argument, "InvalidRoleAssignment",
                   "a role assignment needs a name, a principal id and a scope that begins "
                   "with '/'");
  }
  if (const auto found = find(assignment.name)) {
    if (same(*found, assignment)) co_return exists_already();
    co_return fail(ErrorKind::conflict, "RoleAssignmentUpdateNotPermitted",
                   "Tenant ID, application ID, principal ID, and scope are not allowed to be "
                   "updated.");
  }
  const bool there = std::ranges::any_of(
      impl_->by_name, [&](const auto& entry) { return same(entry.second, assignment); });
  if (there) co_return exists_already();

  auto work = [assignment](sqlite::Database& database) { return insert(database, assignment); };
  auto written = co_await impl_->writer->run(std::move(work));
  if (!written) co_return fail(written.error());
  impl_->keep(std::move(assignment));
  co_return Result<>{};
}

Task<Result<RoleAssignment>> RoleAssignments::remove(std::string name, std::string scope) {
  LK_ASSERT(impl_->writer != nullptr);
  const auto found = find(name);
  if (!found || scope_key(found->scope) != scope_key(scope)) co_return not_there(name);
  auto work = [name](sqlite::Database& database) -> Result<std::int64_t> {
    auto deleted =
        database.cached("DELETE FROM role_assignments WHERE name = ?1").bind(1, name).run();
    if (!deleted) return fail(deleted.error());
    return database.changes();
  };
  auto deleted = co_await impl_->writer->run(std::move(work));
  if (!deleted) co_return fail(deleted.error());
  if (*deleted == 0) co_return not_there(name);  // Two removed it at once; one did.
  impl_->drop(to_lower(name));
  co_return *found;
}

std::optional<RoleAssignment> RoleAssignments::find(std::string_view name) const {
  const auto found = impl_->by_name.find(to_lower(name));
  if (found == impl_->by_name.end()) return std::nullopt;
  return found->second;
}

std::vector<RoleAssignment> RoleAssignments::list(std::string_view scope_prefix) const {
  std::vector<RoleAssignment> found;
  for (const auto& [name, assignment] : impl_->by_name) {
    if (scope_prefix.empty() || wire::scope_contains(scope_prefix, assignment.scope)) {
      found.push_back(assignment);
    }
  }
  return found;
}

bool RoleAssignments::ever_assigned() const {
  return impl_->ever_assigned;
}

Result<> RoleAssignments::Impl::read(sqlite::Database& database) {
  // AUTOINCREMENT: sqlite_sequence remembers that there were rows after the last one has gone.
  auto made = database.execute(
      "CREATE TABLE IF NOT EXISTS role_assignments("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  name TEXT NOT NULL COLLATE NOCASE UNIQUE,"
      "  principal_id TEXT NOT NULL COLLATE NOCASE,"
      "  role_id TEXT NOT NULL COLLATE NOCASE,"
      "  scope TEXT NOT NULL COLLATE NOCASE,"
      "  UNIQUE(principal_id, role_id, scope))");
  if (!made) return made;
  auto& rows = database.cached("SELECT name, principal_id, role_id, scope FROM role_assignments");
  for (;;) {
    auto row = rows.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    keep({.name = std::string(rows.text(0)),
          .principal_id = std::string(rows.text(1)),
          .role_id = std::string(rows.text(2)),
          .scope = std::string(rows.text(3))});
  }
  rows.reset();
  auto& ever = database.cached("SELECT 1 FROM sqlite_sequence WHERE name = 'role_assignments'");
  auto row = ever.step();
  if (!row) return fail(row.error());
  ever_assigned = *row;
  ever.reset();
  return {};
}

void RoleAssignments::Impl::keep(RoleAssignment assignment) {
  ever_assigned = true;
  index(assignment);
  by_name.emplace(to_lower(assignment.name), std::move(assignment));
}

void RoleAssignments::Impl::index(const RoleAssignment& assignment) {
  const RoleSet role = set_of(assignment.role_id);
  if (role == 0) {
    // A later version of this program wrote it: it grants nothing here, and is not lost.
    log::warning("role_unknown", {{"role", assignment.role_id}, {"assignment", assignment.name}});
    return;
  }
  by_principal[to_lower(assignment.principal_id)][scope_key(assignment.scope)] |= role;
}

void RoleAssignments::Impl::drop(const std::string& name_key) {
  const auto found = by_name.find(name_key);
  if (found == by_name.end()) return;
  const RoleAssignment gone = std::move(found->second);
  by_name.erase(found);
  const auto principal = by_principal.find(to_lower(gone.principal_id));
  if (principal == by_principal.end()) return;
  const auto scope = principal->second.find(scope_key(gone.scope));
  if (scope == principal->second.end()) return;
  scope->second &= ~set_of(gone.role_id);
  if (scope->second == 0) principal->second.erase(scope);
  if (principal->second.empty()) by_principal.erase(principal);
}

RoleSet RoleAssignments::Impl::roles_at(std::string_view principal_id,
                                        std::string_view resource_id) const {
  const auto principal = by_principal.find(to_lower(principal_id));
  if (principal == by_principal.end()) return 0;
  const std::string resource = scope_key(resource_id);
  RoleSet roles = 0;
  const auto add = [&](std::size_t size) {
    const auto found = principal->second.find(std::string_view(resource).substr(0, size));
    if (found != principal->second.end()) roles |= found->second;
  };
  for (auto slash = resource.find('/'); slash != resource.npos;
       slash = resource.find('/', slash + 1)) {
    add(slash);
  }
  add(resource.size());
  return roles;
}

}  // namespace latchkey::cloud
