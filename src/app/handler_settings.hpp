#pragma once

#include "app/service_parts.hpp"

namespace latchkey::app {

/// What `latchkey handler` needs to know: the API's settings, with four differences.
///
///   - It listens where the functions host looks for it: 127.0.0.1, FUNCTIONS_CUSTOMHANDLER_PORT.
///   - Everybody who reaches the host reaches the API, so that API_OPEN=true has to say that the
///     functions' own keys guard it, unless API keys or Entra ID do.
///   - STORAGE_QUEUE_URL is one queue, that of the trigger: nobody would watch the others.
///   - On Azure (WEBSITE_INSTANCE_ID; where apps scale to zero CONTAINER_NAME with
///     WEBSITE_SITE_NAME) the code table cannot be a file: each instance would have its own, and
///     lose it.
///
/// Source of those names: EnvironmentExtensions of azure-functions-host.
Result<ApiSettings> read_handler_settings(const Environment& environment,
                                          const std::filesystem::path& data);

/// The data folder when --data does not say one. On Azure it is on the instance's own disk: HOME is
/// shared by all instances there, or cannot be written.
std::filesystem::path handler_data_folder(const Environment& environment,
                                          const std::filesystem::path& otherwise);

/// bin/authorities.pem of the app's folder, which deploy/functions/package.py puts there: our
/// OpenSSL is Debian's and need not find those of Azure's image. Empty when there is none, or when
/// SSL_CERT_FILE says whom to trust.
std::filesystem::path bundled_authorities(const Environment& environment);

}  // namespace latchkey::app
