#pragma once

#include <string>
#include <string_view>

#include "azure/credential.hpp"
#include "http/url.hpp"
#include "wire/connection_string.hpp"

/// Where a queue or a table is, and what opens it: the same forms for both.
namespace latchkey::azure {

struct StorageAddress {
  /// Exactly one of: a credential (bearer; https only), an account key, a SAS in the URL.
  http::Url url;  ///< https://ACCOUNT.queue.core.windows.net/QUEUE; a SAS stays in its query
  TokenCredential* credential = nullptr;
  std::string account;  ///< with `account_key`
  Secret account_key;
};

/// What tells the services apart in their addresses.
struct StorageResource {
  std::string_view noun;       ///< "queue"
  std::string_view host_part;  ///< ".queue."
  std::string_view name_rule;  ///< for messages
  std::string_view example;    ///< a whole URL
  wire::StorageService service;
  bool (*is_name)(std::string_view name);
};

/// Uses the SAS in the URL's query if there is one, else `credential`. The last segment of the path
/// is the resource: https://ACCOUNT.queue.core.windows.net/QUEUE, or in path style (emulators)
/// https://HOST:PORT/ACCOUNT/QUEUE; an IP address, "localhost" and a host without a dot always mean
/// path style. Error: invalid_argument (no name in the path, bad name, http with a credential,
/// neither SAS nor credential), which never shows the SAS.
Result<StorageAddress> storage_address_from_url(std::string_view text, TokenCredential* credential,
                                                const StorageResource& resource);
/// From a connection string and the resource's name.
Result<StorageAddress> storage_address_from_connection_string(std::string_view text,
                                                              std::string_view name,
                                                              const StorageResource& resource);

}  // namespace latchkey::azure
