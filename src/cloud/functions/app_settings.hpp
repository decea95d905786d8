#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "cloud/functions/config_reader.hpp"

/// A function app's settings, which are its environment, and what its bindings read of them.
namespace latchkey::cloud {

using AppSettings = std::map<std::string, std::string, std::less<>>;

/// The values of local.settings.json join `settings`; what is there already stays, as with Core
/// Tools, and is told in a warning.
void add_local_settings(std::string_view text, AppSettings& settings, ConfigProblems& problems);

/// Puts the setting's value in the place of each %NAME%. Error: not_found, naming the setting.
Result<std::string> resolve_settings(std::string_view text, const AppSettings& settings);

/// Where a binding's queues are, and as whom they are reached.
struct QueueConnection {
  std::string name;      ///< of the connection, for messages
  std::string endpoint;  ///< "https://ACCOUNT.queue.core.windows.net"; empty: the local account
  std::string account;   ///< with a key
  Secret account_key;    ///< base64
  std::string sas;       ///< query text without '?'
  /// Neither key nor SAS: the app's identity, or the user-assigned one of this client id.
  std::string client_id;
  bool by_identity = false;
};

/// `name` as a binding says it, "" for the default: a connection string in the setting
/// AzureWebJobsNAME or NAME; else NAME__queueServiceUri, NAME__serviceUri or NAME__accountName with
/// NAME__credential and NAME__clientId. Errors: not_found, invalid_argument; no value is told.
/// Source: "Azure Queue storage trigger for Azure Functions: Connections".
Result<QueueConnection> find_connection(std::string_view name, const AppSettings& settings);

}  // namespace latchkey::cloud
