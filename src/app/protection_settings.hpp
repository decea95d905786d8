#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "app/environment.hpp"
#include "base/result.hpp"
#include "codes/limits.hpp"
#include "codes/rate_limiter.hpp"

/// How codes are protected from guessing and the API from strangers; see docs/settings.md. What
/// would break a standard that docs/standards.md claims is refused, not warned about.
namespace latchkey::app {

struct LimitSettings {
  codes::Limits table;
  codes::Rate caller_failures{.count = 1'000, .window = std::chrono::seconds{60}};
  codes::Rate all_failures{.count = 10'000, .window = std::chrono::seconds{60}};
  codes::Rate caller_issues{};
  codes::Rate all_issues{};
};
/// CODE_ATTEMPTS_MAX, FAILURES_MAX, FAILURE_DELAY_MIN, FAILURE_DELAY_MAX, SUBJECT_ISSUES_MAX,
/// SUBJECT_ISSUES_WINDOW, NEWEST_CODE_ONLY, CALLER_FAILURES, ALL_FAILURES, CALLER_ISSUES,
/// ALL_ISSUES.
Result<LimitSettings> read_limit_settings(const Environment& environment);

struct AccessSettings {
  bool open = false;                 ///< API_OPEN, or nothing configured and only loopback
  std::string api_keys_secret_name;  ///< API_KEYS_SECRET_NAME; empty for none
  std::string audience;              ///< ENTRA_AUDIENCE: "api://latchkey", a comma list; or empty
  std::string tenant_id;             ///< ENTRA_TENANT_ID, else AZURE_TENANT_ID
  std::string authority_host;        ///< AZURE_AUTHORITY_HOST
};
/// `on_loopback`: nobody but this machine can reach the API. Error: an API that everybody could
/// call is refused unless API_OPEN says that this is wanted.
Result<AccessSettings> read_access_settings(const Environment& environment, bool on_loopback);

struct SignInSettings {
  bool enabled = false;             ///< SIGN_IN
  std::filesystem::path users;      ///< SIGN_IN_USERS_FILE, else users.json in the data folder
  std::filesystem::path outbox;     ///< outbox/ in the data folder
  std::string webhook_url;          ///< SIGN_IN_WEBHOOK_URL; empty: the outbox
  std::string webhook_secret_name;  ///< SIGN_IN_WEBHOOK_SECRET_NAME
  std::string public_url;           ///< SIGN_IN_PUBLIC_URL: for links in messages
  bool on_app_service = false;      ///< WEBSITE_SITE_NAME: its front end stands before us
  bool behind_app_service_authentication = false;  ///< WEBSITE_SITE_NAME, WEBSITE_AUTH_ENABLED
};
Result<SignInSettings> read_sign_in_settings(const Environment& environment,
                                             const std::filesystem::path& data);

/// The settings above that `latchkey up` takes from its own environment; all others follow from the
/// local cloud that it brings along.
inline constexpr std::string_view kSettingsOfUp[] = {
    "CODE_ATTEMPTS_MAX", "FAILURES_MAX",    "FAILURE_DELAY_MIN",     "FAILURE_DELAY_MAX",
    "ALL_FAILURES",      "CALLER_FAILURES", "SUBJECT_ISSUES_WINDOW", "SUBJECT_ISSUES_MAX",
    "ALL_ISSUES",        "CALLER_ISSUES",   "NEWEST_CODE_ONLY",      "SIGN_IN",
    "WATCH_POLL_MAX"};

}  // namespace latchkey::app
