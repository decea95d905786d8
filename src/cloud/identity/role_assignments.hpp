#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/identity/role_definitions.hpp"
#include "wire/roles.hpp"

namespace latchkey::cloud {

/// A role of one principal over a scope. Ids and scopes compare without case, as in Azure.
struct RoleAssignment {
  std::string name;          ///< GUID
  std::string principal_id;  ///< object id
  std::string role_id;       ///< GUID of the definition
  std::string scope;         ///< resource id
};

/// Why somebody may do something.
struct RoleGrant {
  RoleAssignment assignment;
  std::string role_name;
  std::string pattern;                   ///< the role's action that matches
  std::chrono::seconds effective_in{0};  ///< more than 0: it holds only then
};

/// Who may do what where. Deny by default; a change holds from the next call on, or with a delay
/// like Azure's. Reads come from memory (one thread); writes are durable before they are answered.
class RoleAssignments {
 public:
  /// Makes the tables in `database` and reads what is there. Before the writer starts.
  static Result<std::unique_ptr<RoleAssignments>> load(sqlite::Database& database);
  ~RoleAssignments();
  void use_writer(sqlite::Writer& writer);
  /// From now on what is assigned and removed holds only after `delay`: in Azure it takes up to ten
  /// minutes. What waits when the program ends holds at the next start. `clock` must outlive this.
  void delay_changes(const Clock& clock, std::chrono::seconds delay);

  RoleDefinitions& definitions();
  const RoleDefinitions& definitions() const;
  /// True when the principal's assignments at or above `resource_id` together hold one of the
  /// alternatives.
  /// Costs one look-up per level of the resource id, however many assignments there are.
  bool allowed(std::string_view principal_id, const wire::Requirement& requirement,
               std::string_view resource_id) const;
  /// As `allowed`, for an action of the management plane ("Microsoft.Authorization/...").
  bool allowed_to_manage(std::string_view principal_id, std::string_view action,
                         std::string_view resource_id) const;

  /// The assignments that grant the action at the resource, those that wait included.
  std::vector<RoleGrant> explain(std::string_view principal_id, std::string_view action,
                                 bool is_data_action, std::string_view resource_id) const;

  /// When a change holds: at once for what the program sets up itself.
  enum class Effect { delayed, at_once };
  /// `role_id` may be the role's name as well. Errors: not_found (unknown role:
  /// RoleDefinitionDoesNotExist), invalid_argument (a scope without '/' in front or outside a
  /// custom role's assignable scopes, an empty principal or name), conflict (the same principal,
  /// role and scope are there: RoleAssignmentExists; the name belongs to another assignment:
  /// RoleAssignmentUpdateNotPermitted).
  Task<Result<>> assign(RoleAssignment assignment, Effect effect = Effect::delayed);
  /// Removes a custom role that nobody has. Errors: not_found, conflict
  /// (RoleDefinitionHasAssignments).
  Task<Result<>> remove_definition(std::string id);
  /// Error: not_found (RoleAssignmentNotFound), also when it is there at another scope.
  Task<Result<RoleAssignment>> remove(std::string name, std::string scope);
  std::optional<RoleAssignment> find(std::string_view name) const;
  /// Those at `scope_prefix` or below it.
  std::vector<RoleAssignment> list(std::string_view scope_prefix = {}) const;
  /// Whether any was ever made in this database, taken away since or not.
  bool ever_assigned() const;

 private:
  struct Impl;
  explicit RoleAssignments(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
