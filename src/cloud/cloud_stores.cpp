#include <utility>

#include "cloud/cloud_impl.hpp"
#include "cloud/queues/storage_accounts.hpp"
#include "cloud/settings.hpp"
#include "cloud/store_key.hpp"

namespace latchkey::cloud {

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

}  // namespace latchkey::cloud
