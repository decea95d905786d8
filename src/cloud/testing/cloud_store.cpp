#include "cloud/testing/cloud_store.hpp"

#include "base/assert.hpp"
#include "base/testing/await.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "cloud/vault/secret_rows.hpp"

namespace latchkey::cloud::testing {
CloudStore::CloudStore()
    : tenancy{.tenant_id = std::string(kTestTenant),
              .subscription_id = "5ab5c410-0000-4000-8000-000000000000"},
      keys(test_key(), clock),
      authenticator(keys, std::string(kTestIssuer), clock) {
  restart();
}

CloudStore::~CloudStore() = default;

void CloudStore::restart() {
  writer.reset();
  auto database = second_connection();
  identities = std::move(Identities::load(database, random).value());
  LK_ASSERT(keys.read(database).has_value());
  roles = std::move(RoleAssignments::load(database).value());
  const VaultOptions with_policies{.name = "policies", .model = PermissionModel::access_policies};
  vaults = std::move(Vaults::load(database, {{.name = "latchkey"}, with_policies}).value());
  LK_ASSERT(prepare_secret_rows(database, store_key, "latchkey").has_value());
  writer = std::make_unique<sqlite::Writer>(std::move(database));
  identities->use_writer(*writer);
  keys.use_writer(*writer);
  roles->use_writer(*writer);
  vaults->use_writer(*writer);
}

sqlite::Database CloudStore::second_connection() const {
  return std::move(sqlite::Database::open(folder.path() / "cloud.db").value());
}

Identity CloudStore::ensure_identity(std::string name) {
  return create_identity(std::move(name), IdentityKind::system_assigned);
}

Identity CloudStore::create_identity(std::string name, IdentityKind kind) {
  IoContext context;
  return latchkey::testing::await(context, identities->create(std::move(name), kind)).value();
}

Secret CloudStore::add_secret(std::string name) {
  IoContext context;
  return latchkey::testing::await(context, identities->add_secret(std::move(name), {}))->text;
}

std::string CloudStore::assign(std::string_view principal_id, std::string role, std::string scope) {
  RoleAssignment assignment{.name = random.uuid(),
                            .principal_id = std::string(principal_id),
                            .role_id = std::move(role),
                            .scope = std::move(scope)};
  auto name = assignment.name;
  IoContext context;
  run_to_end(context, [](RoleAssignments& all, RoleAssignment a) -> Task<> {
    auto assigned = co_await all.assign(std::move(a));
    LK_ASSERT(assigned.has_value());
  }(*roles, std::move(assignment)));
  return name;
}

void CloudStore::change_vault(std::string name, std::function<void(VaultProperties&)> change) {
  using Change = std::function<void(VaultProperties&)>;
  IoContext context;
  run_to_end(context, [](Vaults& all, std::string n, Change c) -> Task<> {
    auto changed = co_await all.change(std::move(n), std::move(c));
    LK_ASSERT(changed.has_value());
  }(*vaults, std::move(name), std::move(change)));
}

}  // namespace latchkey::cloud::testing
