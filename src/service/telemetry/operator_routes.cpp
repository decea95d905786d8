#include "service/telemetry/operator_routes.hpp"

#include "service/problem.hpp"

namespace latchkey::service {
namespace {

http::Response rendered(const Metrics& metrics) {
  auto response = http::text_response(200, metrics.render());
  response.headers.set("Content-Type", Metrics::kContentType);
  response.headers.set("Cache-Control", "no-store");
  return response;
}

Task<http::Response> show(const Metrics& metrics) {
  co_return rendered(metrics);
}

Task<http::Response> show_to_admin(const Metrics& metrics, Gatekeeper& gatekeeper,
                                   const http::Request& request) {
  const auto caller = co_await gatekeeper.admit(request, Role::admin);
  if (!caller) co_return caller.error();
  co_return rendered(metrics);
}

Task<http::Response> alive(const http::Request& /*request*/, const http::Match& /*match*/) {
  co_return http::json_response(200, R"({"status":"alive"})");
}

}  // namespace

void add_metrics_route(http::Router& router, const Metrics& metrics, Gatekeeper& gatekeeper) {
  router.add(http::Method::get, "/metrics",
             [&metrics, &gatekeeper](const http::Request& request, const http::Match&) {
               return show_to_admin(metrics, gatekeeper, request);
             });
}

void add_operator_routes(http::Router& router, const Metrics& metrics, Readiness& readiness) {
  router.on_refusal(router_refusal);
  router.add(http::Method::get, "/metrics",
             [&metrics](const http::Request&, const http::Match&) { return show(metrics); });
  router.add(http::Method::get, "/healthz", alive);
  router.add(http::Method::get, "/readyz",
             [&readiness](const http::Request&, const http::Match&) { return readiness.answer(); });
}

}  // namespace latchkey::service
