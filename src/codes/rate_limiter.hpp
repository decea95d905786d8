#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace latchkey::codes {

/// So many per window, as a bucket that refills evenly. `count` 0 means no limit.
struct Rate {
  std::int64_t count = 0;
  std::chrono::seconds window{60};
};

/// Rates per name and for all together, in this process's memory: a second line in front of the
/// table's own limits, shared by no copies. Names are what callers claim, known or not. Costs no
/// more memory than `names_max` names; the one unused longest is forgotten first.
class RateLimiter {
 public:
  RateLimiter(Clock& clock, Rate per_name, Rate global, std::size_t names_max = 10'000);

  struct Answer {
    bool allowed = true;
    std::chrono::seconds retry_after{0};  ///< when not allowed; at least 1 s
  };
  /// Takes one from both buckets, or from neither.
  Answer take(std::string_view name);
  /// Gives back what `take` took: the attempt was no failure.
  void give_back(std::string_view name);
  std::size_t names() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    SteadyTime filled_at{};
    std::list<std::string>::iterator age;
  };
  Bucket& bucket_of(std::string_view name);
  /// Adds what has come since; how long until one can be taken, zero when one is there.
  std::chrono::seconds fill(Bucket& bucket, const Rate& rate);

  Clock& clock_;
  const Rate per_name_;
  const Rate global_;
  const std::size_t names_max_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::list<std::string> by_use_;  ///< the one used last in front
  Bucket all_;
};

}  // namespace latchkey::codes
