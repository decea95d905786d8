#include "service/telemetry/otlp_exporter.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::service {
namespace {

using std::chrono::milliseconds;

bool is_retryable(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

/// In seconds, as collectors say it; as long as we would wait at most.
milliseconds retry_after_of(const http::Headers& headers) {
  const auto seconds = parse_integer<std::uint16_t>(trim(headers.find("Retry-After").value_or("")));
  const std::chrono::seconds asked{seconds.value_or(std::uint16_t{0})};
  return std::min<milliseconds>(asked, OtlpExporter::kDelayMax);
}

}  // namespace

OtlpExporter::OtlpExporter(Tracer& tracer, http::HttpClient& http, Clock& clock, Random& random,
                           OtlpOptions options)
    : tracer_(tracer), http_(http), clock_(clock), random_(random), options_(std::move(options)) {}

Task<> OtlpExporter::run() {
  for (;;) {
    co_await clock_.sleep_for(kInterval);
    for (fill_batch(); !batch_.empty(); fill_batch()) co_await send_batch();
  }
}

Task<> OtlpExporter::flush(milliseconds limit) {
  const SteadyTime deadline = clock_.steady_now() + limit;
  for (fill_batch(); !batch_.empty(); fill_batch()) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady_now());
    if (left <= milliseconds::zero()) co_return;
    const Outcome outcome = co_await try_once(std::min(left, options_.timeout));
    if (outcome != Outcome::done) give_up();
  }
}

void OtlpExporter::fill_batch() {
  if (batch_.empty()) batch_ = tracer_.take(kBatchMax);
}

Task<> OtlpExporter::send_batch() {
  milliseconds delay = kFirstDelay;
  for (int tries = 1;; ++tries) {
    const Outcome outcome = co_await try_once(options_.timeout);
    if (outcome == Outcome::done) co_return;
    if (outcome == Outcome::refused || tries == kTriesMax) break;
    // Jitter, so that many copies do not come back together.
    const auto jittered = std::chrono::duration_cast<milliseconds>(delay * (0.5 + random_.unit()));
    co_await clock_.sleep_for(std::max(jittered, asked_for_));
    delay = std::min<milliseconds>(delay * 2, kDelayMax);
  }
  give_up();
}

Task<OtlpExporter::Outcome> OtlpExporter::try_once(milliseconds timeout) {
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = options_.url;
  request.timeout = timeout;
  request.headers.set("Content-Type", "application/json");
  for (const auto& [name, value] : options_.headers) request.headers.set(name, value.reveal());
  request.body = otlp_json(options_.resource, batch_);
  const auto answer = co_await http_.send(std::move(request));
  asked_for_ = {};
  if (!answer) {
    problem_ = answer.error().message;
    co_return Outcome::again;
  }
  if (answer->status >= 200 && answer->status <= 299) {
    exported_ += batch_.size();
    batch_.clear();
    if (failing_) log::info("traces_exported_again", {{"collector", options_.url.origin()}});
    failing_ = false;
    co_return Outcome::done;
  }
  problem_ = "it answered " + std::to_string(answer->status);
  asked_for_ = retry_after_of(answer->headers);
  co_return is_retryable(answer->status) ? Outcome::again : Outcome::refused;
}

void OtlpExporter::give_up() {
  if (!failing_) {
    log::warning("traces_not_exported",
                 {{"collector", options_.url.origin()}, {"problem", problem_}});
  }
  failing_ = true;
  failed_ += batch_.size();
  batch_.clear();
}

}  // namespace latchkey::service
