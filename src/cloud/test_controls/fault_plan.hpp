#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"

/// Which requests are to fail, and how, because a test wants it so. Pure but for the dice.
namespace latchkey::cloud {

enum class FaultTarget : std::uint8_t { identity, login, vault, queue, functions, management };
enum class FaultKind : std::uint8_t {
  throttled,    ///< "429"
  broken,       ///< "500"
  unavailable,  ///< "503"
  slow,         ///< answered as ever, but late
  drop,         ///< the connection is closed without an answer
  ended_token   ///< "expired-token": given out by identity and login, seen in a request by the rest
};

/// As the command line and the control service have them.
std::string_view to_string(FaultTarget target);
std::string_view to_string(FaultKind kind);
/// Error: invalid_argument, with what there is.
Result<FaultTarget> fault_target_from(std::string_view text);
Result<FaultKind> fault_kind_from(std::string_view text);

struct Fault {
  /// Well below what the servers give a handler: slow is to be slow, not a 503.
  static constexpr std::chrono::seconds kDelayMax{30};
  static constexpr std::chrono::seconds kRetryAfterMax{3600};

  FaultTarget target{};
  FaultKind kind{};
  double rate = 1;                        ///< share of the requests, above 0 to 1
  std::optional<std::uint64_t> left{};    ///< so many more; none: until it is cleared
  std::chrono::milliseconds delay{2000};  ///< of slow
  std::chrono::seconds retry_after{1};    ///< said with 429 and 503; 0 says nothing
  std::uint64_t hits = 0;                 ///< requests that it has met
};

class FaultPlan {
 public:
  explicit FaultPlan(Random& random) : random_(random) {}

  /// In the place of one of the same target and kind. Error: invalid_argument (a rate or duration
  /// beyond its limits; functions take keys, so no token of theirs can end).
  Result<> set(Fault fault);
  /// Of one target, or all.
  void clear(std::optional<FaultTarget> target);
  /// Those that have met all the requests they were for as well.
  const std::vector<Fault>& faults() const { return faults_; }

  struct Suffered {
    std::chrono::milliseconds delay{0};
    std::optional<Fault> fault;  ///< any kind but slow
  };
  /// What the next request to `target` suffers: it may be slow and fail as well.
  Suffered draw(FaultTarget target);

 private:
  bool meets(Fault& fault);
  Random& random_;
  std::vector<Fault> faults_;
};

}  // namespace latchkey::cloud
