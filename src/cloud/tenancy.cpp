#include "cloud/tenancy.hpp"

#include <fmt/format.h>

namespace latchkey::cloud {

std::string Tenancy::subscription_scope() const {
  return "/subscriptions/" + subscription_id;
}

std::string Tenancy::resource_group_scope() const {
  return fmt::format("{}/resourceGroups/{}", subscription_scope(), resource_group);
}

std::string Tenancy::storage_account(std::string_view account) const {
  return fmt::format("{}/providers/Microsoft.Storage/storageAccounts/{}", resource_group_scope(),
                     account);
}

std::string Tenancy::queue(std::string_view account, std::string_view queue) const {
  return fmt::format("{}/queueServices/default/queues/{}", storage_account(account), queue);
}

std::string Tenancy::vault(std::string_view vault) const {
  return fmt::format("{}/providers/Microsoft.KeyVault/vaults/{}", resource_group_scope(), vault);
}

std::string Tenancy::secret(std::string_view vault_name, std::string_view secret) const {
  return fmt::format("{}/secrets/{}", vault(vault_name), secret);
}

}  // namespace latchkey::cloud
