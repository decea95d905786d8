#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/metrics.hpp"
#include "base/tracer.hpp"
#include "http/router.hpp"

namespace latchkey::service {

/// What stands around every route of the API: a request id and a trace for it, one line in the log,
/// counts and times.
///
/// `X-Request-Id` is taken over if it is one (is_request_id), else the trace's id is the request's;
/// it goes out in every answer, and as member "request_id" in problem details. `traceparent` is
/// taken over by the rules of "Trace Context". The log has method, route, status, time and both
/// ids; never the path itself, the query, a header or a body. Probes (/healthz, /readyz, /metrics)
/// are told at level debug only, and neither counted nor traced.
class RequestObserver {
 public:
  /// All must outlive the requests.
  RequestObserver(Metrics& metrics, Tracer& tracer, Clock& clock);
  RequestObserver(const RequestObserver&) = delete;
  RequestObserver& operator=(const RequestObserver&) = delete;

  void add_to(http::Router& router);

 private:
  Task<http::Response> observe(const http::Request& request, http::Match& match,
                               const http::RouteHandler& route);
  /// `status` 0: no answer, by a defect or because it took too long.
  void ended(const http::Request& request, const http::Match& match, Span span, SteadyTime begun,
             int status);

  Tracer& tracer_;
  Clock& clock_;
  std::array<Counter*, 5> requests_{};
  Histogram& seconds_;
};

/// 1 to 128 letters, digits, '-', '_', '.' and ':': safe in headers, logs and JSON.
bool is_request_id(std::string_view text);

}  // namespace latchkey::service
