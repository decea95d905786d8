#include "codes/code_metrics.hpp"

#include <algorithm>

namespace latchkey::codes {
namespace {

double seconds_of(std::chrono::duration<double> time) {
  return std::max(time.count(), 0.0);
}

/// Where in kIssueOutcomes the end of an issue counts.
constexpr std::array<const char*, 5> kIssueOutcomes = {"issued", "limited", "number_api_failed",
                                                       "queue_failed", "table_failed"};
std::size_t issue_outcome(const Error* error) {
  if (error == nullptr) return 0;
  if (error->code == "IssueLimit") return 1;
  if (error->code == "QueueUnavailable") return 3;
  return error->code == "TableUnavailable" ? 4 : 2;
}

/// The first four in the order of Verdict.
constexpr std::array<const char*, 5> kVerificationOutcomes = {"accepted", "not_active_yet",
                                                              "refused", "throttled", "failed"};

/// A second is what a person waits without thinking about it; the queue polls half as long.
std::vector<double> lag_bounds() {
  return {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600};
}

}  // namespace

CodeMetrics::CodeMetrics(Metrics& metrics)
    : issue_seconds_(metrics.histogram("latchkey_issue_seconds",
                                       "Time to issue a code, or to fail to.", latency_bounds())),
      verification_seconds_(metrics.histogram("latchkey_verification_seconds",
                                              "Time to verify a code, waits asked for included.",
                                              latency_bounds())),
      activation_lag_seconds_(metrics.histogram("latchkey_activation_lag_seconds",
                                                "From the issue of a code until it was valid.",
                                                lag_bounds())) {
  for (std::size_t i = 0; i < kIssueOutcomes.size(); ++i) {
    issues_[i] = &metrics.counter("latchkey_issues_total", "Issues by what came of them.",
                                  {{"outcome", kIssueOutcomes[i]}});
  }
  for (std::size_t i = 0; i < kVerificationOutcomes.size(); ++i) {
    verifications_[i] =
        &metrics.counter("latchkey_verifications_total", "Verifications by what came of them.",
                         {{"outcome", kVerificationOutcomes[i]}});
  }
}

void CodeMetrics::issue_ended(const Error* error, SteadyTime::duration took) {
  issues_[issue_outcome(error)]->add();
  issue_seconds_.observe(seconds_of(took));
}

void CodeMetrics::verification_ended(const Verdict* verdict, SteadyTime::duration took) {
  const std::size_t failed = kVerificationOutcomes.size() - 1;
  verifications_[verdict == nullptr ? failed : static_cast<std::size_t>(*verdict)]->add();
  verification_seconds_.observe(seconds_of(took));
}

void CodeMetrics::activated(UtcTime::duration after_issue) {
  activation_lag_seconds_.observe(seconds_of(after_issue));
}

}  // namespace latchkey::codes
