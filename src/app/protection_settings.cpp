#include "app/protection_settings.hpp"

#include "app/setting_reader.hpp"
#include "base/text.hpp"
#include "http/url.hpp"

namespace latchkey::app {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Result<LimitSettings> read_limit_settings(const Environment& environment) {
  SettingReader read(environment);
  LimitSettings limits;
  codes::Limits& table = limits.table;
  table.attempts_per_code = read.integer("CODE_ATTEMPTS_MAX", table.attempts_per_code, 1, 100);
  // NIST SP 800-63B 5.2.2: no more than 100 consecutive failures on one account.
  table.failures_max = read.integer("FAILURES_MAX", table.failures_max, 1, 100);
  table.delay_min = duration_cast<seconds>(
      read.duration("FAILURE_DELAY_MIN", table.delay_min, seconds{1}, hours{1}));
  table.delay_max = duration_cast<seconds>(
      read.duration("FAILURE_DELAY_MAX", table.delay_max, table.delay_min, hours{24}));
  table.issues_max = read.integer("SUBJECT_ISSUES_MAX", table.issues_max, 1, 1'000);
  table.issues_window = duration_cast<seconds>(
      read.duration("SUBJECT_ISSUES_WINDOW", table.issues_window, seconds{1}, hours{24}));
  table.newest_only = read.boolean("NEWEST_CODE_ONLY", table.newest_only);
  limits.caller_failures = read.rate("CALLER_FAILURES", limits.caller_failures);
  limits.all_failures = read.rate("ALL_FAILURES", limits.all_failures);
  limits.caller_issues = read.rate("CALLER_ISSUES", limits.caller_issues);
  limits.all_issues = read.rate("ALL_ISSUES", limits.all_issues);
  if (read.error()) return fail(*read.error());
  return limits;
}

Result<AccessSettings> read_access_settings(const Environment& environment, bool on_loopback) {
  SettingReader read(environment);
  AccessSettings access;
  access.api_keys_secret_name = read.text("API_KEYS_SECRET_NAME");
  access.audience = read.text("ENTRA_AUDIENCE");
  access.tenant_id = read.text("ENTRA_TENANT_ID", environment.get("AZURE_TENANT_ID"));
  access.authority_host = read.text("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com");
  const bool wanted_open = read.boolean("API_OPEN", false);
  if (read.error()) return fail(*read.error());

  const bool configured = !access.api_keys_secret_name.empty() || !access.audience.empty();
  if (wanted_open && configured) {
    return setting_error("API_OPEN", "true",
                         "the API cannot be open to everybody and ask for credentials as well",
                         "false");
  }
  if (!access.audience.empty() && access.tenant_id.empty()) {
    return setting_error("ENTRA_TENANT_ID", "", "", "00000000-0000-0000-0000-000000000000");
  }
  access.open = !configured;
  if (access.open && !wanted_open && !on_loopback) {
    return setting_error(
        "API_KEYS_SECRET_NAME", "",
        "the API listens on an address that others can reach, so it needs API keys, or "
        "ENTRA_AUDIENCE, or API_OPEN=true if everybody may call it",
        "latchkey-api-keys");
  }
  return access;
}

Result<SignInSettings> read_sign_in_settings(const Environment& environment,
                                             const std::filesystem::path& data) {
  SettingReader read(environment);
  SignInSettings settings;
  settings.enabled = read.boolean("SIGN_IN", false);
  settings.users = read.text("SIGN_IN_USERS_FILE", (data / "users.json").string());
  settings.outbox = data / "outbox";
  settings.webhook_url = read.text("SIGN_IN_WEBHOOK_URL");
  settings.webhook_secret_name = read.text("SIGN_IN_WEBHOOK_SECRET_NAME");
  settings.public_url = read.text("SIGN_IN_PUBLIC_URL");
  if (read.error()) return fail(*read.error());
  const std::pair<const char*, const std::string*> urls[] = {
      {"SIGN_IN_WEBHOOK_URL", &settings.webhook_url}, {"SIGN_IN_PUBLIC_URL", &settings.public_url}};
  for (const auto& [name, text] : urls) {
    if (text->empty()) continue;
    const auto url = http::parse_url(*text);
    if (!url) return setting_error(name, *text, url.error().message, "https://app.example/path");
    if (!url->is_https() && !http::is_loopback_host(url->host)) {
      return setting_error(name, *text, "codes and links to them travel by https only",
                           "https://app.example/path");
    }
  }
  // Outside App Service anybody could send its headers.
  settings.on_app_service = !environment.get("WEBSITE_SITE_NAME").empty();
  settings.behind_app_service_authentication =
      settings.on_app_service && iequals(environment.get("WEBSITE_AUTH_ENABLED"), "true");
  return settings;
}

}  // namespace latchkey::app
