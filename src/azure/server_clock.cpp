#include "azure/server_clock.hpp"

#include <algorithm>
#include <utility>

#include "base/time_text.hpp"

namespace latchkey::azure {
namespace {
using std::chrono::microseconds;

/// The offset nearest to zero that lies in [low, high].
microseconds least(microseconds low, microseconds high) {
  if (low > microseconds::zero()) return low;
  return std::min(high, microseconds::zero());
}

}  // namespace

ServerClock::ServerClock(Clock& clock, std::chrono::milliseconds error_max)
    : clock_(clock), error_max_(error_max) {}

void ServerClock::saw(const std::string& host, UtcTime date, UtcTime sent, UtcTime received) {
  hosts_[host] = {.low = date - received,
                  .high = date + std::chrono::seconds{1} - sent,
                  .at = clock_.now(),
                  .steady_at = clock_.steady_now()};
}

ServerClock::Standing ServerClock::standing() const {
  const UtcTime now = clock_.now();
  const SteadyTime steady_now = clock_.steady_now();
  microseconds worst{0};
  const std::string* who = nullptr;
  for (const auto& [host, seen] : hosts_) {
    const auto age = steady_now - seen.steady_at;
    if (age >= kAnswerCounts) continue;
    const auto stepped = (now - seen.at) - std::chrono::duration_cast<microseconds>(age);
    const microseconds off = least(seen.low - stepped, seen.high - stepped);
    if (std::chrono::abs(off) <= std::chrono::abs(worst)) continue;
    worst = off;
    who = &host;
  }
  if (who == nullptr) return {};
  return {.right = std::chrono::abs(worst) <= error_max_,
          .off_by = std::chrono::duration_cast<std::chrono::milliseconds>(worst),
          .host = *who};
}

Task<Result<http::Response>> DatedClient::send(http::ClientRequest request) {
  const std::string host = request.url.authority();
  const SteadyTime start = clock_.steady_now();
  Result<http::Response> answer = co_await http_.send(std::move(request));
  if (!answer) co_return answer;
  const auto date = from_rfc1123(answer->headers.find("Date").value_or(""));
  // What a cache gives again has an old date.
  if (!date || answer->headers.contains("Age")) co_return answer;
  const UtcTime received = clock_.now();
  // By the steady clock: a step of ours during the call must not widen the bounds.
  const auto took = std::chrono::ceil<microseconds>(clock_.steady_now() - start);
  server_clock_.saw(host, *date, received - took, received);
  co_return answer;
}

}  // namespace latchkey::azure
