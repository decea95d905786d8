#include "service/telemetry/request_observer.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace latchkey::service {
namespace {

constexpr std::size_t kRequestIdMax = 128;
/// By the first digit of the status, from 2 on; the last for requests that got no answer of ours.
constexpr std::array<const char*, 5> kStatusNames = {"2xx", "3xx", "4xx", "5xx", "none"};

bool is_probe(std::string_view route) {
  return route == "/healthz" || route == "/readyz" || route == "/metrics";
}

/// An id needs no escaping: is_request_id.
void add_to_problem(http::Response& response, const std::string& request_id) {
  const bool is_problem = response.headers.find("Content-Type") == "application/problem+json";
  if (!is_problem || !response.body.ends_with('}')) return;
  response.body.pop_back();
  response.body.append(R"(,"request_id":")").append(request_id).append("\"}");
}

}  // namespace

RequestObserver::RequestObserver(Metrics& metrics, Tracer& tracer, Clock& clock)
    : tracer_(tracer),
      clock_(clock),
      seconds_(metrics.histogram("latchkey_http_request_seconds",
                                 "Time to answer a request of the API.", latency_bounds())) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i) {
    requests_[i] = &metrics.counter("latchkey_http_requests_total",
                                    "Requests of the API by the class of their answer's status.",
                                    {{"status", kStatusNames[i]}});
  }
}

void RequestObserver::add_to(http::Router& router) {
  router.around([this](const http::Request& request, http::Match& match,
                       const http::RouteHandler& route) { return observe(request, match, route); });
}

Task<http::Response> RequestObserver::observe(const http::Request& request, http::Match& match,
                                              const http::RouteHandler& route) {
  const SteadyTime begun = clock_.steady_now();
  Span span;
  if (!is_probe(match.route)) {
    span = tracer_.begin_request(request.headers.find("traceparent").value_or(""));
    match.trace = span.trace;
  }
  match.request_id = request.headers.find("X-Request-Id").value_or("");
  if (!is_request_id(match.request_id)) match.request_id = trace_id_text(match.trace);
  http::Response response;
  try {
    response = co_await route(request, match);
  } catch (...) {
    ended(request, match, std::move(span), begun, 0);
    throw;
  }
  if (!match.request_id.empty()) {
    response.headers.set("X-Request-Id", match.request_id);
    add_to_problem(response, match.request_id);
  }
  ended(request, match, std::move(span), begun, response.status);
  co_return response;
}

void RequestObserver::ended(const http::Request& request, const http::Match& match, Span span,
                            SteadyTime begun, int status) {
  const auto took = clock_.steady_now() - begun;
  const bool probe = is_probe(match.route);
  const auto level = probe ? log::Level::debug : log::Level::info;
  if (log::enabled(level)) {
    log::write(level, "request",
               {{"method", to_string(request.method)},
                {"route", match.route},
                {"status", status},
                {"ms", std::chrono::duration<double, std::milli>(took).count()},
                {"request_id", match.request_id},
                {"trace_id", trace_id_text(match.trace)}});
  }
  if (probe) return;
  const bool is_known = status >= 200 && status <= 599;
  requests_[is_known ? static_cast<std::size_t>(status / 100 - 2) : kStatusNames.size() - 1]->add();
  seconds_.observe(std::chrono::duration<double>(took).count());
  if (!span.recorded()) return;
  span.name = std::string(to_string(request.method));
  if (!match.route.empty()) span.name.append(" ").append(match.route);
  span.failed = !is_known || status >= 500;
  span.set("http.request.method", std::string(to_string(request.method)));
  span.set("http.route", std::string(match.route));
  span.set("url.scheme", std::string(request.over_tls ? "https" : "http"));
  if (is_known) span.set("http.response.status_code", std::int64_t{status});
  tracer_.end(std::move(span));
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  });
}

}  // namespace latchkey::service
