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
  bool allowed(std::string_view principal_id, const wire::Requirement& requirement,
               std::string_view resource_id) const;
  /// Errors: not_found (unknown role), conflict (the same principal, role and scope are there:
  /// RoleAssignmentExists).
  Task<Result<>> assign(RoleAssignment assignment);
  Task<Result<RoleAssignment>> remove(std::string name, std::string scope);
  std::vector<RoleAssignment> list(std::string_view scope_prefix = {}) const;

 private:
  struct Impl;
  explicit RoleAssignments(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::cloud
