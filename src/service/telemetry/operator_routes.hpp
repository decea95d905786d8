#pragma once

#include "base/metrics.hpp"
#include "http/router.hpp"
#include "service/gatekeeper.hpp"
#include "service/readiness.hpp"

/// What operators and their tools ask of a process.
namespace latchkey::service {

/// GET /metrics for callers with the role Codes.Admin: beside the API, where others can come by.
/// All must outlive the router.
void add_metrics_route(http::Router& router, const Metrics& metrics, Gatekeeper& gatekeeper);

/// GET /metrics, /healthz and /readyz on a port of their own (METRICS_PORT), where everybody who
/// gets there may ask.
void add_operator_routes(http::Router& router, const Metrics& metrics, Readiness& readiness);

}  // namespace latchkey::service
