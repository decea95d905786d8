#pragma once

#include <memory>

#include "app/azure_access.hpp"
#include "app/telemetry_settings.hpp"
#include "app/world.hpp"
#include "http/client.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "service/readiness.hpp"
#include "service/telemetry/otlp_exporter.hpp"

namespace latchkey::app {

/// What a process tells of itself: facts of the process, traces to the collector, and a port for
/// its operators.
class TelemetryPart {
 public:
  /// Begins to take the World's spans to the collector, if there is one.
  static std::unique_ptr<TelemetryPart> start(const TelemetrySettings& settings, Trust trust,
                                              World world);
  /// Opens METRICS_PORT, if it is set. `readiness` must outlive this until `stop`.
  Result<> listen(service::Readiness& readiness);
  /// The port that was opened; 0 for none.
  std::uint16_t port() const { return server_ ? server_->port() : std::uint16_t{0}; }
  /// Closes the port and sends what spans are left, for a short while: when the parts have stopped.
  Task<> stop();

 private:
  TelemetryPart(TelemetrySettings settings, World world);

  const TelemetrySettings settings_;
  World world_;
  std::unique_ptr<http::PooledClient> http_;
  std::unique_ptr<service::OtlpExporter> exporter_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  TaskGroup tasks_;
};

}  // namespace latchkey::app
