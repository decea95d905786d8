#include "cloud/identity/role_index.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

/// A resource id has some twelve levels; what is deeper has no role of its own.
constexpr std::size_t kLevelsMax = 32;
constexpr std::size_t kActionsMax = 256;

std::string scope_key(std::string_view scope) {
  while (scope.ends_with('/')) scope.remove_suffix(1);
  return to_lower(scope);
}

}  // namespace

void RoleIndex::add(const Entry& entry) {
  by_principal_[to_lower(entry.principal_id)][scope_key(entry.scope)].push_back(
      static_cast<std::uint32_t>(entry.role_slot));
}

void RoleIndex::remove(const Entry& entry) {
  const auto principal = by_principal_.find(to_lower(entry.principal_id));
  if (principal == by_principal_.end()) return;
  const auto scope = principal->second.find(scope_key(entry.scope));
  if (scope == principal->second.end()) return;
  std::erase(scope->second, static_cast<std::uint32_t>(entry.role_slot));
  if (scope->second.empty()) principal->second.erase(scope);
  if (principal->second.empty()) by_principal_.erase(principal);
}

bool RoleIndex::allowed(Plane plane, std::string_view principal_id,
                        const wire::Requirement& requirement, std::string_view resource_id) const {
  const auto principal = by_principal_.find(to_lower(principal_id));
  if (principal == by_principal_.end()) return false;
  const std::string resource = scope_key(resource_id);
  std::array<const Slots*, kLevelsMax> found{};
  std::size_t levels = 0;
  const auto look = [&](std::size_t size) {
    const auto at = principal->second.find(std::string_view(resource).substr(0, size));
    if (at != principal->second.end() && levels < kLevelsMax) found[levels++] = &at->second;
  };
  for (auto slash = resource.find('/'); slash != resource.npos;
       slash = resource.find('/', slash + 1)) {
    look(slash);
  }
  look(resource.size());
  if (levels == 0) return false;

  const auto held = [&](std::string_view action) {
    const auto& grants = granting(plane, action);
    return std::ranges::any_of(std::span(found).first(levels), [&](const Slots* slots) {
      return std::ranges::any_of(*slots, [&](std::uint32_t slot) { return grants[slot]; });
    });
  };
  return std::ranges::any_of(requirement, [&](const auto& alternative) {
    return !alternative.empty() && std::ranges::all_of(alternative, held);
  });
}

const std::vector<bool>& RoleIndex::granting(Plane plane, std::string_view action) const {
  if (granting_version_ != definitions_.version()) {
    for (Granting& each : granting_) each.clear();
    granting_version_ = definitions_.version();
  }
  Granting& known = granting_[plane == Plane::data ? 0 : 1];
  if (const auto found = known.find(action); found != known.end()) return found->second;
  std::vector<bool> grants(definitions_.count());
  for (std::size_t slot = 0; slot < grants.size(); ++slot) {
    const auto& role = definitions_.at(slot);
    grants[slot] =
        plane == Plane::data ? wire::allows(role, action) : wire::allows_management(role, action);
  }
  if (known.size() >= kActionsMax) known.clear();
  return known.emplace(action, std::move(grants)).first->second;
}

}  // namespace latchkey::cloud
