#include "cloud/cloud.hpp"

#include <utility>

#include "base/log.hpp"
#include "cloud/cloud_impl.hpp"

namespace latchkey::cloud {
namespace {

Task<Result<>> assign_once(RoleAssignments& roles, RoleAssignment assignment) {
  auto assigned = co_await roles.assign(std::move(assignment), RoleAssignments::Effect::at_once);
  if (!assigned && assigned.error().code != "RoleAssignmentExists") co_return assigned;
  co_return Result<>{};
}

}  // namespace

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
  co_await impl->stop_function_apps(grace);
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
