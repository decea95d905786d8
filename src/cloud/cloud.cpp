#include "cloud/cloud.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/data_folder.hpp"
#include "cloud/front.hpp"
#include "cloud/functions/key_management.hpp"
#include "cloud/identity/login_service.hpp"
#include "cloud/identity/managed_identity_service.hpp"
#include "cloud/management/management_service.hpp"
#include "cloud/proxy/azure_proxy.hpp"
#include "cloud/queues/queue_service.hpp"
#include "cloud/queues/storage_accounts.hpp"
#include "cloud/settings.hpp"
#include "cloud/store_key.hpp"
#include "cloud/test_controls/test_controls.hpp"
#include "cloud/vault/vault_management.hpp"
#include "cloud/vault/vault_service.hpp"
#include "http/server.hpp"

namespace latchkey::cloud {
namespace {

http::ServerOptions server_options(const CloudOptions& options, const char* name,
                                   std::uint16_t port) {
  http::ServerOptions made;
  made.name = name;
  made.addresses = options.addresses;
  made.port = port;
  return made;
}

Task<Result<>> assign_once(RoleAssignments& roles, RoleAssignment assignment) {
  auto assigned = co_await roles.assign(std::move(assignment), RoleAssignments::Effect::at_once);
  if (!assigned && assigned.error().code != "RoleAssignmentExists") co_return assigned;
  co_return Result<>{};
}

}  // namespace

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
  std::unique_ptr<AzureProxy> proxy;
  const Secret proxy_password{random.hex(32)};  // another at each start
  // Last, so that they go first: they hand requests to all of the above.
  std::unique_ptr<http::Server> identity_server;
  std::unique_ptr<http::Server> vault_server;
  std::unique_ptr<http::Server> queue_server;
  std::unique_ptr<http::Server> functions_server;
  std::unique_ptr<http::Server> proxy_server;
};

Result<std::unique_ptr<Cloud>> Cloud::start(CloudOptions options, Clock& clock, Random& random,
                                            Executor executor) {
  auto folder = DataFolder::open(options.data, clock);
  if (!folder) return fail(folder.error());
  auto impl = std::make_unique<Impl>(std::move(*folder), clock, random, executor);
  if (auto opened = impl->open_stores(options); !opened) return fail(opened.error());
  if (auto listening = impl->listen(options); !listening) return fail(listening.error());
  impl->tell_ports();
  // The last that can fail: it begins background work, which only `stop` ends.
  if (auto opened = impl->open_queues(options); !opened) return fail(opened.error());
  return std::unique_ptr<Cloud>(new Cloud(std::move(impl)));
}

Result<> Cloud::Impl::open_stores(const CloudOptions& options) {
  const std::string name = random.uuid();
  const auto open = [&] {
    return options.in_memory ? sqlite::Database::open_shared_memory(name)
                             : sqlite::Database::open(folder.cloud_database());
  };
  auto database = open();
  if (!database) return fail(database.error());
  // One transaction: the first start pays for one fsync, not for ten.
  if (auto begun = database->execute("BEGIN IMMEDIATE"); !begun) return begun;
  if (auto read = read_stores(*database, options); !read) return read;
  if (auto committed = database->execute("COMMIT"); !committed) return committed;
  if (had_plain_secrets) {
    auto cleaned = database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    if (!cleaned) return cleaned;
  }
  auto reader = open();
  if (!reader) return fail(reader.error());
  writer = std::make_unique<sqlite::Writer>(std::move(*database));
  make_services(std::move(*reader), options);
  roles->delay_changes(clock, options.role_delay);
  return trust_issuers(options.trusted_issuers);
}

Result<> Cloud::Impl::trust_issuers(const std::vector<TrustedIssuerOptions>& issuers) {
  for (const TrustedIssuerOptions& named : issuers) {
    auto trusted = read_trusted_issuer(named);
    if (!trusted) return fail(trusted.error());
    authenticator->trust(std::move(*trusted));
  }
  return {};
}

Result<> Cloud::Impl::read_stores(sqlite::Database& database, const CloudOptions& options) {
  if (auto prepared = prepare_settings(database); !prepared) return prepared;
  const auto uuid = [this] { return random.uuid(); };
  auto tenant = keep_setting(database, "tenant_id", uuid);
  if (!tenant) return fail(tenant.error());
  auto subscription = keep_setting(database, "subscription_id", uuid);
  if (!subscription) return fail(subscription.error());
  auto kept_accounts = keep_storage_accounts(database, random, options.storage_accounts);
  if (!kept_accounts) return fail(kept_accounts.error());
  accounts = std::move(*kept_accounts);
  tenancy.tenant_id = std::move(*tenant);
  tenancy.subscription_id = std::move(*subscription);

  auto found_identities = Identities::load(database, random);
  if (!found_identities) return fail(found_identities.error());
  identities = std::move(*found_identities);
  signing_keys = std::make_unique<SigningKeys>(folder.token_key(), clock);
  if (auto read = signing_keys->read(database); !read) return read;
  auto found_roles = RoleAssignments::load(database);
  if (!found_roles) return fail(found_roles.error());
  roles = std::move(*found_roles);
  is_new = !roles->ever_assigned();
  return read_sealed(database, options.vaults);
}

Result<> Cloud::Impl::read_sealed(sqlite::Database& database,
                                  std::vector<VaultOptions> more_vaults) {
  const StoreKey key(folder.store_key(), random);
  if (auto fits = key.check(database); !fits) return fits;
  more_vaults.push_back({.name = std::string(kVault)});
  auto found_vaults = Vaults::load(database, more_vaults);
  if (!found_vaults) return fail(found_vaults.error());
  vaults = std::move(*found_vaults);
  const auto had_plain = prepare_secret_rows(database, key, kVault);
  if (!had_plain) return fail(had_plain.error());
  auto found_keys = FunctionKeys::load(database, key, random);
  if (!found_keys) return fail(found_keys.error());
  function_keys = std::move(*found_keys);
  had_plain_secrets = *had_plain || function_keys->had_plain();
  return {};
}

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

http::Handler Cloud::Impl::service_of(FaultTarget target) {
  switch (target) {
    case FaultTarget::identity:
      return managed_identities->handler();
    case FaultTarget::login:
      return login->handler();
    case FaultTarget::vault:
      return vault_service->handler();
    case FaultTarget::queue:  // It comes later: it wants to know the login service's port.
      return [this](const http::Request& request) { return queue_handler(request); };
    case FaultTarget::functions:
      return functions->handler();
    case FaultTarget::management:
      return management_handler();
  }
  return {};
}

http::Handler Cloud::Impl::exposed(FaultTarget target) {
  auto service = controls->around(target, service_of(target));
  return target == FaultTarget::management ? controls->before(std::move(service)) : service;
}

http::Handler Cloud::Impl::management_handler() {
  return [vault = vault_management->handler(), keys = key_management->handler(),
          others = management->handler()](const http::Request& request) {
    if (VaultManagement::serves(request.path())) return vault(request);
    return KeyManagement::serves(request.path()) ? keys(request) : others(request);
  };
}

Result<> Cloud::Impl::listen(const CloudOptions& options) {
  auto tls = http::TlsServerContext::from_pem(folder.server_chain_pem(), folder.server_key_pem());
  if (!tls) return fail(tls.error());
  auto identity = server_options(options, "identity", options.ports.identity);
  auto vault_options = server_options(options, "vault", options.ports.vault_and_login);
  vault_options.tls = *tls;
  vault_options.tls_only = true;
  auto queue = server_options(options, "queue", options.ports.queue);
  queue.tls = *tls;
  auto function = server_options(options, "functions", options.ports.functions);

  auto done = listen_on(identity_server, std::move(identity), exposed(FaultTarget::identity));
  if (!done) return done;
  done = listen_on(vault_server, std::move(vault_options),
                   make_front({.vault = exposed(FaultTarget::vault),
                               .login = exposed(FaultTarget::login),
                               .management = exposed(FaultTarget::management)}));
  if (!done) return done;
  done = listen_on(queue_server, std::move(queue), exposed(FaultTarget::queue));
  if (!done) return done;
  done = listen_on(functions_server, std::move(function),
                   [this, handler = exposed(FaultTarget::functions)](const http::Request& request) {
                     return request.path() == "/metrics" ? show_metrics(request) : handler(request);
                   });
  if (!done) return done;
  return listen_as_azure(options);
}

Result<> Cloud::Impl::listen_as_azure(const CloudOptions& options) {
  const auto logged = [](http::Handler handler) {
    return with_request_log("proxy", std::move(handler));
  };
  const auto has_header = [this](std::string_view name, std::string_view header) {
    if (name == AzureProxy::kNobody) return proxy_password.equals(header);
    const auto* identity = identities->by_header(header);
    return identity != nullptr && iequals(identity->name, name);
  };
  ProxyServices services{.login = logged(exposed(FaultTarget::login)),
                         .management = logged(exposed(FaultTarget::management)),
                         .vault = logged(exposed(FaultTarget::vault)),
                         .queue = logged(exposed(FaultTarget::queue)),
                         .functions = logged(exposed(FaultTarget::functions)),
                         .metadata = logged(exposed(FaultTarget::identity))};
  proxy = std::make_unique<AzureProxy>(
      std::move(services), LeafCertificates(folder.authority(), clock.real()), has_header);
  auto made = server_options(options, "proxy", options.ports.proxy);
  made.addresses = {"127.0.0.1", "::1"};  // Whatever the others listen on: never for the network.
  return listen_on(proxy_server, std::move(made), proxy->handler());
}

Task<http::Response> Cloud::Impl::show_metrics(const http::Request& request) {
  if (request.method != http::Method::get) {
    auto refusal = http::text_response(405, "GET only");
    refusal.headers.set("Allow", "GET");
    co_return refusal;
  }
  auto response = http::text_response(200, metrics.render());
  response.headers.set("Content-Type", Metrics::kContentType);
  co_return response;
}

Result<> Cloud::Impl::listen_on(std::unique_ptr<http::Server>& server, http::ServerOptions options,
                                http::Handler handler) {
  const auto name = options.name;
  const auto port = options.port;
  auto listening = http::Server::listen(executor, std::move(options),
                                        with_request_log(name, std::move(handler)), clock);
  if (!listening) {
    auto error = listening.error();
    error.message = fmt::format(
        "the {} endpoint cannot have port {}: {} (--ports {}=NUMBER chooses another, --ports auto "
        "takes free ones)",
        name, port, error.message, name);
    return fail(std::move(error));
  }
  server = std::move(*listening);
  return {};
}

void Cloud::Impl::tell_ports() {
  const auto https_port = vault_server->port();
  vault_service->set_port(https_port);
  vault_management->set_port(https_port);
  login->set_port(https_port);
  arm_gate->set_port(https_port);
  endpoints = {.functions = fmt::format("http://localhost:{}", functions_server->port()),
               .queue = fmt::format("https://localhost:{}/{}", queue_server->port(), kAccount),
               .vault = fmt::format("https://{}.vault.localhost:{}", kVault, https_port),
               .identity = fmt::format("http://localhost:{}/msi/token", identity_server->port()),
               .login = fmt::format("https://localhost:{}", https_port),
               // By address: older clients do not try ::1 and then 127.0.0.1 for a proxy.
               .proxy = fmt::format("http://127.0.0.1:{}", proxy_server->port())};
}

Result<> Cloud::Impl::open_queues(const CloudOptions& options) {
  std::filesystem::path file;
  if (!options.in_memory) file = folder.queue_database();
  QueueServiceOptions made{.database = std::move(file),
                           .metrics = &metrics,
                           .accounts = accounts,
                           .tenancy = tenancy,
                           .login_origin = endpoints.login,
                           .deletion_window = options.queue_deletion_window};
  auto opened =
      QueueService::open(std::move(made), *authenticator, *roles, clock, random, executor);
  if (!opened) return fail(opened.error());
  queues = std::move(*opened);
  queue_handler = queues->handler();
  return {};
}

Cloud::Cloud(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cloud::~Cloud() = default;

const CloudEndpoints& Cloud::endpoints() const {
  return impl_->endpoints;
}
const Secret& Cloud::proxy_password() const {
  return impl_->proxy_password;
}
const Tenancy& Cloud::tenancy() const {
  return impl_->tenancy;
}
const std::vector<StorageAccount>& Cloud::storage_accounts() const {
  return impl_->accounts;
}
const std::string& Cloud::authority_pem() const {
  return impl_->folder.authority_pem();
}
std::filesystem::path Cloud::authority_file() const {
  return impl_->folder.authority_file();
}
RoleAssignments& Cloud::roles() {
  return *impl_->roles;
}
FunctionsHost& Cloud::functions() {
  return *impl_->functions;
}
std::optional<Secret> Cloud::function_key(std::string_view function) const {
  const auto owner = KeyOwner::function(function);
  const auto* key = impl_->function_keys->find(owner, FunctionKeys::kDefault);
  if (key == nullptr) return std::nullopt;
  return key->value;
}
bool Cloud::is_new() const {
  return impl_->is_new;
}

Task<Result<Identity>> Cloud::ensure_identity(std::string name) {
  return impl_->identities->ensure(std::move(name));
}

Task<Result<>> Cloud::ensure_role(std::string principal_id, std::string_view role,
                                  std::string scope) {
  return assign_once(*impl_->roles, {.name = impl_->random.uuid(),
                                     .principal_id = std::move(principal_id),
                                     .role_id = std::string(role),
                                     .scope = std::move(scope)});
}

Task<Result<>> Cloud::ensure_app_role(std::string object_id, std::string role) {
  return impl_->identities->ensure_app_role(std::move(object_id), std::move(role));
}

Task<Result<>> Cloud::ensure_queue(std::string queue) {
  return impl_->queues->ensure_queue(std::string(kAccount), std::move(queue));
}

std::optional<Secret> Cloud::secret(std::string_view name) const {
  const SecretName secret{std::string(kVault), std::string(name)};
  auto found = impl_->secrets->get(secret);
  if (found) return std::move(found->value);
  if (found.error().kind != ErrorKind::not_found) {
    log::error("vault_store_failed", {{"problem", found.error().message}});
  }
  return std::nullopt;
}

Task<Result<>> Cloud::set_secret(std::string name, Secret value) {
  const auto newest = secret(name);
  if (newest && *newest == value) co_return Result<>{};
  wire::SetSecretRequest content;
  content.value = std::move(value);
  SecretName in_vault{std::string(kVault), std::move(name)};
  auto made = co_await impl_->secrets->set(std::move(in_vault), std::move(content));
  if (!made) co_return fail(made.error());
  co_return Result<>{};
}

Task<Result<>> Cloud::recover_secret(std::string name) {
  SecretName in_vault{std::string(kVault), std::move(name)};
  auto back = co_await impl_->secrets->recover(std::move(in_vault));
  if (!back) co_return fail(back.error());
  co_return Result<>{};
}

Task<> Cloud::stop(std::chrono::milliseconds grace) {
  auto* const impl = impl_.get();
  TaskGroup draining(impl->executor);
  for (auto* server :
       {impl->identity_server.get(), impl->vault_server.get(), impl->queue_server.get(),
        impl->functions_server.get(), impl->proxy_server.get()}) {
    draining.spawn("drain", server->drain(grace));
  }
  co_await draining.join();
  co_await impl->queues->stop();
  impl->writer.reset();  // Finishes what waits.
}

}  // namespace latchkey::cloud
