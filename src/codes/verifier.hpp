#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codes/audit.hpp"
#include "codes/code.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/rate_limiter.hpp"

namespace latchkey::codes {

class CodeMetrics;

struct VerifyRequest {
  Secret code{};
  Binding binding{};
  std::string caller{};  ///< who asks: an identity where the API is protected, else an address
  /// A retry with the same one, soon enough, gets the same answer (see CodeTable::attempt). Bound
  /// to the caller here; may be empty.
  std::string idempotency_key{};
  /// A code that is not active yet is asked for again so long before that is the answer; at most
  /// kWaitMax.
  std::chrono::milliseconds wait{0};
  Trace trace{};
};

enum class Verdict { accepted, not_active_yet, refused, throttled };

struct VerifyAnswer {
  Verdict verdict = Verdict::refused;
  std::string id{};                     ///< of an accepted code
  std::chrono::seconds retry_after{0};  ///< when throttled
  std::int64_t failures_left = 0;       ///< for this subject and purpose, until delays begin
};

/// Checks a code and uses it up: limits first, then one conditional update that counts the attempt,
/// then a second look at the clock; acceptance *is* that second look. Errors: kind storage or
/// unavailable when the table cannot answer (fails closed; the code may have been used up). Why a
/// code was refused goes to the audit only, without the code.
///
/// What has not even a code's form is counted, looked up and refused as every wrong code: the time
/// it takes tells nothing.
class Verifier {
 public:
  static constexpr std::chrono::seconds kWaitMax{5};

  struct Dependencies {
    CodeTable& table;
    const CodeHasher& hasher;
    RateLimiter& failures;  ///< failures of each caller, and in all
    Audit& audit;
    Clock& clock;
    CodeMetrics* metrics = nullptr;  ///< nobody counts
  };
  Verifier(Dependencies dependencies, Limits limits);
  Task<Result<VerifyAnswer>> verify(VerifyRequest request);

 private:
  Task<Result<VerifyAnswer>> check(VerifyRequest request);
  Task<Result<CodeTable::AttemptAnswer>> attempt_until_active(const VerifyRequest& request);
  void record(const VerifyRequest& request, const VerifyAnswer& answer, std::string_view reason);
  Dependencies with_;
  Limits limits_;
};

}  // namespace latchkey::codes
