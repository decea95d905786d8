#pragma once

#include <string_view>

/// Azure's clouds: the public one and the two sovereign ones that are open to new customers'
/// machines. Each has hosts of its own; the resource of storage tokens is the same in all.
/// Sources: "Azure Government endpoints", "Azure China developer guide", "National clouds" of the
/// Microsoft identity platform.
namespace latchkey::azure {

struct AzureCloud {
  std::string_view authority;     ///< where its identities get their tokens
  std::string_view vault_domain;  ///< vaults are NAME.vault_domain, their tokens' resource is it
  std::string_view queue_domain;  ///< queues are at ACCOUNT.queue_domain
};

const AzureCloud& public_cloud();
/// The cloud in whose vault or queue domain `host` is; nullptr when in none.
const AzureCloud* cloud_of_host(std::string_view host);
/// True when `host` is a name below `domain`, not `domain` itself.
bool is_below(std::string_view host, std::string_view domain);

}  // namespace latchkey::azure
