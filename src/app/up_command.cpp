#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/first_code.hpp"
#include "app/local_cloud.hpp"
#include "app/names.hpp"
#include "app/service_parts.hpp"
#include "app/setting_reader.hpp"
#include "app/telemetry_part.hpp"
#include "base/log.hpp"
#include "codes/sqlite_code_table.hpp"

/// `latchkey up` and `latchkey cloud`: the local cloud on a thread of its own, and with `up` the
/// API and the watcher on this one. They speak to each other over sockets, as they would to Azure.
namespace latchkey::app {
namespace {

struct Everything {
  std::unique_ptr<LocalCloud> cloud;
  std::unique_ptr<TelemetryPart> telemetry;
  codes::CodeTables tables;
  std::unique_ptr<ApiPart> api;
  std::unique_ptr<WatchPart> watcher;
  RunningCloud running;
  std::optional<Trust> trust;
  std::vector<std::string> functions{};  ///< of function apps: a line for each
};

void print_endpoints(const RunningCloud& running) {
  fmt::print("latchkey is running; its data is in {}\n\n", running.data.string());
  const std::pair<const char*, const char*> rows[] = {
      {"api", "API"},     {"metrics", "metrics"},     {"functions", "functions"},
      {"queue", "queue"}, {"vault", "Key Vault"},     {"identity", "managed identity"},
      {"login", "login"}, {"proxy", "proxy as Azure"}};
  for (const auto& [key, title] : rows) {
    const auto found = running.endpoints.find(key);
    if (found != running.endpoints.end()) fmt::print("  {:<17} {}\n", title, found->second);
  }
  fmt::print("  {:<17} {}\n", "their CA", running.authority_file().string());
  std::fflush(stdout);
}

/// The environment of one part, as if it had been started alone with `latchkey env --as
/// <identity>`.
Result<Environment> environment_of_part(const Everything& all, const char* identity,
                                        const UpOptions& options, const Environment& own) {
  auto environment = environment_for(all.running, identity);
  if (!environment) return fail(environment.error());
  environment->set("CODE_LIFETIME", options.code_lifetime);
  environment->set("SIGN_IN", "true");
  environment->set("WATCH_POLL_MAX", "500ms");  // To look often costs nothing here.
  for (const auto name : kSettingsOfUp) {
    if (!own.get(name).empty()) environment->set(std::string(name), own.get(name));
  }
  return environment;
}

Task<Result<>> start_parts(Everything& all, std::uint16_t api_port, const UpOptions& options,
                           const Environment& own, const TelemetrySettings& telling, World world) {
  std::filesystem::path file;
  if (!options.in_memory) file = all.running.data / "codes.db";
  auto tables = codes::open_sqlite_tables(file);
  if (!tables) co_return fail(tables.error());
  all.tables = std::move(*tables);

  auto authority = read_file(all.running.authority_file());
  if (!authority) co_return fail(authority.error());
  auto trust = Trust::system_trust(*authority);
  if (!trust) co_return fail(trust.error());
  all.trust = *trust;
  all.telemetry = TelemetryPart::start(telling, *trust, world);

  auto api_environment = environment_of_part(all, kApiIdentity, options, own);
  if (!api_environment) co_return fail(api_environment.error());
  auto api_settings = read_api_settings(*api_environment, all.running.data);
  if (!api_settings) co_return fail(api_settings.error());
  api_settings->listen = {.addresses = {"127.0.0.1", "::1"}, .port = api_port};
  auto api = co_await ApiPart::start(std::move(*api_settings), all.tables, *all.trust, world);
  if (!api) co_return fail(api.error());
  all.api = std::move(*api);
  all.running.endpoints["api"] = fmt::format("http://localhost:{}", all.api->port());

  auto watch_environment = environment_of_part(all, kWatcherIdentity, options, own);
  if (!watch_environment) co_return fail(watch_environment.error());
  auto watch_settings = read_service_settings(*watch_environment, Needs::watcher, all.running.data);
  if (!watch_settings) co_return fail(watch_settings.error());
  auto watcher =
      co_await WatchPart::start(std::move(*watch_settings), *all.tables.codes, *all.trust, world);
  if (!watcher) co_return fail(watcher.error());
  all.watcher = std::move(*watcher);
  auto shown = all.telemetry->listen(all.api->readiness());
  if (!shown) co_return shown;
  if (all.telemetry->port() != 0) {
    all.running.endpoints["metrics"] =
        fmt::format("http://localhost:{}/metrics", all.telemetry->port());
  }
  co_return Result<>{};
}

Task<> stop_cloud(std::unique_ptr<LocalCloud> cloud) {
  co_await cloud->stop(kStopGrace);
  cloud.reset();  // Here, on its own thread.
}

Task<> stop_everything(Everything& all, Executor cloud_executor) {
  if (!all.cloud) co_return;  // Nothing of ours runs; the folder may be somebody else's.
  remove_endpoints(all.running.data);
  if (all.api) co_await all.api->stop(kStopGrace);
  if (all.watcher) co_await all.watcher->stop();
  if (all.telemetry) co_await all.telemetry->stop();
  all.watcher.reset();
  all.api.reset();
  co_await run_on(cloud_executor, stop_cloud(std::move(all.cloud)));
}

/// "ISSUER=FILE"; the issuer is a URL and may hold an '=' itself.
Result<std::vector<cloud::TrustedIssuerOptions>> parse_trusted(const UpOptions& options) {
  std::vector<cloud::TrustedIssuerOptions> issuers;
  for (const std::string& text : options.trusted_issuers) {
    const auto at = text.rfind('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
      return setting_error("--trusted-issuer", text, "it is an issuer and a file with its key set",
                           "https://issuer.example=keys.json");
    }
    issuers.push_back({.issuer = text.substr(0, at),
                       .audiences = options.trusted_audiences,
                       .keys = text.substr(at + 1)});
  }
  return issuers;
}

/// "NAME", "NAME=rbac" or "NAME=access-policy".
Result<std::vector<cloud::VaultOptions>> parse_vaults(const std::vector<std::string>& texts) {
  std::vector<cloud::VaultOptions> vaults;
  for (const std::string& text : texts) {
    const auto at = text.find('=');
    cloud::VaultOptions vault{.name = text.substr(0, at)};
    const auto model = at == std::string::npos ? "" : text.substr(at + 1);
    if (model == "rbac") vault.model = cloud::PermissionModel::roles;
    if (model == "access-policy") vault.model = cloud::PermissionModel::access_policies;
    if (!cloud::is_vault_name(vault.name) || (at != std::string::npos && !vault.model)) {
      return setting_error("--vault", text,
                           "it is a name (3 to 24 letters, digits and dashes, a letter first), "
                           "and =rbac or =access-policy behind it",
                           "orders=access-policy");
    }
    vaults.push_back(std::move(vault));
  }
  return vaults;
}

Task<Result<>> start_cloud(Everything& all, const Ports& ports, const UpOptions& wanted,
                           World cloud_world) {
  auto trusted = parse_trusted(wanted);
  if (!trusted) co_return fail(trusted.error());
  auto vaults = parse_vaults(wanted.vaults);
  if (!vaults) co_return fail(vaults.error());
  cloud::CloudOptions options;
  options.vaults = std::move(*vaults);
  options.vault_recoverable_days = wanted.vault_recoverable_days;
  if (wanted.vault_throttle) options.vault_limits.emplace();
  options.data = all.running.data;
  options.ports = ports.cloud;
  options.in_memory = wanted.in_memory;
  options.storage_accounts = wanted.accounts;
  options.queue_deletion_window = std::chrono::seconds{wanted.queue_deletion_window};
  options.trusted_issuers = std::move(*trusted);
  options.test_controls = wanted.test_controls;
  options.role_delay = std::chrono::seconds(wanted.role_delay_seconds);
  auto starting = LocalCloud::start(std::move(options), cloud_world, wanted.restore_secrets);
  auto cloud = co_await run_on(cloud_world.executor, std::move(starting));
  if (!cloud) co_return fail(cloud.error());
  all.cloud = std::move(*cloud);
  all.running = all.cloud->running();
  co_return Result<>{};
}

Task<Result<>> start_functions(Everything& all, const UpOptions& wanted, Environment own,
                               Executor cloud_executor) {
  if (wanted.function_apps.empty()) co_return Result<>{};
  auto starting = all.cloud->start_function_apps(wanted.function_apps, std::move(own));
  auto lines = co_await run_on(cloud_executor, std::move(starting));
  if (!lines) co_return fail(lines.error());
  all.functions = std::move(*lines);
  co_return Result<>{};
}

struct Wanted {
  const CommonOptions& common;
  const UpOptions& options;
  TelemetrySettings telemetry;
  Ports ports;
  bool with_service;
};

Task<int> run_until_signal(const Wanted& wanted, World world, Executor cloud_executor) {
  StopSignal stop(world.executor);
  Everything all;
  all.running.data = wanted.common.data;
  const World cloud_world{cloud_executor, world.clock, world.random, world.metrics, world.tracer};
  auto outcome = co_await start_cloud(all, wanted.ports, wanted.options, cloud_world);
  if (outcome && wanted.with_service) {
    auto parts = co_await start_parts(all, wanted.ports.api, wanted.options,
                                      wanted.common.environment, wanted.telemetry, world);
    outcome = std::move(parts);
  }
  if (outcome) {
    auto functions =
        co_await start_functions(all, wanted.options, wanted.common.environment, cloud_executor);
    outcome = std::move(functions);
  }
  if (outcome) outcome = write_endpoints(all.running);
  if (!outcome) {
    const int code = report(outcome.error());
    co_await stop_everything(all, cloud_executor);
    co_return code;
  }
  print_endpoints(all.running);
  for (const auto& line : all.functions) fmt::print("  {}\n", line);
  if (wanted.options.test_controls) {
    fmt::print("  {:<17} ON: latchkey fault and latchkey clock change how all of this behaves\n",
               "test controls");
    std::fflush(stdout);
  }
  if (wanted.with_service) {
    co_await show_first_code(all.running, *all.tables.codes, all.api->hasher(), wanted.common,
                             *all.trust, world);
  } else {
    fmt::print("\nPoint any app at it:  eval \"$({} env)\"\nStop with Ctrl-C.\n",
               wanted.common.program);
    std::fflush(stdout);
  }
  co_await stop.wait();
  log::info("stopping");
  co_await stop_everything(all, cloud_executor);
  co_return 0;
}

int run(const CommonOptions& common, const UpOptions& options, bool with_service) {
  auto ports = parse_ports(options.ports);
  if (!ports) return report(ports.error());
  if (auto lifetime = parse_code_lifetime("--code-lifetime", options.code_lifetime); !lifetime) {
    return report(lifetime.error());
  }
  if (auto made = make_data_folder(common.data); !made) return report(made.error());
  // Left behind by a killed process: nobody must take it for ours.
  if (!is_in_use(common.data)) remove_endpoints(common.data);
  auto telemetry = read_telemetry_settings(common.environment);
  if (!telemetry) return report(telemetry.error());
  const Wanted wanted{common, options, std::move(*telemetry), *ports, with_service};
  CommandWorld world(wanted.telemetry.tracer);
  LoopThread cloud_thread;
  const Executor cloud_executor = cloud_thread.executor();
  return world.run([&wanted, cloud_executor](World inside) {
    return run_until_signal(wanted, inside, cloud_executor);
  });
}

}  // namespace

int run_up(const CommonOptions& common, const UpOptions& options) {
  return run(common, options, true);
}

int run_cloud(const CommonOptions& common, const UpOptions& options) {
  return run(common, options, false);
}

}  // namespace latchkey::app
