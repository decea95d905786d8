#include "azure/retry_policy.hpp"

#include <algorithm>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::azure {
namespace {
using std::chrono::milliseconds;
// More than any deadline; keeps hostile numbers from overflowing.
constexpr std::int64_t kWaitSecondsMax = 24 * 3600;

bool worth_repeating(const Result<http::Response>& outcome, bool while_missing) {
  if (!outcome) {
    const Error& error = outcome.error();
    if (error.code == "TlsVerificationFailed") return false;
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
  }
  switch (outcome->status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    case 404:
    case 410:
      return while_missing;
    default:
      return false;
  }
}

milliseconds back_off(const RetryOptions& options, int attempts_made, Random& random) {
  milliseconds delay = options.first_delay;
  for (int i = 1; i < attempts_made && delay < options.delay_max; ++i) delay *= 2;
  delay = std::min(delay, options.delay_max);
  const double jittered = static_cast<double>(delay.count()) * (0.5 + random.unit());
  return milliseconds(static_cast<std::int64_t>(jittered));
}
}  // namespace

RetryPolicy::RetryPolicy(http::HttpClient& http, Clock& clock, Random& random, RetryOptions options)
    : http_(http), clock_(clock), random_(random), options_(options) {
  LK_ASSERT(options_.attempts_max >= 1);
}

Task<Result<http::Response>> RetryPolicy::send(Prepare prepare) {
  const SteadyTime deadline = clock_.steady_now() + options_.deadline;
  for (int attempt = 1;; ++attempt) {
    Result<http::ClientRequest> request = co_await prepare();
    if (!request) co_return fail(std::move(request.error()));

    // Preparing may have waited for a token: what is left counts from here. At least a little, so
    // that a call whose time went into its token still says what the service thinks.
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady_now());
    request->timeout = std::min(std::max(left, milliseconds{100}), options_.attempt_timeout);
    Result<http::Response> outcome = co_await http_.send(std::move(*request));

    if (!worth_repeating(outcome, options_.while_missing)) co_return outcome;
    if (attempt >= options_.attempts_max) co_return outcome;

    milliseconds delay = back_off(options_, attempt, random_);
    if (outcome) {
      const auto asked = retry_after_of(outcome->headers, clock_.now());
      if (asked) delay = *asked;
    }
    if (clock_.steady_now() + delay >= deadline) co_return outcome;
    co_await clock_.sleep_for(delay);
  }
}

std::optional<milliseconds> retry_after_of(const http::Headers& headers, UtcTime now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    const auto text = headers.find(name);
    if (!text) continue;
    const auto number = parse_integer<std::int64_t>(trim(*text));
    if (number && *number >= 0) {
      return milliseconds(std::min(*number, kWaitSecondsMax * 1000));
    }
  }
  const auto text = headers.find("Retry-After");
  if (!text) return std::nullopt;
  const auto seconds = parse_integer<std::int64_t>(trim(*text));
  if (seconds) {
    if (*seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min(*seconds, kWaitSecondsMax));
  }
  const auto date = from_rfc1123(trim(*text));
  if (!date) return std::nullopt;
  const auto wait = std::chrono::ceil<milliseconds>(*date - now);
  return std::clamp(wait, milliseconds{0}, milliseconds{std::chrono::seconds{kWaitSecondsMax}});
}

}  // namespace latchkey::azure
