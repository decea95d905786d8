#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cloud/identity/role_definitions.hpp"

namespace latchkey::cloud {

/// Which roles hold for whom where, arranged for the one question that every request asks. A check
/// costs a look-up for the principal and one per level of the resource id, however many assignments
/// there are. Names compare without case.
class RoleIndex {
 public:
  /// `definitions` must outlive this object.
  explicit RoleIndex(const RoleDefinitions& definitions) : definitions_(definitions) {}

  struct Entry {
    std::string_view principal_id;
    std::string_view scope;
    std::size_t role_slot;  ///< in `definitions`
  };
  void add(const Entry& entry);
  void remove(const Entry& entry);

  enum class Plane { data, management };
  /// True when the roles at or above the resource together hold one of the alternatives.
  bool allowed(Plane plane, std::string_view principal_id, const wire::Requirement& requirement,
               std::string_view resource_id) const;

 private:
  /// Lets a view be looked up without making a string of it.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <class Value>
  using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;
  using Slots = std::vector<std::uint32_t>;
  /// By scope: lower case, no slash at the end, so that "/" is "".
  using ScopeRoles = ByText<Slots>;
  /// Which definitions grant an action, worked out once for each: matching patterns costs more than
  /// the rest of an answer. The actions come from our own code, so there are few.
  using Granting = ByText<std::vector<bool>>;

  const std::vector<bool>& granting(Plane plane, std::string_view action) const;

  const RoleDefinitions& definitions_;
  ByText<ScopeRoles> by_principal_;
  mutable Granting granting_[2];
  mutable std::uint64_t granting_version_ = 0;
};

}  // namespace latchkey::cloud
