#include <utility>

#include "cloud/cloud_impl.hpp"
#include "cloud/store_key.hpp"

namespace latchkey::cloud {

void Cloud::Impl::make_services(sqlite::Database reader, const CloudOptions& options) {
  identities->use_writer(*writer);
  signing_keys->use_writer(*writer);
  roles->use_writer(*writer);
  function_keys->use_writer(*writer);
  functions = std::make_unique<FunctionsHost>(*function_keys);
  issuer = std::make_unique<TokenIssuer>(*signing_keys, tenancy, clock, random);
  authenticator = std::make_unique<Authenticator>(*signing_keys, issuer->issuer(), clock);
  managed_identities =
      std::make_unique<ManagedIdentityService>(tenancy, *identities, *issuer, clock);
  login =
      std::make_unique<LoginService>(tenancy, *identities, *authenticator, *issuer, clock, random);
  make_management(options.test_controls);
  make_vault(std::move(reader), options);
}

void Cloud::Impl::make_vault(sqlite::Database reader, const CloudOptions& options) {
  vaults->use_writer(*writer);
  secrets = std::make_unique<SecretStore>(std::move(reader), *writer,
                                          StoreKey(folder.store_key(), random), clock, random,
                                          options.vault_recoverable_days);
  VaultGate gate(std::string(kVault), tenancy, *vaults, *authenticator, *roles);
  if (options.vault_limits) gate.use_throttle(VaultThrottle(*options.vault_limits, clock));
  vault_service = std::make_unique<VaultService>(std::move(gate), *secrets, random);
  vault_management = std::make_unique<VaultManagement>(tenancy, *vaults, *arm_gate,
                                                       options.vault_recoverable_days);
  key_management = std::make_unique<KeyManagement>(*function_keys, *functions, *arm_gate);
}

void Cloud::Impl::make_management(bool test_controls) {
  arm_gate = std::make_unique<ArmGate>(tenancy, *roles, *authenticator);
  role_assignments = std::make_unique<RoleAssignmentService>(tenancy, *roles, *arm_gate);
  role_definitions = std::make_unique<RoleDefinitionService>(tenancy, *roles, *arm_gate);
  auto keep_key = [this](const Secret& pem) { return folder.keep_token_key(pem); };
  identity_resources = std::make_unique<IdentityService>(tenancy, *identities, *signing_keys,
                                                         keep_key, *arm_gate, clock);
  subscriptions = std::make_unique<SubscriptionService>(tenancy, *arm_gate);
  management = std::make_unique<ManagementService>(*role_assignments, *role_definitions,
                                                   *identity_resources, *subscriptions);
  controls = std::make_unique<TestControls>(TestControls::Parts{.tenancy = tenancy,
                                                                .gate = *arm_gate,
                                                                .keys = *signing_keys,
                                                                .clock = clock,
                                                                .random = random},
                                            test_controls);
}

}  // namespace latchkey::cloud
