#pragma once

#include <array>
#include <string>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/tracer.hpp"
#include "http/client.hpp"

namespace latchkey::http {

/// Stands before a client and sees what one dependency answers, and how fast. Each try of a request
/// counts, and is a span of the trace that the request belongs to; the dependency gets that span as
/// its parent.
class ObservedClient final : public HttpClient {
 public:
  /// `dependency`: "queue", "vault"; a label, so there are few. All must outlive the calls.
  ObservedClient(HttpClient& http, std::string dependency, Metrics& metrics, Tracer& tracer,
                 Clock& clock);
  Task<Result<Response>> send(ClientRequest request) override;

 private:
  enum class Outcome { ok, refused, throttled, failed, timeout, unreachable, protocol };
  static constexpr std::size_t kOutcomes = 7;
  static Outcome outcome_of(const Result<Response>& answer);

  HttpClient& http_;
  const std::string dependency_;
  Tracer& tracer_;
  Clock& clock_;
  Histogram& seconds_;
  std::array<Counter*, kOutcomes> requests_{};
};

}  // namespace latchkey::http
