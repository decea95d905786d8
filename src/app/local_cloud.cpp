#include "app/local_cloud.hpp"

#include <fmt/format.h>

#include "app/names.hpp"
#include "app/setting_reader.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "service/random_number.hpp"

namespace latchkey::app {
namespace {

constexpr std::string_view kSender = "Storage Queue Data Message Sender";
constexpr std::string_view kQueueContributor = "Storage Queue Data Contributor";
constexpr std::string_view kSecretsUser = "Key Vault Secrets User";
constexpr std::string_view kSecretsOfficer = "Key Vault Secrets Officer";
constexpr std::string_view kOwner = "Owner";

}  // namespace

Result<Ports> parse_ports(std::string_view text) {
  if (text == "auto") return Ports{0, {0, 0, 0, 0, 0}};
  Ports ports;
  if (text.empty() || text == "default") return ports;
  const std::pair<std::string_view, std::uint16_t*> names[] = {
      {"api", &ports.api},
      {"functions", &ports.cloud.functions},
      {"queue", &ports.cloud.queue},
      {"vault", &ports.cloud.vault_and_login},
      {"identity", &ports.cloud.identity},
      {"proxy", &ports.cloud.proxy}};
  for (const auto item : split(text, ',')) {
    const auto at = item.find('=');
    std::uint16_t* place = nullptr;
    for (const auto& [name, target] : names) {
      if (item.substr(0, at) == name) place = target;
    }
    const auto number = at == std::string_view::npos
                            ? std::nullopt
                            : parse_integer<std::uint16_t>(item.substr(at + 1));
    if (place == nullptr || !number) {
      return setting_error(
          "--ports", text,
          "it is auto, or a list of api, functions, queue, vault, identity and proxy with "
          "port numbers",
          "api=8080,queue=10001");
    }
    *place = *number;
  }
  return ports;
}

Task<Result<std::unique_ptr<LocalCloud>>> LocalCloud::start(cloud::CloudOptions options,
                                                            World world, bool restore_secrets) {
  std::unique_ptr<LocalCloud> local(new LocalCloud);
  const std::filesystem::path data = options.data;
  auto started = cloud::Cloud::start(std::move(options), world.clock, world.random, world.executor);
  if (!started) co_return fail(started.error());
  local->cloud_ = std::move(*started);
  local->running_.data = data;
  auto provisioned = co_await local->provision(world, restore_secrets);
  if (!provisioned) {
    co_await local->stop(std::chrono::seconds{1});
    co_return fail(provisioned.error());
  }
  co_return local;
}

Task<Result<>> LocalCloud::provision(World world, bool restore_secrets) {
  cloud_->functions().add({.name = std::string(kNumberFunction),
                           .methods = {http::Method::get, http::Method::post},
                           .level = cloud::AuthLevel::function,
                           .handler = service::random_number_function(world.random)});
  for (const auto name : {kQueueName, kPoisonQueueName}) {
    auto queue = co_await cloud_->ensure_queue(std::string(name));
    if (!queue) co_return fail(queue.error());
  }
  auto secrets = co_await provision_secrets(world, restore_secrets);
  if (!secrets) co_return fail(secrets.error());
  auto identities = co_await provision_identities();
  if (!identities) co_return fail(identities.error());

  const auto& endpoints = cloud_->endpoints();
  running_.endpoints = {{"functions", endpoints.functions}, {"queue", endpoints.queue},
                        {"vault", endpoints.vault},         {"identity", endpoints.identity},
                        {"login", endpoints.login},         {"proxy", endpoints.proxy}};
  for (const auto& account : cloud_->storage_accounts()) {
    running_.storage_keys[account.name] = account.key1;
  }
  running_.proxy_password = cloud_->proxy_password();
  running_.tenant_id = cloud_->tenancy().tenant_id;
  running_.subscription_id = cloud_->tenancy().subscription_id;
  running_.resource_group = cloud_->tenancy().resource_group;
  co_return write_identities(running_);
}

Task<Result<>> LocalCloud::provision_secrets(World world, bool restore) {
  if (restore) {
    auto recovered = co_await recover_secrets();
    if (!recovered) co_return recovered;
  }
  if (restore || !cloud_->secret(kNumberSecretName)) {
    auto key = cloud_->function_key(kNumberFunction);
    if (!key) {
      co_return fail(ErrorKind::internal, "NoFunctionKey",
                     "the number function has no default key");
    }
    auto kept = co_await keep_secret(std::string(kNumberSecretName), *key);
    if (!kept) co_return kept;
  }
  if (!cloud_->secret(kPepperSecretName)) {
    Secret pepper(world.random.hex(32));
    auto kept = co_await keep_secret(std::string(kPepperSecretName), std::move(pepper));
    if (!kept) co_return kept;
  }
  co_return Result<>{};
}

Task<Result<>> LocalCloud::recover_secrets() {
  for (const auto name : {kNumberSecretName, kPepperSecretName}) {
    auto back = co_await cloud_->recover_secret(std::string(name));
    if (!back && back.error().kind != ErrorKind::not_found) co_return back;
  }
  co_return Result<>{};
}

/// What a person deleted stays so over a restart, as a role does that was taken away.
Task<Result<>> LocalCloud::keep_secret(std::string name, Secret value) {
  auto set = co_await cloud_->set_secret(name, std::move(value));
  if (set || set.error().kind != ErrorKind::conflict) co_return set;
  log::warning("secret_deleted", {{"secret", name}, {"back_by", "--restore-secrets"}});
  co_return Result<>{};
}

Task<Result<>> LocalCloud::provision_identities() {
  for (const char* name : {kApiIdentity, kWatcherIdentity, kOperatorIdentity, kAppIdentity}) {
    auto identity = co_await cloud_->ensure_identity(name);
    if (!identity) co_return fail(identity.error());
    running_.identities[name] = {identity->client_id, identity->object_id,
                                 identity->identity_header};
  }
  const std::pair<const char*, const char*> app_roles[] = {{kAppIdentity, "Codes.Issue"},
                                                           {kAppIdentity, "Codes.Verify"},
                                                           {kOperatorIdentity, "Codes.Admin"}};
  for (const auto& [identity, role] : app_roles) {
    std::string object_id = running_.identities.at(identity).object_id;
    auto given = co_await cloud_->ensure_app_role(std::move(object_id), role);
    if (!given) co_return fail(given.error());
  }
  // A person may have taken a role away to see what happens: a restart must not give it back.
  if (!cloud_->is_new()) co_return Result<>{};
  const auto& ids = cloud_->tenancy();
  const auto vault = ids.vault(cloud::Cloud::kVault);
  const auto number_key = ids.secret(cloud::Cloud::kVault, kNumberSecretName);
  const auto pepper = ids.secret(cloud::Cloud::kVault, kPepperSecretName);
  const auto account = ids.storage_account(kAccountName);
  const auto queue = ids.queue(kAccountName, kQueueName);
  const auto poison = ids.queue(kAccountName, kPoisonQueueName);
  struct Grant {
    const char* identity;
    std::string_view role;
    const std::string& scope;
  };
  const std::string subscription = ids.subscription_scope();
  // Accounts and vaults that come later are the operator's as well.
  const std::string group = ids.resource_group_scope();
  const Grant grants[] = {{kApiIdentity, kSender, queue},
                          {kApiIdentity, kSecretsUser, number_key},
                          {kApiIdentity, kSecretsUser, pepper},
                          {kWatcherIdentity, kQueueContributor, queue},
                          {kWatcherIdentity, kQueueContributor, poison},
                          {kWatcherIdentity, kSecretsUser, pepper},
                          {kOperatorIdentity, kOwner, subscription},
                          {kOperatorIdentity, kQueueContributor, group},
                          {kOperatorIdentity, kSecretsOfficer, group},
                          {kAppIdentity, kQueueContributor, account},
                          {kAppIdentity, kSecretsOfficer, vault}};
  for (const Grant& wanted : grants) {
    auto granted = co_await grant(wanted.identity, wanted.role, wanted.scope);
    if (!granted) co_return fail(granted.error());
  }
  co_return Result<>{};
}

Task<Result<>> LocalCloud::grant(std::string identity, std::string_view role, std::string scope) {
  std::string object_id = running_.identities.at(identity).object_id;
  co_return co_await cloud_->ensure_role(std::move(object_id), role, std::move(scope));
}

}  // namespace latchkey::app
