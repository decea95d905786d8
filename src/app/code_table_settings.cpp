#include "app/code_table_settings.hpp"

#include <fmt/format.h>

#include "app/setting_reader.hpp"
#include "http/url.hpp"

namespace latchkey::app {
namespace {

constexpr std::string_view kUrl = "CODE_TABLE_URL";
constexpr std::string_view kExample = "rediss://OBJECT_ID@NAME.REGION.redis.azure.net:10000";
constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kAzureTable = "azure-table:";

/// What may be shown of a URL: not what stands before an @, nor a query.
std::string without_credentials(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto at = url.rfind('@');
  const std::string_view scheme =
      scheme_end == std::string_view::npos ? "" : url.substr(0, scheme_end + 3);
  std::string_view rest =
      at == std::string_view::npos ? url.substr(scheme.size()) : url.substr(at + 1);
  rest = rest.substr(0, rest.find('?'));
  return std::string(scheme).append(rest);
}

tl::unexpected<Error> wrong(const std::string& url, std::string_view problem) {
  return setting_error(kUrl, without_credentials(url), problem, kExample);
}

Result<> read_redis(const std::string& url, CodeTableSettings& settings) {
  auto address = codes::parse_redis_url(url);
  if (!address) return wrong(url, address.error().message);
  const bool own = http::is_loopback_host(address->peer.host);
  const bool has_secret = !settings.secret_name.empty();
  if (!address->password.empty() && (has_secret || !own)) {
    return wrong(url,
                 "a password is no setting; put it into the vault and name it in "
                 "CODE_TABLE_SECRET_NAME, or leave it out and sign in with a token of Entra ID");
  }
  const bool by_token = !address->user.empty() && address->password.empty() && !has_secret;
  if (by_token && !address->peer.tls) {
    return wrong(url,
                 "a user without a password signs in with a token of Entra ID, and that goes "
                 "through TLS only, rediss://");
  }
  settings.redis = std::move(*address);
  return {};
}

Result<> read_azure(const std::string& url, const Environment& environment,
                    CodeTableSettings& settings) {
  if (!settings.secret_name.empty()) {
    return wrong(url, "a table of Azure has no password for CODE_TABLE_SECRET_NAME");
  }
  if (!url.starts_with(kAzureTable)) {
    settings.azure_url = url;
    return {};
  }
  settings.azure_name = url.substr(kAzureTable.size());
  settings.connection_string = Secret(environment.get("AZURE_STORAGE_CONNECTION_STRING"));
  if (settings.connection_string.empty()) {
    return wrong(url, "AZURE_STORAGE_CONNECTION_STRING is not set, which says where it is");
  }
  return {};
}

}  // namespace

std::string CodeTableSettings::shown() const {
  if (redis) return fmt::format("Redis at {}", redis->peer.shown());
  if (!azure_url.empty()) return "Azure table at " + without_credentials(azure_url);
  if (!azure_name.empty()) return "Azure table " + azure_name;
  return file.string();
}

Result<CodeTableSettings> read_code_table_settings(const Environment& environment,
                                                   const std::filesystem::path& data) {
  CodeTableSettings settings;
  const std::string& url = environment.get(kUrl);
  const std::string& file = environment.get("CODE_TABLE_FILE");
  settings.secret_name = environment.get("CODE_TABLE_SECRET_NAME");
  if (url.empty()) {
    settings.file = file.empty() ? data / "codes.db" : std::filesystem::path(file);
    return settings;
  }
  if (!file.empty()) return wrong(url, "CODE_TABLE_FILE is set as well, and there is one table");
  if (url.starts_with(kSqlite) && url.size() > kSqlite.size()) {
    settings.file = url.substr(kSqlite.size());
    return settings;
  }
  if (url.starts_with("redis://") || url.starts_with("rediss://")) {
    auto read = read_redis(url, settings);
    if (!read) return fail(read.error());
    return settings;
  }
  if (url.starts_with("https://") || url.starts_with("http://") || url.starts_with(kAzureTable)) {
    auto read = read_azure(url, environment, settings);
    if (!read) return fail(read.error());
    return settings;
  }
  return wrong(url, "it begins with sqlite:, redis://, rediss://, https:// or azure-table:");
}

}  // namespace latchkey::app
