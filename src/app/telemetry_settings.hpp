#pragma once

#include <optional>

#include "app/environment.hpp"
#include "app/settings.hpp"
#include "base/tracer.hpp"
#include "service/telemetry/otlp_exporter.hpp"

namespace latchkey::app {

/// What a process tells of itself, and to whom. The OTEL_ names are OpenTelemetry's own ("SDK
/// environment variables", "OTLP exporter configuration").
struct TelemetrySettings {
  /// METRICS_PORT and METRICS_LISTEN (else loopback); unset: no port of its own.
  std::optional<ListenSettings> port{};
  TracerOptions tracer{};  ///< OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
  /// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces behind it;
  /// with ..._HEADERS, ..._TIMEOUT, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. Unset: no
  /// traces are collected.
  std::optional<service::OtlpOptions> traces{};
  http::PoolOptions http{};
};

/// Error: invalid_argument, the one line to show.
Result<TelemetrySettings> read_telemetry_settings(const Environment& environment);

}  // namespace latchkey::app
