#pragma once

#include <array>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "codes/verifier.hpp"

namespace latchkey::codes {

/// Counts what becomes of issues, verifications and messages, and how long it takes. No label says
/// whose: who wants to know that reads the audit. Any number of issuers, verifiers and watchers may
/// share one.
class CodeMetrics {
 public:
  explicit CodeMetrics(Metrics& metrics);

  /// How an issue ended: nullptr is an issued code. The errors are those of Issuer::issue.
  void issue_ended(const Error* error, SteadyTime::duration took);
  /// How a verification ended: nullptr when the table did not answer.
  void verification_ended(const Verdict* verdict, SteadyTime::duration took);
  /// From the time of issue, by the issuer's clock, until the code was valid, by the watcher's.
  void activated(UtcTime::duration after_issue);

 private:
  std::array<Counter*, 5> issues_{};
  std::array<Counter*, 5> verifications_{};
  Histogram& issue_seconds_;
  Histogram& verification_seconds_;
  Histogram& activation_lag_seconds_;
};

}  // namespace latchkey::codes
