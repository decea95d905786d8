#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/client.hpp"

namespace latchkey::azure {

struct RetryOptions {
  int attempts_max = 4;                        ///< the first one included
  std::chrono::milliseconds first_delay{200};  ///< doubles each time, +-50 % jitter
  std::chrono::milliseconds delay_max{10'000};
  std::chrono::milliseconds deadline{30'000};  ///< of the whole call, all attempts and delays
  std::chrono::milliseconds attempt_timeout{10'000};
  /// 404 and 410 as well: the identity endpoint of a virtual machine says so while it updates.
  bool while_missing = false;
};

/// Sends with retries on 408, 429, 500, 502, 503, 504 and on transport faults (kinds unavailable
/// and timeout; not a certificate that does not verify, which no repetition mends). Retry-After
/// (seconds or a date, retry-after-ms, x-ms-retry-after-ms) is honoured; when it, or the next
/// delay, would pass the deadline, the last answer is given at once. `prepare` makes the request
/// anew for each attempt (a new date and signature; its `timeout` is set here); its error ends the
/// call.
///
/// All waiting goes through Clock. The policy, its client and clock must outlive the call.
class RetryPolicy {
 public:
  RetryPolicy(http::HttpClient& http, Clock& clock, Random& random, RetryOptions options = {});
  using Prepare = std::function<Task<Result<http::ClientRequest>>()>;
  Task<Result<http::Response>> send(Prepare prepare);

 private:
  http::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  RetryOptions options_;
};

/// How long a failed answer asks to wait; nullopt when it does not say. `now` for the date form.
std::optional<std::chrono::milliseconds> retry_after_of(const http::Headers& headers, UtcTime now);

}  // namespace latchkey::azure
