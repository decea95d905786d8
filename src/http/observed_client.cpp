#include "http/observed_client.hpp"

#include <utility>

namespace latchkey::http {
namespace {

/// OpenTelemetry's semantic conventions for HTTP client spans. No path and no query: either may
/// hold what must not be told.
void describe(Span& span, const ClientRequest& request, const std::string& dependency) {
  span.name = std::string(to_string(request.method)) + " " + dependency;
  span.set("http.request.method", std::string(to_string(request.method)));
  span.set("server.address", request.url.host);
  span.set("server.port", std::int64_t{request.url.port});
  span.set("peer.service", dependency);
}

}  // namespace

ObservedClient::ObservedClient(HttpClient& http, std::string dependency, Metrics& metrics,
                               Tracer& tracer, Clock& clock)
    : http_(http),
      dependency_(std::move(dependency)),
      tracer_(tracer),
      clock_(clock),
      seconds_(metrics.histogram("latchkey_dependency_seconds",
                                 "Time of one request to a dependency, connecting included.",
                                 latency_bounds(), {{"dependency", dependency_}})) {
  constexpr std::array<const char*, kOutcomes> kNames = {
      "ok", "refused", "throttled", "failed", "timeout", "unreachable", "protocol"};
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    requests_[i] = &metrics.counter("latchkey_dependency_requests_total",
                                    "Requests to dependencies, each try, by what came of them.",
                                    {{"dependency", dependency_}, {"outcome", kNames[i]}});
  }
}

Task<Result<Response>> ObservedClient::send(ClientRequest request) {
  Span span = tracer_.begin_child(request.trace, Span::Kind::client);
  if (span.recorded()) describe(span, request, dependency_);
  request.trace = span.trace;
  const SteadyTime begun = clock_.steady_now();
  Result<Response> answer = co_await http_.send(std::move(request));
  seconds_.observe(std::chrono::duration<double>(clock_.steady_now() - begun).count());
  requests_[static_cast<std::size_t>(outcome_of(answer))]->add();
  if (span.recorded()) {
    span.failed = !answer || answer->status >= 400;
    if (answer) {
      span.set("http.response.status_code", std::int64_t{answer->status});
    } else {
      span.set("error.type", answer.error().code);
    }
    tracer_.end(std::move(span));
  }
  co_return answer;
}

ObservedClient::Outcome ObservedClient::outcome_of(const Result<Response>& answer) {
  if (!answer) {
    if (answer.error().kind == ErrorKind::timeout) return Outcome::timeout;
    return answer.error().kind == ErrorKind::protocol ? Outcome::protocol : Outcome::unreachable;
  }
  if (answer->status >= 500) return Outcome::failed;
  if (answer->status == 429) return Outcome::throttled;
  return answer->status >= 400 ? Outcome::refused : Outcome::ok;
}

}  // namespace latchkey::http
