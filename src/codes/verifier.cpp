#include "codes/verifier.hpp"

#include <utility>

#include "base/log.hpp"

namespace latchkey::codes {

Verifier::Verifier(CodeTable& table, const CodeHasher& hasher, Clock& clock)
    : table_(table), hasher_(hasher), clock_(clock) {}

Task<Result<Verdict>> Verifier::verify(Secret code, Binding binding, std::string idempotency_key) {
  if (!is_code_form(code.reveal())) co_return Verdict::refused;
  CodeTable::ConsumeRequest request{.key = hasher_.hash(code.reveal()),
                                    .subject = std::move(binding.subject),
                                    .purpose = std::move(binding.purpose),
                                    .now = clock_.now(),
                                    .used_by = std::move(idempotency_key)};
  auto answer = co_await table_.consume(std::move(request));
  if (!answer) co_return fail(std::move(answer.error()));
  switch (answer->outcome) {
    case CodeTable::Consumed::not_active_yet:
      co_return Verdict::not_active_yet;
    case CodeTable::Consumed::refused:
      log::debug("code_refused", {{"reason", answer->reason}});
      co_return Verdict::refused;
    case CodeTable::Consumed::yes:
      break;
  }
  // The update may have waited: this look at the clock *is* the acceptance. A code that ended
  // meanwhile is burned.
  if (clock_.now() >= answer->expires) {
    log::debug("code_refused", {{"reason", "expired"}});
    co_return Verdict::refused;
  }
  co_return Verdict::accepted;
}

}  // namespace latchkey::codes
