#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/environment.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "codes/redis_address.hpp"

namespace latchkey::app {

/// Where the code table is: CODE_TABLE_URL, or CODE_TABLE_FILE for short.
struct CodeTableSettings {
  std::filesystem::path file{};                ///< SQLite; empty for a table that is a service
  std::optional<codes::RedisAddress> redis{};  ///< redis://, rediss://
  std::string azure_url{};     ///< https://: a table of Azure; a SAS may stand in it
  std::string azure_name{};    ///< azure-table:NAME, with `connection_string`
  Secret connection_string{};  ///< AZURE_STORAGE_CONNECTION_STRING
  std::string secret_name{};   ///< CODE_TABLE_SECRET_NAME: the service's password

  bool is_azure_table() const { return !azure_url.empty() || !azure_name.empty(); }

  /// Without a credential, for people.
  std::string shown() const;
};

/// A SQLite file in `data` when nothing is set. Error: invalid_argument, the one line to show. It
/// never holds a password, and a password is taken from a setting for this machine's own Redis
/// only.
Result<CodeTableSettings> read_code_table_settings(const Environment& environment,
                                                   const std::filesystem::path& data);

}  // namespace latchkey::app
