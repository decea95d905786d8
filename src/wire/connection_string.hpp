#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

/// Storage connection strings. Source: "Configure Azure Storage connection strings".
namespace latchkey::wire {

/// The emulator's published account (not a secret: the same in every emulator).
inline constexpr std::string_view kDevelopmentAccount = "devstoreaccount1";
inline constexpr std::string_view kDevelopmentKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

enum class StorageService { queue, table };

struct ConnectionString {
  std::string endpoint;  ///< "https://ACCOUNT.queue.core.windows.net", no trailing slash
  std::string account;   ///< empty with a SAS
  Secret account_key;    ///< base64; empty with a SAS
  std::string sas;       ///< query text without '?'; empty with a key
};

/// Reads UseDevelopmentStorage=true, AccountName/AccountKey with DefaultEndpointsProtocol and
/// EndpointSuffix or QueueEndpoint (TableEndpoint), and that endpoint with SharedAccessSignature.
/// Error: invalid_argument, naming the part that is missing or wrong, never the key.
Result<ConnectionString> parse_connection_string(std::string_view text,
                                                 StorageService service = StorageService::queue);

}  // namespace latchkey::wire
