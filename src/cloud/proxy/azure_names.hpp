#pragma once

#include <optional>
#include <string_view>

namespace latchkey::cloud {

/// What stands behind a host name of the public Azure cloud and is served here.
enum class AzureService { login, management, vault, queue, functions, metadata };

/// The service that `host` (lower case, no port) names; nullopt for every other name in the world:
///
///   login.microsoftonline.com, login.windows.net,     login (MSAL's aliases of one authority)
///   login.microsoft.com, sts.windows.net
///   management.azure.com                              management
///   NAME.vault.azure.net                              vault
///   ACCOUNT[-secondary].queue.core.windows.net        queue
///   NAME.azurewebsites.net                            functions
///   169.254.169.254                                   metadata (IMDS)
///
/// NAME is one label. Source: "Azure domains reference".
std::optional<AzureService> azure_service(std::string_view host);

}  // namespace latchkey::cloud
