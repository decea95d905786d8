#pragma once

#include <string_view>

#include "base/clock.hpp"
#include "base/metrics.hpp"

namespace latchkey {

/// Adds what every Prometheus client tells of its process (process_cpu_seconds_total,
/// process_resident_memory_bytes, process_open_fds ...) and latchkey_build_info. Read from /proc
/// when somebody looks; what cannot be read is left out. Once for each process.
/// Source: "Writing client libraries", process metrics (prometheus.io/docs/instrumenting).
void add_process_metrics(Metrics& metrics, std::string_view version, Clock& clock);

}  // namespace latchkey
