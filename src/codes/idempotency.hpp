#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/hash.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

/// Answers that are kept for a while under the key of the request that got them (IETF draft
/// "The Idempotency-Key HTTP Header Field"). The table that holds them sees hashes and sealed text
/// only. Errors: kind storage or unavailable.
class AnswerTable {
 public:
  virtual ~AnswerTable() = default;
  struct Begun {
    enum class Outcome {
      started,       ///< the caller goes on, then keeps or drops
      in_progress,   ///< somebody is at it
      answered,      ///< `sealed` is what was kept
      other_request  ///< the key came with another fingerprint before
    } outcome = Outcome::started;
    std::string sealed{};
  };
  /// One atomic step. A start older than `lease` counts as dropped: its process died.
  virtual Task<Result<Begun>> begin(Sha256 key, Sha256 fingerprint, UtcTime now,
                                    std::chrono::seconds lease) = 0;
  virtual Task<Result<>> keep(Sha256 key, std::string sealed, UtcTime until) = 0;
  virtual Task<Result<>> drop(Sha256 key) = 0;
  virtual Task<Result<>> remove_expired(UtcTime now) = 0;
};

/// The first request of a key does the work; later ones get its answer. What is kept is sealed
/// (AES-256-GCM) under a key that only the pepper and the client's own idempotency key give
/// together, so that neither the table nor the table with the pepper gives anybody a code. A
/// rotated pepper still opens what it sealed, as long as CodeHasher keeps it.
class Idempotency {
 public:
  static constexpr std::chrono::seconds kLease{60};
  Idempotency(AnswerTable& table, const CodeHasher& hasher, Clock& clock, Random& random);

  struct Claim {
    AnswerTable::Begun::Outcome outcome{};
    std::string answer{};  ///< when answered
    Sha256 row{};
    Sha256 seal_key{};
  };
  /// `caller` and `operation` are part of the key: nobody meets another's answers.
  Task<Result<Claim>> claim(std::string_view operation, std::string_view caller,
                            std::string_view idempotency_key, std::string_view request_body);
  Task<Result<>> keep(Claim claim, std::string answer, UtcTime until);
  Task<Result<>> drop(Claim claim);

 private:
  Task<Result<Claim>> begin(Sha256 row, Sha256 fingerprint, CodeKeys open_keys, Sha256 seal_key);
  AnswerTable& table_;
  const CodeHasher& hasher_;
  Clock& clock_;
  Random& random_;
};

}  // namespace latchkey::codes
