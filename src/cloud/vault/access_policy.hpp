#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Key Vault's older permission model: a list of who may do what with all secrets of a vault.
/// Source: REST reference "Vaults - Update Access Policy", "Assign a Key Vault access policy".
namespace latchkey::cloud {

/// What a policy can permit on secrets, in Azure's spelling.
enum class SecretPermission : std::uint8_t {
  get,
  list,
  set,
  delete_,
  recover,
  backup,
  restore,
  purge
};
/// "get"
std::string_view to_string(SecretPermission permission);

/// A set of SecretPermission.
class SecretPermissions {
 public:
  bool has(SecretPermission permission) const { return (bits_ & bit(permission)) != 0; }
  bool empty() const { return bits_ == 0; }
  void add(SecretPermission permission) { bits_ |= bit(permission); }
  void add(SecretPermissions others) { bits_ |= others.bits_; }
  void remove(SecretPermissions others) { bits_ &= ~others.bits_; }
  friend bool operator==(SecretPermissions, SecretPermissions) = default;

 private:
  static std::uint32_t bit(SecretPermission permission) {
    return 1U << static_cast<unsigned>(permission);
  }
  std::uint32_t bits_ = 0;
};

/// One principal's permissions.
struct AccessPolicy {
  std::string tenant_id;
  std::string object_id;
  SecretPermissions secrets;
};

/// The "accessPolicies" of Azure Resource Manager's JSON. Permissions on keys, certificates and
/// storage are read over: there are none here. Nullopt: not in that form, or an unknown permission.
std::optional<std::vector<AccessPolicy>> parse_access_policies(const boost::json::array& policies);
boost::json::array render_access_policies(const std::vector<AccessPolicy>& policies);

/// The three operations on a vault's policies. `add` unites permissions with those the principal
/// has, `replace` puts new ones in their place, `remove` takes permissions away, and a policy
/// without any goes.
enum class PolicyChange : std::uint8_t { add, replace, remove };
void change_policies(std::vector<AccessPolicy>& policies, PolicyChange change,
                     const std::vector<AccessPolicy>& by);

bool permits(const std::vector<AccessPolicy>& policies, std::string_view object_id,
             SecretPermission permission);

}  // namespace latchkey::cloud
