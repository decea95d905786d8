#pragma once

#include <memory>
#include <vector>

#include "cloud/cloud.hpp"
#include "cloud/data_folder.hpp"
#include "cloud/functions/function_app_runner.hpp"
#include "cloud/functions/key_management.hpp"
#include "cloud/identity/login_service.hpp"
#include "cloud/identity/managed_identity_service.hpp"
#include "cloud/management/management_service.hpp"
#include "cloud/proxy/azure_proxy.hpp"
#include "cloud/queues/queue_service.hpp"
#include "cloud/test_controls/test_controls.hpp"
#include "cloud/vault/vault_management.hpp"
#include "cloud/vault/vault_service.hpp"
#include "http/server.hpp"

namespace latchkey::cloud {

/// What the local cloud is made of, in the order in which it is made: stores (cloud_stores.cpp),
/// services over them (cloud_services.cpp), ports that show them (cloud_servers.cpp).
struct Cloud::Impl {
  Impl(DataFolder folder_in, Clock& clock_in, Random& random_in, Executor executor_in)
      : folder(std::move(folder_in)), clock(clock_in), random(random_in), executor(executor_in) {}

  /// Everything that reads cloud.db, then the writer.
  Result<> open_stores(const CloudOptions& options);
  Result<> read_stores(sqlite::Database& database, const CloudOptions& options);
  /// Vaults, secrets and function keys.
  Result<> read_sealed(sqlite::Database& database, std::vector<VaultOptions> more_vaults);
  Result<> trust_issuers(const std::vector<TrustedIssuerOptions>& issuers);
  void make_services(sqlite::Database reader, const CloudOptions& options);
  void make_management(bool test_controls);
  void make_vault(sqlite::Database reader, const CloudOptions& options);
  http::Handler management_handler();
  http::Handler service_of(FaultTarget target);
  /// The service as it is reached from outside: it suffers the faults that are planned for it.
  http::Handler exposed(FaultTarget target);
  /// All ports; which numbers they got is known afterwards.
  Result<> listen(const CloudOptions& options);
  Result<> listen_on(std::unique_ptr<http::Server>& server, http::ServerOptions options,
                     http::Handler handler);
  Result<> open_queues(const CloudOptions& options);
  /// On the functions port, where /api and /admin leave it free.
  Task<http::Response> show_metrics(const http::Request& request);
  /// The proxy, which shows all of this under the names it has in Azure.
  Result<> listen_as_azure(const CloudOptions& options);
  void tell_ports();
  Result<wire::TokenAnswer> queue_token(std::string_view app_identity, std::string_view client_id);
  bool serves_queues_at(std::string_view endpoint) const;
  Task<> stop_function_apps(std::chrono::milliseconds grace);

  DataFolder folder;
  MovableClock clock;
  Random& random;
  const Executor executor;
  Tenancy tenancy;
  std::vector<StorageAccount> accounts;
  bool is_new = false;
  bool had_plain_secrets = false;  ///< when this started: of an older version
  CloudEndpoints endpoints;
  Metrics metrics;

  std::unique_ptr<sqlite::Writer> writer;
  std::unique_ptr<Identities> identities;
  std::unique_ptr<RoleAssignments> roles;
  std::unique_ptr<FunctionKeys> function_keys;
  std::unique_ptr<FunctionsHost> functions;
  std::unique_ptr<SigningKeys> signing_keys;
  std::unique_ptr<TokenIssuer> issuer;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<ManagedIdentityService> managed_identities;
  std::unique_ptr<LoginService> login;
  std::unique_ptr<ArmGate> arm_gate;
  std::unique_ptr<RoleAssignmentService> role_assignments;
  std::unique_ptr<RoleDefinitionService> role_definitions;
  std::unique_ptr<IdentityService> identity_resources;
  std::unique_ptr<SubscriptionService> subscriptions;
  std::unique_ptr<ManagementService> management;
  std::unique_ptr<TestControls> controls;
  std::unique_ptr<Vaults> vaults;
  std::unique_ptr<SecretStore> secrets;
  std::unique_ptr<VaultService> vault_service;
  std::unique_ptr<VaultManagement> vault_management;
  std::unique_ptr<KeyManagement> key_management;
  std::unique_ptr<QueueService> queues;
  http::Handler queue_handler;
  std::vector<std::unique_ptr<FunctionAppRunner>> function_apps;
  std::unique_ptr<AzureProxy> proxy;
  const Secret proxy_password{random.hex(32)};  // another at each start
  // Last, so that they go first: they hand requests to all of the above.
  std::unique_ptr<http::Server> identity_server;
  std::unique_ptr<http::Server> vault_server;
  std::unique_ptr<http::Server> queue_server;
  std::unique_ptr<http::Server> functions_server;
  std::unique_ptr<http::Server> proxy_server;
};

}  // namespace latchkey::cloud
