#include "codes/idempotency.hpp"

#include <utility>

#include "base/seal.hpp"
#include "codes/joined.hpp"

namespace latchkey::codes {

Idempotency::Idempotency(AnswerTable& table, const CodeHasher& hasher, Clock& clock, Random& random)
    : table_(table), hasher_(hasher), clock_(clock), random_(random) {}

Task<Result<Idempotency::Claim>> Idempotency::claim(std::string_view operation,
                                                    std::string_view caller,
                                                    std::string_view idempotency_key,
                                                    std::string_view request_body) {
  // The row's name has no pepper in it, so that a rotation makes nobody do the work again.
  const std::string name = joined({operation, caller, idempotency_key});
  return begin(sha256(joined({"idempotency", name})), sha256(request_body),
               hasher_.derive_all("answer", name, clock_.now()),
               hasher_.derive("answer", name, clock_.now()));
}

Task<Result<Idempotency::Claim>> Idempotency::begin(Sha256 row, Sha256 fingerprint,
                                                    CodeKeys open_keys, Sha256 seal_key) {
  auto begun = co_await table_.begin(row, fingerprint, clock_.now(), kLease);
  if (!begun) co_return fail(std::move(begun.error()));
  Claim claim{.outcome = begun->outcome, .answer = {}, .row = row, .seal_key = seal_key};
  if (begun->outcome != AnswerTable::Begun::Outcome::answered) co_return claim;
  for (const Sha256& key : open_keys) {
    auto answer = open_sealed(key, begun->sealed);
    if (!answer) continue;
    claim.answer = std::move(*answer);
    co_return claim;
  }
  co_return fail(ErrorKind::storage, "AnswerSealed",
                 "the answer that is kept for this idempotency key cannot be opened: the pepper "
                 "that sealed it is gone; use another key");
}

Task<Result<>> Idempotency::keep(Claim claim, std::string answer, UtcTime until) {
  auto sealed = seal(claim.seal_key, answer, random_);
  return table_.keep(claim.row, std::move(sealed), until);
}

Task<Result<>> Idempotency::drop(Claim claim) {
  return table_.drop(claim.row);
}

}  // namespace latchkey::codes
