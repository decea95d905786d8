#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/code_table_settings.hpp"
#include "app/environment.hpp"
#include "azure/credential.hpp"
#include "base/result.hpp"
#include "codes/watcher.hpp"
#include "http/client.hpp"
#include "http/url.hpp"

namespace latchkey::app {

/// What the API and the watcher need to know; the names are the walkthrough's own. See
/// docs/settings.md.
struct ServiceSettings {
  http::Url number_endpoint;            ///< THIRD_PARTY_API_ENDPOINT
  std::string number_secret_name;       ///< THIRD_PARTY_API_SECRET_NAME
  std::string key_vault_url;            ///< KEY_VAULT_URL
  std::vector<std::string> queue_urls;  ///< STORAGE_QUEUE_URL; may carry a SAS
  std::string pepper_secret_name;       ///< CODE_PEPPER_SECRET_NAME
  CodeTableSettings code_table;
  std::chrono::milliseconds lifetime{};                ///< CODE_LIFETIME
  bool message_base64 = false;                         ///< QUEUE_MESSAGE_ENCODING
  bool accept_unissued = false;                        ///< ACCEPT_UNISSUED_CODES
  codes::Requeue requeue = codes::Requeue::automatic;  ///< WATCH_REQUEUE
  std::chrono::milliseconds poll_max{};                ///< WATCH_POLL_MAX
  std::chrono::milliseconds clock_error_max{};         ///< CLOCK_ERROR_MAX
  std::filesystem::path audit_folder;                  ///< AUDIT_FOLDER
  std::chrono::milliseconds queue_probe{};             ///< QUEUE_PROBE_INTERVAL
  azure::CredentialSettings credential;
  http::PoolOptions http;
};

/// Which settings a command needs: the watcher knows nothing of the number API.
enum class Needs { api, watcher };

/// Error: invalid_argument; its message is the one line to show: which setting, what was found, a
/// right example.
Result<ServiceSettings> read_service_settings(const Environment& environment, Needs needs,
                                              const std::filesystem::path& data);

struct ListenSettings {
  std::vector<std::string>
      addresses;              ///< LISTEN_ADDRESS; else loopback, and all addresses on App Service
  std::uint16_t port = 8080;  ///< PORT, else WEBSITES_PORT
  bool on_loopback = true;    ///< nobody but this machine can reach it
  /// DRAIN_DELAY: after SIGTERM, how long /readyz says no while everything is still answered.
  std::chrono::milliseconds drain_delay{};
};
Result<ListenSettings> read_listen_settings(const Environment& environment);

/// A code lifetime from 1 s to 600 s, in text such as "5s" or "10m". `name` is how the user gave
/// it.
Result<std::chrono::milliseconds> parse_code_lifetime(std::string_view name, std::string_view text);

azure::CredentialSettings read_credential_settings(const Environment& environment);
/// HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in either case.
http::PoolOptions read_http_settings(const Environment& environment);

}  // namespace latchkey::app
