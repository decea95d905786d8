#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "base/tracer.hpp"
#include "http/client.hpp"
#include "service/telemetry/otlp_json.hpp"

namespace latchkey::service {

struct OtlpOptions {
  http::Url url{};  ///< where traces go: "http://collector:4318/v1/traces"
  std::vector<std::pair<std::string, Secret>> headers{};
  OtlpResource resource{};
  std::chrono::milliseconds timeout{10'000};  ///< of one try
};

/// Takes spans from a Tracer to a collector by OTLP/HTTP, in batches, beside the requests: none
/// waits for it or fails by it. While the collector is away spans wait in the Tracer, which drops
/// what is too much; a batch that is refused, or has been tried kTriesMax times, is given up.
/// Source: OTLP specification 1.x, "OTLP/HTTP": retried are 429, 502, 503, 504 (with Retry-After)
/// and failures of the connection, nothing else.
class OtlpExporter {
 public:
  static constexpr std::chrono::seconds kInterval{1};
  static constexpr std::size_t kBatchMax = 256;  ///< some 200 KB
  static constexpr int kTriesMax = 5;
  static constexpr std::chrono::seconds kFirstDelay{1};  ///< doubles with each try
  static constexpr std::chrono::seconds kDelayMax{30};

  /// All must outlive the tasks. `http` must not be one that is observed itself.
  OtlpExporter(Tracer& tracer, http::HttpClient& http, Clock& clock, Random& random,
               OtlpOptions options);

  /// Sends what gathers, until cancelled.
  Task<> run();
  /// After `run`: one try for each batch that is left, all within `limit`.
  Task<> flush(std::chrono::milliseconds limit);

  std::uint64_t exported() const { return exported_; }
  std::uint64_t failed() const { return failed_; }  ///< given up

 private:
  enum class Outcome { done, again, refused };
  Task<> send_batch();
  Task<Outcome> try_once(std::chrono::milliseconds timeout);
  void fill_batch();
  void give_up();

  Tracer& tracer_;
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  const OtlpOptions options_;
  std::vector<Span> batch_;                ///< being sent
  std::chrono::milliseconds asked_for_{};  ///< Retry-After of the last answer
  std::string problem_;                    ///< of the last try; empty when it worked
  bool failing_ = false;
  std::uint64_t exported_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace latchkey::service
