#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

namespace latchkey::codes {

/// States move forward only: absent -> pending -> valid -> used | revoked. Expired is no state but
/// a comparison of `expires` with the clock, so no event can be late.
enum class CodeState : std::uint8_t { pending = 0, valid = 1, used = 2, revoked = 3 };
const char* to_string(CodeState state);

struct CodeRow {
  Sha256 key{};        ///< CodeHasher::hash
  std::string key_id;  ///< which pepper
  UtcTime issued{};
  UtcTime expires{};
  CodeState state = CodeState::pending;
  std::string subject;
  std::string purpose;
  UtcTime used_at{};
  std::string used_by;  ///< idempotency key of the verification that used it
};

/// How long after its use a code's verification may be repeated by the same `used_by`.
inline constexpr std::chrono::seconds kRepeatWindow{60};

struct TableCounts {
  std::int64_t pending = 0;
  std::int64_t valid = 0;
  std::int64_t used = 0;
  std::int64_t revoked = 0;
  std::int64_t total() const { return pending + valid + used + revoked; }
};

/// The table of issued codes. Every step is one atomic, durable change, conditional on the state it
/// moves from; any number of processes may share a table. Errors: kind storage or unavailable only.
class CodeTable {
 public:
  virtual ~CodeTable() = default;

  /// Adds the row if its key is absent. False: the key exists (a collision: draw again).
  virtual Task<Result<bool>> insert(CodeRow row) = 0;
  /// pending -> valid, only if `now` is before `expires`. True when this call moved it.
  virtual Task<Result<bool>> activate(Sha256 key, UtcTime now) = 0;
  /// Any state but used -> revoked. True when this call moved it.
  virtual Task<Result<bool>> revoke(Sha256 key) = 0;
  /// valid -> used, only if subject and purpose match and `now` is before `expires`: one atomic
  /// step. A caller whose answer was lost may ask again: the same `used_by` (not empty) and binding
  /// get the same yes for kRepeatWindow after the use, with reason "repeated".
  struct ConsumeRequest {
    Sha256 key{};
    std::string subject;
    std::string purpose;
    UtcTime now{};
    std::string used_by;
  };
  enum class Consumed { yes, not_active_yet, refused };
  struct ConsumeAnswer {
    Consumed outcome = Consumed::refused;
    UtcTime expires{};  ///< of the row, when there was one
    /// For the audit only: unknown, pending, used, repeated, revoked, expired, other_binding; empty
    /// for a first yes.
    std::string reason;
  };
  virtual Task<Result<ConsumeAnswer>> consume(ConsumeRequest request) = 0;
  virtual Task<Result<std::optional<CodeRow>>> find(Sha256 key) = 0;
  /// Deletes the row if it had expired by `expired_by`. The state it had, or nothing. The row's own
  /// time decides, so that no message, however old it claims to be, ends a living code or makes a
  /// used one forgotten while it could be played again.
  virtual Task<Result<std::optional<CodeState>>> remove(Sha256 key, UtcTime expired_by) = 0;
  /// Deletes up to `limit` rows that had expired by `expired_by`; how many. For rows whose message
  /// is lost.
  virtual Task<Result<std::int64_t>> remove_expired(UtcTime expired_by, std::int64_t limit) = 0;
  virtual Task<Result<TableCounts>> counts() = 0;
};

}  // namespace latchkey::codes
