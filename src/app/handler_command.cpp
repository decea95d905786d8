#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "app/code_tables.hpp"
#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/handler_settings.hpp"
#include "app/running_cloud.hpp"
#include "app/service_parts.hpp"
#include "app/telemetry_part.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "service/function_routes.hpp"
#include "service/problem.hpp"

/// `latchkey handler`: API and watcher in one process, as a custom handler of Azure Functions.
namespace latchkey::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// So long a request waits for a process that still starts. The host waits for much longer.
constexpr seconds kStartPatience{30};
constexpr milliseconds kStartPoll{20};

/// Stands before the API from the first moment on: a host gives up a handler that does not answer
/// within 30 s, and the vault may take longer. Any answer to GET / will do; requests wait.
class Front {
 public:
  explicit Front(Clock& clock) : clock_(clock) {}
  void open(http::Handler behind) { behind_ = std::move(behind); }
  http::Handler handler() {
    return [this](const http::Request& request) { return answer(request); };
  }

 private:
  Task<http::Response> answer(const http::Request& request) {
    const SteadyTime give_up = clock_.steady_now() + kStartPatience;
    const bool pinged = request.path() == "/";
    while (!behind_ && !pinged && clock_.steady_now() < give_up) {
      co_await clock_.sleep_for(kStartPoll);
    }
    if (behind_) co_return co_await behind_(request);
    if (pinged) co_return http::json_response(200, R"({"status":"starting"})");
    co_return service::problem_response({.status = 503,
                                         .name = "starting",
                                         .title = "Still starting",
                                         .detail = "The log says what is waited for.",
                                         .retry_after = seconds{1}});
  }

  Clock& clock_;
  http::Handler behind_;
};

Result<std::unique_ptr<http::Server>> listen(const ListenSettings& listen, http::Handler handler,
                                             World world) {
  http::ServerOptions options;
  options.name = "handler";
  options.addresses = listen.addresses;
  options.port = listen.port;
  // A message of 64 KiB is longer as JSON within JSON.
  options.limits.body_bytes_max = 512 * 1024;
  return http::Server::listen(world.executor, std::move(options), std::move(handler), world.clock);
}

struct HandlerSettings {
  ApiSettings api;
  TelemetrySettings telemetry;
  std::string authorities;  ///< PEM, beside the system's
};

/// What stands behind the front.
class Parts {
 public:
  Task<Result<>> start(const HandlerSettings& all, World world) {
    const ApiSettings& settings = all.api;
    auto trust = Trust::system_trust(all.authorities);
    if (!trust) co_return fail(trust.error());
    telemetry_ = TelemetryPart::start(all.telemetry, *trust, world);
    auto open = open_code_tables(settings.service, *trust, world);
    if (!open) co_return fail(open.error());
    open_ = std::move(*open);
    auto api = co_await ApiPart::make(settings, open_.tables, *trust, world);
    if (!api) co_return fail(api.error());
    api_ = std::move(*api);
    auto watch = co_await WatchPart::start_for_host(settings.service, *open_.tables.codes,
                                                    std::move(*trust), world);
    if (!watch) co_return fail(watch.error());
    watch_ = std::move(*watch);
    functions_ = std::make_unique<service::FunctionRoutes>(service::FunctionRoutes::Parts{
        .issuer = api_->issuer(), .watcher = watch_->watcher(), .gatekeeper = api_->gatekeeper()});
    functions_->add_to(api_->router());
    co_return Result<>{};
  }
  http::Handler handler() { return api_->router().handler(); }
  Task<> stop() {
    if (watch_) co_await watch_->stop();
    if (api_) co_await api_->stop(kStopGrace);
    if (telemetry_) co_await telemetry_->stop();
  }

 private:
  std::unique_ptr<TelemetryPart> telemetry_;
  OpenCodeTables open_;
  std::unique_ptr<ApiPart> api_;
  std::unique_ptr<WatchPart> watch_;
  std::unique_ptr<service::FunctionRoutes> functions_;
};

Task<int> handle(const HandlerSettings& settings, World world) {
  StopSignal stop(world.executor);
  Parts parts;
  Front front(world.clock);
  auto server = listen(settings.api.listen, front.handler(), world);
  if (!server) co_return report(server.error());
  auto started = co_await parts.start(settings, world);
  if (started) {
    front.open(parts.handler());
    fmt::print("latchkey: ready for the functions host on port {}\n", (*server)->port());
    std::fflush(stdout);
    co_await stop.wait();
    log::info("stopping");
  }
  const milliseconds grace = started ? kStopGrace : milliseconds{0};
  co_await (*server)->drain(grace);
  co_await parts.stop();
  co_return started ? 0 : report(started.error());
}

}  // namespace

int run_handler(const CommonOptions& common) {
  const auto data =
      common.data_given ? common.data : handler_data_folder(common.environment, common.data);
  auto api = read_handler_settings(common.environment, data);
  if (!api) return report(api.error());
  auto telemetry = read_telemetry_settings(common.environment);
  if (!telemetry) return report(telemetry.error());
  if (auto made = make_data_folder(data); !made) return report(made.error());
  HandlerSettings settings{std::move(*api), std::move(*telemetry), {}};
  if (const auto file = bundled_authorities(common.environment); !file.empty()) {
    auto text = read_file(file);
    if (!text) return report(text.error());
    settings.authorities = std::move(*text);
  }
  // The log goes to standard error, and a functions host takes each line there for an error.
  if (::dup2(STDOUT_FILENO, STDERR_FILENO) < 0) return 1;
  CommandWorld world(settings.telemetry.tracer);
  return world.run([&](World inside) { return handle(settings, inside); });
}

}  // namespace latchkey::app
