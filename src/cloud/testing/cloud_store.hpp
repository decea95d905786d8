#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/sqlite_writer.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/identity/authenticator.hpp"
#include "cloud/identity/identities.hpp"
#include "cloud/identity/role_assignments.hpp"
#include "cloud/identity/signing_keys.hpp"
#include "cloud/store_key.hpp"
#include "cloud/tenancy.hpp"
#include "cloud/testing/temporary_folder.hpp"
#include "cloud/vault/vaults.hpp"

namespace latchkey::cloud::testing {

/// The database of a local cloud in a file that goes with this object, and what reads it at start.
/// Tokens of test_tokens.hpp are good here.
class CloudStore {
 public:
  CloudStore();
  ~CloudStore();
  CloudStore(const CloudStore&) = delete;
  CloudStore& operator=(const CloudStore&) = delete;

  /// Closes the database and reads it again, as a new process would.
  void restart();
  sqlite::Database second_connection() const;

  Identity ensure_identity(std::string name);
  Identity create_identity(std::string name, IdentityKind kind);
  /// A new secret of that service principal.
  Secret add_secret(std::string name);
  /// The role's name or id; the assignment's GUID is returned.
  std::string assign(std::string_view principal_id, std::string role, std::string scope);

  void change_vault(std::string name, std::function<void(VaultProperties&)> change);
  void make_vault(std::string name) {
    change_vault(std::move(name), [](VaultProperties&) {});
  }

  TemporaryFolder folder;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  StoreKey store_key{Sha256{1, 2, 3}, random};
  Tenancy tenancy;
  SigningKeys keys;
  Authenticator authenticator;
  std::unique_ptr<Identities> identities;
  std::unique_ptr<RoleAssignments> roles;
  std::unique_ptr<Vaults> vaults;  ///< "latchkey" and "policies", which has access policies
  std::unique_ptr<sqlite::Writer> writer;
};

}  // namespace latchkey::cloud::testing
