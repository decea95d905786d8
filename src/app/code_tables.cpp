#include "app/code_tables.hpp"

#include "base/log.hpp"
#include "codes/azure_code_tables.hpp"
#include "codes/redis_code_table.hpp"
#include "codes/redis_login.hpp"
#include "codes/sqlite_code_table.hpp"

namespace latchkey::app {
namespace {

using std::chrono::seconds;

/// Somebody waits with his code: he is told that the table is silent as soon as with Redis.
constexpr azure::RetryOptions kTablePatience{.deadline = seconds{8}, .attempt_timeout = seconds{3}};

Result<OpenCodeTables> open_redis(const ServiceSettings& settings, Trust trust, World world) {
  const codes::RedisAddress& address = *settings.code_table.redis;
  if (!address.peer.tls && !http::is_loopback_host(address.peer.host)) {
    log::warning("table_in_clear_text",
                 {{"table", settings.code_table.shown()},
                  {"problem", "who is on the way can read and change it; use rediss://"}});
  }
  OpenCodeTables open;
  codes::RedisLoginSource login = codes::login_of(address);
  const std::string& secret = settings.code_table.secret_name;
  const bool by_token = !address.user.empty() && address.password.empty() && secret.empty();
  if (by_token || !secret.empty()) {
    auto azure = AzureAccess::create(settings, trust, world);
    if (!azure) return fail(azure.error());
    open.azure = std::move(*azure);
  }
  if (by_token) {
    login = codes::login_by_token(address.user, open.azure->credential());
  } else if (!secret.empty()) {
    open.password = std::make_unique<azure::CachedSecret>(open.azure->vault(), secret, world.clock,
                                                          world.executor);
    login = codes::login_by_secret(address.user, *open.password);
  }
  open.tables = codes::open_redis_tables(
      address, std::move(login), {world.executor, std::move(trust), world.clock, world.random});
  return open;
}

Result<azure::TableAddress> azure_address(const CodeTableSettings& settings,
                                          azure::TokenCredential& credential) {
  auto address = settings.azure_name.empty()
                     ? azure::table_address_from_url(settings.azure_url, &credential)
                     : azure::table_address_from_connection_string(
                           settings.connection_string.reveal(), settings.azure_name);
  if (!address) address.error().message.insert(0, "CODE_TABLE_URL: ");
  return address;
}

Result<OpenCodeTables> open_azure(const ServiceSettings& settings, Trust trust, World world) {
  OpenCodeTables open;
  auto azure = AzureAccess::create(settings, std::move(trust), world);
  if (!azure) return fail(azure.error());
  open.azure = std::move(*azure);
  auto address = azure_address(settings.code_table, open.azure->credential());
  if (!address) return fail(address.error());
  if (!address->url.is_https() && !http::is_loopback_host(address->url.host)) {
    log::warning("table_in_clear_text",
                 {{"table", settings.code_table.shown()},
                  {"problem", "who is on the way can read and change it; use https://"}});
  }
  // Owned by open.azure, which outlives the tables.
  const std::shared_ptr<void> nobody;
  std::shared_ptr<http::HttpClient> http(nobody, &open.azure->azure_http("table"));
  open.tables = codes::open_azure_tables(
      std::move(*address), {std::move(http), world.clock, world.random, world.executor},
      kTablePatience);
  return open;
}

}  // namespace

Result<OpenCodeTables> open_code_tables(const ServiceSettings& settings, Trust trust, World world) {
  if (settings.code_table.redis) return open_redis(settings, std::move(trust), world);
  if (settings.code_table.is_azure_table()) return open_azure(settings, std::move(trust), world);
  auto tables = codes::open_sqlite_tables(settings.code_table.file);
  if (!tables) return fail(tables.error());
  OpenCodeTables open;
  open.tables = std::move(*tables);
  return open;
}

}  // namespace latchkey::app
