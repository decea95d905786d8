#include "service/api.hpp"

#include "service/home_page.hpp"
#include "service/problem.hpp"
#include "service/web_files.hpp"

namespace latchkey::service {
namespace {

Task<http::Response> alive(const http::Request& /*request*/, const http::Match& /*match*/) {
  co_return http::json_response(200, R"({"status":"alive"})");
}

Task<http::Response> home(const http::Request& /*request*/, const http::Match& /*match*/) {
  co_return home_page();
}

Task<http::Response> description(const http::Request& /*request*/, const http::Match& /*match*/) {
  auto response = http::json_response(200, std::string(web_file("openapi.json")));
  response.headers.set("Cache-Control", "public, max-age=300");
  co_return response;
}

Task<http::Response> answer_and_part(http::Handler route, const http::Request& request) {
  auto response = co_await route(request);
  response.headers.set("Connection", "close");
  co_return response;
}

}  // namespace

Api::Api(Parts parts)
    : issue_(parts.issuer, parts.idempotency, parts.gatekeeper),
      verify_(parts.verifier, parts.issuer.options().limits.failures_max, parts.gatekeeper),
      codes_(parts.directory, parts.gatekeeper),
      readiness_(parts.readiness) {
  using http::Method;
  router_.on_refusal(router_refusal);
  issue_.add_to(router_);
  verify_.add_to(router_);
  codes_.add_to(router_);
  router_.add(Method::get, "/", home);
  router_.add(Method::get, "/openapi.json", description);
  router_.add(Method::get, "/healthz", alive);
  router_.add(Method::get, "/readyz",
              [this](const http::Request&, const http::Match&) { return readiness_.answer(); });
}

http::Handler Api::handler() {
  return [this, route = router_.handler()](const http::Request& request) {
    return readiness_.leaving() ? answer_and_part(route, request) : route(request);
  };
}

}  // namespace latchkey::service
