#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace latchkey::service {

/// What a caller may do. The names are those of the app roles in Entra ID and in the API keys.
enum class Role { issue, verify, admin };

inline constexpr std::array<std::pair<Role, std::string_view>, 3> kRoleNames = {{
    {Role::issue, "Codes.Issue"},
    {Role::verify, "Codes.Verify"},
    {Role::admin, "Codes.Admin"},  // look and revoke; neither of the others is part of it
}};

constexpr std::string_view to_string(Role role) {
  for (const auto& [known, name] : kRoleNames) {
    if (known == role) return name;
  }
  return {};
}

constexpr std::optional<Role> role_from(std::string_view text) {
  for (const auto& [role, name] : kRoleNames) {
    if (name == text) return role;
  }
  return std::nullopt;
}

}  // namespace latchkey::service
