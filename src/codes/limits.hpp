#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/hash.hpp"
#include "codes/code.hpp"

/// How often a code may be guessed at and issued. A code has 44 bits, fewer than the 64 from which
/// on guesses need no limit (NIST SP 800-63B 5.2.2, OWASP ASVS 6.6.3), so every attempt counts.
namespace latchkey::codes {

/// Kept in the code table, so that they hold across all copies and restarts.
struct Limits {
  /// A code is revoked by so many refused attempts for its subject and purpose.
  std::int64_t attempts_per_code = 5;
  /// From so many failures in a row for one subject and purpose on each one costs a delay
  /// that doubles from `delay_min` to `delay_max`. A delay, not a lock: a lock would be a weapon
  /// against the subject. An accepted code sets the count back to zero.
  std::int64_t failures_max = 100;
  std::chrono::seconds delay_min{30};
  std::chrono::seconds delay_max{900};
  /// At most so many issues for one subject (whatever the purpose) in any `issues_window`.
  std::int64_t issues_max = 5;
  std::chrono::seconds issues_window{600};
  /// A new code for a subject and purpose revokes the older ones.
  bool newest_only = true;
};

/// The delay that follows the `failures`-th failure in a row; zero below `failures_max`.
std::chrono::seconds delay_after(std::int64_t failures, const Limits& limits);

/// Whom a failure counts against: subject and purpose, known or not, or where there is no subject
/// the caller (its identity, or its address). A hash, so that its size is bounded.
Sha256 attempt_key(const Binding& binding, std::string_view caller);
/// Whom an issue counts against: the subject. Codes without a subject have no such limit.
Sha256 issue_key(std::string_view subject);

}  // namespace latchkey::codes
