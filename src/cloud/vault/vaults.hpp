#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/vault/access_policy.hpp"

namespace latchkey::cloud {

/// Who decides in a vault: role assignments (Azure RBAC), or the vault's own access policies.
enum class PermissionModel : std::uint8_t { roles, access_policies };

struct VaultProperties {
  std::string name;
  PermissionModel model = PermissionModel::roles;
  std::vector<AccessPolicy> policies{};  ///< kept in either model, looked at in one
};

/// A vault that somebody wants to be there at the start.
struct VaultOptions {
  std::string name;
  std::optional<PermissionModel> model{};  ///< nullopt: as it is kept; roles for a new one
};

/// The vaults that there are. Names compare without case. Reads come from memory (one thread);
/// writes are durable before they are answered.
class Vaults {
 public:
  /// Makes the table in `database`, reads what is there and makes what is wanted. Before the writer
  /// starts. Error: invalid_argument (InvalidVaultName).
  static Result<std::unique_ptr<Vaults>> load(sqlite::Database& database,
                                              const std::vector<VaultOptions>& wanted);
  ~Vaults();
  void use_writer(sqlite::Writer& writer);

  /// Nullptr when there is none; holds until the next change.
  const VaultProperties* find(std::string_view name) const;
  /// In the order of their names.
  std::vector<VaultProperties> list() const;

  /// Changes the vault of that name; makes it first when there is none. `change` runs on the
  /// writer's thread: what it needs it must hold itself. Error: invalid_argument
  /// (InvalidVaultName).
  Task<Result<VaultProperties>> change(std::string name,
                                       std::function<void(VaultProperties&)> change);

 private:
  struct Impl;
  explicit Vaults(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// 3 to 24 letters, digits and dashes; a letter first, no dash last, no two dashes together.
bool is_vault_name(std::string_view name);

}  // namespace latchkey::cloud
