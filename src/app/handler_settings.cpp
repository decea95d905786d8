#include "app/handler_settings.hpp"

#include "app/setting_reader.hpp"

namespace latchkey::app {
namespace {

/// CONTAINER_NAME alone is no sign of Azure: others who run containers set it, too.
bool on_azure(const Environment& environment) {
  return !environment.get("WEBSITE_INSTANCE_ID").empty() ||
         (!environment.get("CONTAINER_NAME").empty() &&
          !environment.get("WEBSITE_SITE_NAME").empty());
}

}  // namespace

Result<ApiSettings> read_handler_settings(const Environment& environment,
                                          const std::filesystem::path& data) {
  constexpr std::string_view kPort = "FUNCTIONS_CUSTOMHANDLER_PORT";
  const std::string& port = environment.get(kPort);
  if (port.empty()) {
    return setting_error(kPort, "", "a functions host sets it; outside of one run latchkey serve",
                         "7072");
  }
  constexpr std::string_view kQueue = "STORAGE_QUEUE_URL";
  if (environment.get(kQueue).find_first_of(",{") != std::string::npos) {
    return setting_error(kQueue, "a list", "a function app's trigger watches one queue",
                         "https://ACCOUNT.queue.core.windows.net/code-requests");
  }
  Environment effective = environment;
  effective.set("PORT", port);
  effective.set("LISTEN_ADDRESS", "127.0.0.1");
  auto settings = read_api_settings(effective, data);
  if (!settings) return fail(settings.error());
  auto access = read_access_settings(effective, false);
  if (!access) return fail(access.error());
  settings->access = std::move(*access);
  if (on_azure(environment) && !settings->service.code_table.file.empty()) {
    return setting_error("CODE_TABLE_URL", "",
                         "the instances of a function app share no disk, so the code table "
                         "cannot be a file",
                         "https://ACCOUNT.table.core.windows.net/codes");
  }
  return settings;
}

std::filesystem::path handler_data_folder(const Environment& environment,
                                          const std::filesystem::path& otherwise) {
  return on_azure(environment) ? std::filesystem::path("/tmp/latchkey") : otherwise;
}

std::filesystem::path bundled_authorities(const Environment& environment) {
  const std::string& root = environment.get("FUNCTIONS_APP_ROOT_PATH");
  if (root.empty() || !environment.get("SSL_CERT_FILE").empty()) return {};
  const auto file = std::filesystem::path(root) / "bin" / "authorities.pem";
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored) ? file : std::filesystem::path{};
}

}  // namespace latchkey::app
