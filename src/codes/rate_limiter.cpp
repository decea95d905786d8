#include "codes/rate_limiter.hpp"

#include <algorithm>
#include <cmath>

#include "base/assert.hpp"

namespace latchkey::codes {
namespace {
using std::chrono::seconds;

double full(const Rate& rate) {
  return static_cast<double>(rate.count);
}

double per_second(const Rate& rate) {
  return full(rate) / static_cast<double>(rate.window.count());
}

}  // namespace

RateLimiter::RateLimiter(Clock& clock, Rate per_name, Rate global, std::size_t names_max)
    : clock_(clock),
      per_name_(per_name),
      global_(global),
      names_max_(names_max),
      all_{.tokens = full(global), .filled_at = clock.steady_now(), .age = {}} {
  LK_ASSERT(names_max >= 1 && per_name.window.count() >= 1 && global.window.count() >= 1);
}

RateLimiter::Answer RateLimiter::take(std::string_view name) {
  Bucket* const mine = per_name_.count > 0 ? &bucket_of(name) : nullptr;
  seconds wait{0};
  if (mine != nullptr) wait = fill(*mine, per_name_);
  if (global_.count > 0) wait = std::max(wait, fill(all_, global_));
  if (wait > seconds{0}) return {.allowed = false, .retry_after = wait};
  if (mine != nullptr) mine->tokens -= 1;
  all_.tokens -= 1;
  return {};
}

void RateLimiter::give_back(std::string_view name) {
  const auto mine = buckets_.find(std::string(name));
  if (mine != buckets_.end()) {
    mine->second.tokens = std::min(mine->second.tokens + 1, full(per_name_));
  }
  all_.tokens = std::min(all_.tokens + 1, full(global_));
}

seconds RateLimiter::fill(Bucket& bucket, const Rate& rate) {
  const SteadyTime now = clock_.steady_now();
  const std::chrono::duration<double> passed = now - bucket.filled_at;
  bucket.tokens = std::min(bucket.tokens + passed.count() * per_second(rate), full(rate));
  bucket.filled_at = now;
  if (bucket.tokens >= 1) return seconds{0};
  const double wait = std::ceil((1 - bucket.tokens) / per_second(rate));
  return seconds{std::max(static_cast<seconds::rep>(wait), seconds::rep{1})};
}

RateLimiter::Bucket& RateLimiter::bucket_of(std::string_view name) {
  const auto found = buckets_.find(std::string(name));
  if (found != buckets_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second.age);
    return found->second;
  }
  if (buckets_.size() == names_max_) {
    buckets_.erase(by_use_.back());
    by_use_.pop_back();
  }
  by_use_.emplace_front(name);
  const Bucket fresh{
      .tokens = full(per_name_), .filled_at = clock_.steady_now(), .age = by_use_.begin()};
  return buckets_.emplace(by_use_.front(), fresh).first->second;
}

}  // namespace latchkey::codes
