#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "wire/roles.hpp"

namespace latchkey::cloud {

/// A role of one principal over a scope. Ids and scopes compare without case, as in Azure.
struct RoleAssignment {
  std::string name;          ///< GUID
  std::string principal_id;  ///< object id
  std::string role_id;       ///< GUID of the definition
  std::string scope;         ///< resource id
};

/// Who may do what where. Deny by default; a change holds from the next call on. Reads come from
/// memory (one thread); writes are durable before they are answered.
class RoleAssignments {
 public:
  /// Makes the tables in `database` and reads what is there. Before the writer starts.
  static Result<std::unique_ptr<RoleAssignments>> load(sqlite::Database& database);
  ~RoleAssignments();
  void use_writer(sqlite::Writer& writer);

  /// True when the principal's assignments at or above `resource_id` together hold one of the
  /// alternatives.
  /// Costs one look-up per level of the resource id, however many assignments there are.
  bool allowed(std::string_view principal_id, const wire::Requirement& requirement,
               std::string_view resource_id) const;
  /// As `allowed`, for an action of the management plane ("Microsoft.Authorization/...").
  bool allowed_to_manage(std::string_view principal_id, std::string_view action,
                         std::string_view resource_id) const;

  /// `role_id` may be the role's name as well. Errors: not_found (unknown role:
  /// RoleDefinitionDoesNotExist), invalid_argument (a scope without '/' in front, an empty
  /// principal or name), conflict (the same principal, role and scope are there:
  /// RoleAssignmentExists; the name belongs to another assignment:
  /// RoleAssignmentUpdateNotPermitted).
  Task<Result<>> assign(RoleAssignment assignment);
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
