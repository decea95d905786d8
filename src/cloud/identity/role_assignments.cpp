#include "cloud/identity/role_assignments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/identity/role_index.hpp"

namespace latchkey::cloud {
namespace {

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
  /// A change that does not hold yet, or what one needs to hold.
  struct Change {
    UtcTime due;
    bool adds;
    RoleAssignment assignment;
  };

  Result<> read(sqlite::Database& database);
  void keep(RoleAssignment assignment, Effect effect);
  void drop(const std::string& name_key);
  void change(bool adds, RoleAssignment assignment, Effect effect);
  void apply(const Change& change);
  /// Lets hold what is due.
  void settle();
  Result<> check(const RoleAssignment& assignment) const;

  RoleDefinitions definitions;
  RoleIndex index{definitions};
  std::map<std::string, RoleAssignment> by_name;  ///< key in lower case
  std::deque<Change> waiting;                     ///< in the order of `due`
  const Clock* clock = nullptr;                   ///< set when changes are delayed
  std::chrono::seconds delay{0};
  bool ever_assigned = false;
  sqlite::Writer* writer = nullptr;
};

RoleAssignments::RoleAssignments(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RoleAssignments::~RoleAssignments() = default;

Result<std::unique_ptr<RoleAssignments>> RoleAssignments::load(sqlite::Database& database) {
  auto impl = std::make_unique<Impl>();
  if (auto read = impl->definitions.read(database); !read) return fail(read.error());
  if (auto read = impl->read(database); !read) return fail(read.error());
  return std::unique_ptr<RoleAssignments>(new RoleAssignments(std::move(impl)));
}

void RoleAssignments::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
  impl_->definitions.use_writer(writer);
}

void RoleAssignments::delay_changes(const Clock& clock, std::chrono::seconds delay) {
  impl_->clock = delay.count() > 0 ? &clock : nullptr;
  impl_->delay = delay;
}

RoleDefinitions& RoleAssignments::definitions() {
  return impl_->definitions;
}
const RoleDefinitions& RoleAssignments::definitions() const {
  return impl_->definitions;
}

bool RoleAssignments::allowed(std::string_view principal_id, const wire::Requirement& requirement,
                              std::string_view resource_id) const {
  impl_->settle();
  return impl_->index.allowed(RoleIndex::Plane::data, principal_id, requirement, resource_id);
}

bool RoleAssignments::allowed_to_manage(std::string_view principal_id, std::string_view action,
                                        std::string_view resource_id) const {
  impl_->settle();
  return impl_->index.allowed(RoleIndex::Plane::management, principal_id, {{action}}, resource_id);
}

std::vector<RoleGrant> RoleAssignments::explain(std::string_view principal_id,
                                                std::string_view action, bool is_data_action,
                                                std::string_view resource_id) const {
  impl_->settle();
  std::vector<RoleGrant> grants;
  for (const auto& [name, assignment] : impl_->by_name) {
    if (!iequals(assignment.principal_id, principal_id) ||
        !wire::scope_contains(assignment.scope, resource_id)) {
      continue;
    }
    const auto* role = impl_->definitions.find(assignment.role_id);
    if (role == nullptr) continue;
    const bool grants_it =
        is_data_action ? wire::allows(*role, action) : wire::allows_management(*role, action);
    if (!grants_it) continue;
    const auto* pattern =
        wire::matching_pattern(is_data_action ? role->data_actions : role->actions, action);
    RoleGrant grant{assignment, role->name, *pattern};
    for (const auto& waiting : impl_->waiting) {
      if (!waiting.adds || waiting.assignment.name != assignment.name) continue;
      grant.effective_in =
          std::chrono::ceil<std::chrono::seconds>(waiting.due - impl_->clock->now());
    }
    grants.push_back(std::move(grant));
  }
  return grants;
}

Task<Result<>> RoleAssignments::assign(RoleAssignment assignment, Effect effect) {
  LK_ASSERT(impl_->writer != nullptr);
  const auto* role = impl_->definitions.find(assignment.role_id);
  if (role == nullptr) {
    co_return fail(ErrorKind::not_found, "RoleDefinitionDoesNotExist",
                   fmt::format("The specified role definition with ID '{}' does not exist.",
                               assignment.role_id));
  }
  assignment.role_id = role->id;
  while (assignment.scope.size() > 1 && assignment.scope.ends_with('/')) {
    assignment.scope.pop_back();
  }
  if (auto right = impl_->check(assignment); !right) co_return right;
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
  impl_->keep(std::move(assignment), effect);
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

Task<Result<>> RoleAssignments::remove_definition(std::string id) {
  const bool in_use = std::ranges::any_of(
      impl_->by_name, [&](const auto& entry) { return iequals(entry.second.role_id, id); });
  if (in_use) {
    co_return fail(ErrorKind::conflict, "RoleDefinitionHasAssignments",
                   "There are existing role assignments referencing this role: remove them first.");
  }
  co_return co_await impl_->definitions.remove(std::move(id));
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
          .scope = std::string(rows.text(3))},
         Effect::at_once);
  }
  rows.reset();
  auto& ever = database.cached("SELECT 1 FROM sqlite_sequence WHERE name = 'role_assignments'");
  auto row = ever.step();
  if (!row) return fail(row.error());
  ever_assigned = *row;
  ever.reset();
  return {};
}

void RoleAssignments::Impl::keep(RoleAssignment assignment, Effect effect) {
  ever_assigned = true;
  change(true, assignment, effect);
  by_name.emplace(to_lower(assignment.name), std::move(assignment));
}

void RoleAssignments::Impl::drop(const std::string& name_key) {
  const auto found = by_name.find(name_key);
  if (found == by_name.end()) return;
  change(false, std::move(found->second), Effect::delayed);
  by_name.erase(found);
}

void RoleAssignments::Impl::change(bool adds, RoleAssignment assignment, Effect effect) {
  Change made{.due = {}, .adds = adds, .assignment = std::move(assignment)};
  if (clock == nullptr || effect == Effect::at_once) return apply(made);
  made.due = clock->now() + delay;
  waiting.push_back(std::move(made));
}

void RoleAssignments::Impl::apply(const Change& change) {
  const auto slot = definitions.slot_of(change.assignment.role_id);
  if (!slot) {
    // A later version of this program wrote it: it grants nothing here, and is not lost.
    log::warning("role_unknown",
                 {{"role", change.assignment.role_id}, {"assignment", change.assignment.name}});
    return;
  }
  const RoleIndex::Entry entry{change.assignment.principal_id, change.assignment.scope, *slot};
  if (change.adds) {
    index.add(entry);
  } else {
    index.remove(entry);
  }
}

void RoleAssignments::Impl::settle() {
  while (!waiting.empty() && waiting.front().due <= clock->now()) {
    apply(waiting.front());
    waiting.pop_front();
  }
}

Result<> RoleAssignments::Impl::check(const RoleAssignment& assignment) const {
  if (assignment.name.empty() || assignment.principal_id.empty() ||
      !assignment.scope.starts_with('/')) {
    return fail(ErrorKind::invalid_argument, "InvalidRoleAssignment",
                "a role assignment needs a name, a principal id and a scope that begins "
                "with '/'");
  }
  const auto* role = definitions.find(assignment.role_id);
  const bool fits =
      !role->custom || std::ranges::any_of(role->assignable_scopes, [&](const auto& scope) {
        return wire::scope_contains(scope, assignment.scope);
      });
  if (fits) return {};
  return fail(ErrorKind::invalid_argument, "RoleDefinitionNotAssignableAtScope",
              fmt::format("The role '{}' cannot be assigned at '{}': its assignable scopes do not "
                          "hold that.",
                          role->name, assignment.scope));
}

}  // namespace latchkey::cloud
