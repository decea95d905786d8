#include "app/telemetry_part.hpp"

#include "base/process_metrics.hpp"
#include "service/telemetry/operator_routes.hpp"

namespace latchkey::app {
namespace {

/// Longer than a collector needs, short beside the time that platforms give a process to end.
constexpr std::chrono::seconds kFlushLimit{2};

}  // namespace

TelemetryPart::TelemetryPart(TelemetrySettings settings, World world)
    : settings_(std::move(settings)), world_(world), tasks_(world.executor) {}

std::unique_ptr<TelemetryPart> TelemetryPart::start(const TelemetrySettings& settings, Trust trust,
                                                    World world) {
  std::unique_ptr<TelemetryPart> part(new TelemetryPart(settings, world));
  add_process_metrics(world.metrics, LATCHKEY_VERSION, world.clock);
  if (settings.traces) {
    part->http_ = std::make_unique<http::PooledClient>(world.executor, std::move(trust),
                                                       world.clock, settings.http);
    part->exporter_ = std::make_unique<service::OtlpExporter>(
        world.tracer, *part->http_, world.clock, world.random, *settings.traces);
    part->tasks_.spawn("traces", part->exporter_->run());
  }
  world.metrics.counters("latchkey_spans_total", "Spans by what became of them.",
                         [tracer = &world.tracer, exporter = part->exporter_.get()] {
                           const auto sample = [](const char* outcome, std::uint64_t count) {
                             return Metrics::Sample{.labels = {{"outcome", outcome}},
                                                    .value = static_cast<double>(count)};
                           };
                           return std::vector{
                               sample("exported", exporter == nullptr ? 0 : exporter->exported()),
                               sample("failed", exporter == nullptr ? 0 : exporter->failed()),
                               sample("dropped", tracer->dropped())};
                         });
  return part;
}

Result<> TelemetryPart::listen(service::Readiness& readiness) {
  if (!settings_.port) return {};
  service::add_operator_routes(router_, world_.metrics, readiness);
  http::ServerOptions options;
  options.name = "metrics";
  options.addresses = settings_.port->addresses;
  options.port = settings_.port->port;
  auto server =
      http::Server::listen(world_.executor, std::move(options), router_.handler(), world_.clock);
  if (!server) return fail(server.error());
  server_ = std::move(*server);
  return {};
}

Task<> TelemetryPart::stop() {
  if (server_) co_await server_->drain(std::chrono::milliseconds::zero());
  tasks_.cancel();
  co_await tasks_.join();
  if (exporter_) co_await exporter_->flush(kFlushLimit);
}

}  // namespace latchkey::app
