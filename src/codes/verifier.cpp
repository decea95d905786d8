#include "codes/verifier.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "codes/code_metrics.hpp"
#include "codes/joined.hpp"

namespace latchkey::codes {
namespace {
using Attempted = CodeTable::Attempted;
using AttemptAnswer = CodeTable::AttemptAnswer;

constexpr std::chrono::milliseconds kAskAgain{50};

/// What the table keeps of the idempotency key: nobody repeats another caller's verification.
std::string used_by(const VerifyRequest& request) {
  if (request.idempotency_key.empty()) return {};
  return to_hex(sha256(joined({request.caller, request.idempotency_key})));
}

AuditEventKind kind_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return AuditEventKind::code_accepted;
    case Verdict::throttled:
      return AuditEventKind::attempt_throttled;
    case Verdict::not_active_yet:
    case Verdict::refused:
      break;
  }
  return AuditEventKind::code_refused;
}

Verdict verdict_of(Attempted outcome) {
  switch (outcome) {
    case Attempted::yes:
      return Verdict::accepted;
    case Attempted::not_active_yet:
      return Verdict::not_active_yet;
    case Attempted::throttled:
      return Verdict::throttled;
    case Attempted::refused:
      break;
  }
  return Verdict::refused;
}

}  // namespace

Verifier::Verifier(Dependencies dependencies, Limits limits)
    : with_(dependencies), limits_(limits) {}

Task<Result<VerifyAnswer>> Verifier::verify(VerifyRequest request) {
  const SteadyTime begun = with_.clock.steady_now();
  auto answer = co_await check(std::move(request));
  if (with_.metrics != nullptr) {
    const Verdict* verdict = answer ? &answer->verdict : nullptr;
    with_.metrics->verification_ended(verdict, with_.clock.steady_now() - begun);
  }
  co_return answer;
}

Task<Result<VerifyAnswer>> Verifier::check(VerifyRequest request) {
  const auto allowed = with_.failures.take(request.caller);
  if (!allowed.allowed) {
    record(request, {.verdict = Verdict::throttled}, "caller");
    co_return VerifyAnswer{.verdict = Verdict::throttled, .retry_after = allowed.retry_after};
  }
  auto attempt = co_await attempt_until_active(request);
  if (!attempt) {
    with_.failures.give_back(request.caller);
    co_return fail(std::move(attempt.error()));
  }
  VerifyAnswer answer{.verdict = verdict_of(attempt->outcome),
                      .id = attempt->id,
                      .retry_after = attempt->retry_after,
                      .failures_left = attempt->failures_left};
  // The update may have waited: this look at the clock *is* the acceptance. A code that ended
  // meanwhile is burned.
  if (answer.verdict == Verdict::accepted && with_.clock.now() >= attempt->expires) {
    answer.verdict = Verdict::refused;
    attempt->reason = "expired";
  }
  if (answer.verdict != Verdict::refused) with_.failures.give_back(request.caller);
  record(request, answer, attempt->reason);
  for (const CodeFacts& code : attempt->exhausted) {
    with_.audit.record({.kind = AuditEventKind::code_revoked,
                        .code_id = code.id,
                        .subject = code.binding.subject,
                        .purpose = code.binding.purpose,
                        .caller = request.caller,
                        .reason = "attempts"});
  }
  // Whose code it was that was refused is for the audit only.
  if (answer.verdict != Verdict::accepted) answer.id.clear();
  co_return answer;
}

Task<Result<AttemptAnswer>> Verifier::attempt_until_active(const VerifyRequest& request) {
  const auto wait = std::min<std::chrono::milliseconds>(request.wait, kWaitMax);
  const SteadyTime deadline = with_.clock.steady_now() + wait;
  for (;;) {
    const UtcTime now = with_.clock.now();
    CodeTable::AttemptRequest attempt{.keys = with_.hasher.hash_all(request.code.reveal(), now),
                                      .binding = request.binding,
                                      .counted = attempt_key(request.binding, request.caller),
                                      .now = now,
                                      .used_by = used_by(request),
                                      .limits = limits_,
                                      .trace = request.trace};
    auto answer = co_await with_.table.attempt(std::move(attempt));
    if (!answer || answer->outcome != Attempted::not_active_yet) co_return answer;
    const SteadyTime again = with_.clock.steady_now() + kAskAgain;
    if (again > deadline) co_return answer;
    co_await with_.clock.sleep_until(again);
  }
}

void Verifier::record(const VerifyRequest& request, const VerifyAnswer& answer,
                      std::string_view reason) {
  with_.audit.record({.kind = kind_of(answer.verdict),
                      .code_id = answer.id,
                      .subject = request.binding.subject,
                      .purpose = request.binding.purpose,
                      .caller = request.caller,
                      .reason = reason});
}

}  // namespace latchkey::codes
