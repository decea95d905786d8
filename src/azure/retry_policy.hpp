#pragma once

#include <chrono>
#include <functional>

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
};

/// Sends with retries on 408, 429, 500, 502, 503, 504 and on transport faults; Retry-After
/// (seconds, or x-ms-retry-after-ms) is honoured; when it, or the next delay, would pass the
/// deadline, the last answer is given at once. `prepare` makes the request anew for each attempt (a
/// new date and signature).
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

}  // namespace latchkey::azure
