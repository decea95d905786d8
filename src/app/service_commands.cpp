#include <fmt/format.h>

#include <cstdio>

#include "app/code_tables.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/names.hpp"
#include "app/running_cloud.hpp"
#include "app/service_parts.hpp"
#include "app/telemetry_part.hpp"
#include "base/log.hpp"
#include "cloud/data_folder.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/settings.hpp"
#include "service/random_number.hpp"

/// `latchkey serve`, `watch` and `number`: one part of the product, settings from the environment,
/// as it runs on App Service, on a VM or in a container.
namespace latchkey::app {
namespace {

/// "http://localhost:8080" style text for a listening line.
void print_listening(std::string_view what, std::uint16_t port, std::string_view path) {
  fmt::print("latchkey: {} on http://localhost:{}{}\n", what, port, path);
  std::fflush(stdout);
}

Task<int> serve(const ApiSettings& settings, const TelemetrySettings& telling, World world) {
  StopSignal stop(world.executor);
  auto trust = Trust::system_trust();
  if (!trust) co_return report(trust.error());
  auto open = open_code_tables(settings.service, *trust, world);
  if (!open) co_return report(open.error());
  const auto telemetry = TelemetryPart::start(telling, *trust, world);
  auto part = co_await ApiPart::start(settings, open->tables, std::move(*trust), world);
  auto shown = part ? telemetry->listen((*part)->readiness()) : Result<>(fail(part.error()));
  if (!shown) {
    if (part) co_await (*part)->stop(kStopGrace);
    co_await telemetry->stop();
    co_return report(shown.error());
  }
  print_listening("API", (*part)->port(), "/api/v1/getcode");
  if (telemetry->port() != 0) print_listening("metrics", telemetry->port(), "/metrics");
  co_await stop.wait();
  log::info("stopping", {{"drain_delay_ms", settings.listen.drain_delay.count()}});
  (*part)->leave();
  co_await world.clock.sleep_for(settings.listen.drain_delay);
  co_await (*part)->stop(kStopGrace);
  co_await telemetry->stop();
  co_return 0;
}

Task<int> watch(const ServiceSettings& settings, const TelemetrySettings& telling, World world) {
  StopSignal stop(world.executor);
  auto trust = Trust::system_trust();
  if (!trust) co_return report(trust.error());
  auto open = open_code_tables(settings, *trust, world);
  if (!open) co_return report(open.error());
  const auto telemetry = TelemetryPart::start(telling, *trust, world);
  auto part = co_await WatchPart::start(settings, *open->tables.codes, std::move(*trust), world);
  auto shown = part ? telemetry->listen((*part)->readiness()) : Result<>(fail(part.error()));
  if (!shown) {
    if (part) co_await (*part)->stop();
    co_await telemetry->stop();
    co_return report(shown.error());
  }
  fmt::print("latchkey: watching the queue\n");
  std::fflush(stdout);
  if (telemetry->port() != 0) print_listening("metrics", telemetry->port(), "/metrics");
  co_await stop.wait();
  log::info("stopping");
  (*part)->readiness().leave();
  co_await (*part)->stop();
  co_await telemetry->stop();
  co_return 0;
}

/// Behind a functions host (FUNCTIONS_CUSTOMHANDLER_PORT) the host has asked for the key already
/// and calls on loopback; alone, we are the host.
struct NumberSettings {
  ListenSettings listen;
  bool behind_host = false;
};

Result<NumberSettings> read_number_settings(const Environment& environment) {
  NumberSettings settings;
  const std::string& handler_port = environment.get("FUNCTIONS_CUSTOMHANDLER_PORT");
  Environment effective = environment;
  if (!handler_port.empty()) {
    settings.behind_host = true;
    effective.set("PORT", handler_port);
    effective.set("LISTEN_ADDRESS", "127.0.0.1");
  } else if (environment.get("PORT").empty() && environment.get("WEBSITES_PORT").empty()) {
    effective.set("PORT", "7071");
  }
  auto listen = read_listen_settings(effective);
  if (!listen) return fail(listen.error());
  settings.listen = std::move(*listen);
  return settings;
}

struct OwnHost {
  std::unique_ptr<cloud::FunctionKeys> keys;
  std::unique_ptr<cloud::FunctionsHost> host;
  std::unique_ptr<sqlite::Writer> writer;
};

/// A functions host with this one function, its keys in the data folder, and a file (mode 0600)
/// that holds the key for whoever has to put it into a vault.
Result<OwnHost> make_own_host(const std::filesystem::path& data, http::Handler function,
                              Random& random) {
  auto database = sqlite::Database::open(data / "functions.db");
  if (!database) return fail(database.error());
  const auto sealing = cloud::keep_store_key(data / "keys" / "functions-store-key");
  if (!sealing) return fail(sealing.error());
  const cloud::StoreKey store_key(*sealing, random);
  if (auto made = cloud::prepare_settings(*database); !made) return fail(made.error());
  if (auto fits = store_key.check(*database); !fits) return fail(fits.error());
  auto keys = cloud::FunctionKeys::load(*database, store_key, random);
  if (!keys) return fail(keys.error());
  if ((*keys)->had_plain()) {
    auto cleaned = database->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    if (!cleaned) return fail(cleaned.error());
  }
  OwnHost own;
  own.keys = std::move(*keys);
  own.writer = std::make_unique<sqlite::Writer>(std::move(*database));
  own.keys->use_writer(*own.writer);
  own.host = std::make_unique<cloud::FunctionsHost>(*own.keys);
  own.host->add({.name = std::string(kNumberFunction),
                 .methods = {http::Method::get, http::Method::post},
                 .level = cloud::AuthLevel::function,
                 .handler = std::move(function)});
  return own;
}

Task<Result<>> write_key_file(const cloud::FunctionKeys& keys, std::filesystem::path file) {
  const auto owner = cloud::KeyOwner::function(kNumberFunction);
  const auto* key = keys.find(owner, cloud::FunctionKeys::kDefault);
  if (key == nullptr)
    co_return fail(ErrorKind::internal, "NoFunctionKey", "the function has no default key");
  co_return write_file(file, std::string(key->value.reveal()) + "\n", 0600);
}

Task<int> number(const NumberSettings& settings, const CommonOptions& common, World world) {
  StopSignal stop(world.executor);
  auto function = service::random_number_function(world.random);
  OwnHost own;
  http::Handler handler = function;
  if (!settings.behind_host) {
    auto made = make_own_host(common.data, function, world.random);
    if (!made) co_return report(made.error());
    own = std::move(*made);
    const auto key_file = common.data / "function-key";
    auto written = co_await write_key_file(*own.keys, key_file);
    if (!written) co_return report(written.error());
    fmt::print("latchkey: the function's key is in {}\n", key_file.string());
    handler = own.host->handler();
  }
  http::ServerOptions options;
  options.name = "number";
  options.addresses = settings.listen.addresses;
  options.port = settings.listen.port;
  auto server = http::Server::listen(world.executor, std::move(options), handler, world.clock);
  if (!server) co_return report(server.error());
  print_listening("number API", (*server)->port(), "/api/RandomNumber");
  co_await stop.wait();
  co_await (*server)->drain(kStopGrace);
  co_return 0;
}

}  // namespace

int run_serve(const CommonOptions& common) {
  auto settings = read_api_settings(common.environment, common.data);
  if (!settings) return report(settings.error());
  auto telemetry = read_telemetry_settings(common.environment);
  if (!telemetry) return report(telemetry.error());
  if (auto made = make_data_folder(common.data); !made) return report(made.error());
  CommandWorld world(telemetry->tracer);
  return world.run([&](World inside) { return serve(*settings, *telemetry, inside); });
}

int run_watch(const CommonOptions& common) {
  auto settings = read_service_settings(common.environment, Needs::watcher, common.data);
  if (!settings) return report(settings.error());
  auto telemetry = read_telemetry_settings(common.environment);
  if (!telemetry) return report(telemetry.error());
  if (auto made = make_data_folder(common.data); !made) return report(made.error());
  CommandWorld world(telemetry->tracer);
  return world.run([&](World inside) { return watch(*settings, *telemetry, inside); });
}

int run_number(const CommonOptions& common) {
  auto settings = read_number_settings(common.environment);
  if (!settings) return report(settings.error());
  if (!settings->behind_host) {
    if (auto made = make_data_folder(common.data); !made) return report(made.error());
  }
  CommandWorld world;
  return world.run([&](World inside) { return number(*settings, common, inside); });
}

}  // namespace latchkey::app
