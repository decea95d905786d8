#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "wire/roles.hpp"

namespace latchkey::cloud {

/// The roles that can be assigned: Azure's built-in ones and those that a person made. One thread.
class RoleDefinitions {
 public:
  static constexpr std::size_t kCustomMax = 5000;  // Azure's limit for a directory

  RoleDefinitions();
  /// Makes the table and reads what is there. Before the writer starts.
  Result<> read(sqlite::Database& database);
  void use_writer(sqlite::Writer& writer) { writer_ = &writer; }

  /// By GUID or name, without case; nullptr when unknown. Holds until the definition changes.
  const wire::RoleDefinition* find(std::string_view id_or_name) const;
  std::vector<const wire::RoleDefinition*> all() const;

  /// Makes or replaces a custom role; holds at once, also for what is assigned already.
  /// Errors: invalid_argument (InvalidRoleDefinition: an id that is no custom role's, no assignable
  /// scope, or one outside all subscriptions), conflict (RoleDefinitionWithSameNameExists,
  /// RoleDefinitionLimitExceeded).
  Task<Result<>> put(wire::RoleDefinition role);
  /// Error: not_found (RoleDefinitionDoesNotExist: also for a built-in one).
  Task<Result<>> remove(std::string id);

  /// Each definition has a place of its own in a list, which stays while the program runs.
  std::size_t count() const { return slots_.size(); }
  const wire::RoleDefinition& at(std::size_t slot) const { return slots_[slot]; }
  /// Nullopt for an unknown one.
  std::optional<std::size_t> slot_of(std::string_view id) const;
  /// Rises when any definition changes.
  std::uint64_t version() const { return version_; }

 private:
  Result<> check(const wire::RoleDefinition& role) const;

  std::deque<wire::RoleDefinition> slots_;  ///< a removed one has no id and grants nothing
  std::uint64_t version_ = 1;
  sqlite::Writer* writer_ = nullptr;
};

}  // namespace latchkey::cloud
