#pragma once

#include <string>
#include <string_view>

/// The ids of the local cloud's one tenant and the Azure Resource Manager ids made of them.
namespace latchkey::cloud {

struct Tenancy {
  std::string tenant_id;        ///< GUID, made at first start
  std::string subscription_id;  ///< GUID, made at first start
  std::string resource_group = "latchkey";

  std::string subscription_scope() const;
  std::string resource_group_scope() const;
  std::string storage_account(std::string_view account) const;
  std::string queue(std::string_view account, std::string_view queue) const;
  std::string vault(std::string_view vault) const;
  std::string secret(std::string_view vault, std::string_view secret) const;
};

}  // namespace latchkey::cloud
