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
#include "base/trace.hpp"
#include "codes/limits.hpp"

namespace latchkey::codes {

/// States move forward only: absent -> pending -> valid -> used | revoked. Expired is no state but
/// a comparison of `expires` with the clock, so no event can be late.
enum class CodeState : std::uint8_t { pending = 0, valid = 1, used = 2, revoked = 3 };
const char* to_string(CodeState state);

struct CodeRow {
  Sha256 key{};          ///< CodeHasher: HMAC(pepper, code)
  std::string key_id{};  ///< which pepper
  std::string id{};  ///< what others may know it by: time-ordered, random, says nothing of the code
  UtcTime issued{};
  UtcTime expires{};
  CodeState state = CodeState::pending;
  Binding binding{};
  std::int64_t attempts = 0;  ///< refused ones for its subject and purpose
  UtcTime used_at{};
  std::string used_by{};  ///< idempotency key of the verification that used it
};

/// What the audit may know of a row.
struct CodeFacts {
  std::string id{};
  Binding binding{};
  UtcTime expires{};
  CodeState state = CodeState::pending;  ///< before the change that is answered
};

/// The keys that a code may have been stored under: one for each pepper in use, newest first.
using CodeKeys = std::vector<Sha256>;

/// How long after its use a code's verification may be repeated by the same `used_by`.
inline constexpr std::chrono::seconds kRepeatWindow{60};

/// The clocks of two copies differ by no more: twice the largest CLOCK_ERROR_MAX. What ended no
/// longer ago by our clock another copy may still accept, so a revocation takes it along.
inline constexpr std::chrono::seconds kClocksApartMax{60};

/// The table of issued codes. Every step is one atomic, durable change, conditional on the state it
/// moves from; any number of processes may share a table. A `trace` goes along to a table that is a
/// service. Errors: kind storage or unavailable only.
class CodeTable {
 public:
  virtual ~CodeTable() = default;

  /// Adds the row if its key is absent. For a row with a subject, in the same step: the issue is
  /// counted and refused above `limits`, and with `newest_only` older codes of its binding that
  /// could still be used are revoked.
  struct InsertAnswer {
    enum class Outcome {
      inserted,
      exists,    ///< a collision: draw again; nothing was counted
      throttled  ///< the subject's issues are used up; nothing was written
    } outcome = Outcome::inserted;
    std::chrono::seconds retry_after{0};  ///< when throttled; else until the window is empty again
    std::int64_t issues_left = 0;         ///< in the window, after this one
    std::vector<CodeFacts> superseded{};  ///< rows that this one revoked
  };
  virtual Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace trace = {}) = 0;

  /// pending -> valid, only if `now` is before the row's `expires`.
  struct Activation {
    enum class Standing { activated, known, unissued } standing = Standing::unissued;
    CodeFacts facts{};  ///< unless unissued
  };
  virtual Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace trace = {}) = 0;

  /// Any state but used -> revoked. `revoked`: this call moved it; `facts` of the row, if any.
  struct Revocation {
    bool revoked = false;
    std::optional<CodeFacts> facts{};
  };
  virtual Task<Result<Revocation>> revoke_id(std::string id, Trace trace = {}) = 0;
  /// All codes of a subject that some copy could still accept (kClocksApartMax); of one purpose, or
  /// of every purpose.
  virtual Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                              std::optional<std::string> purpose,
                                                              UtcTime now, Trace trace = {}) = 0;

  /// valid -> used, only if subject and purpose match and `now` is before `expires`: one atomic
  /// step. The failure count of `counted` is raised, and made durable, before anybody learns of the
  /// comparison's outcome; while its delay lasts nothing is compared (`throttled`). A refused
  /// attempt also counts on every usable code of the same subject and purpose, and on the row of
  /// this code if it belongs to somebody else; the attempt that reaches `attempts_per_code` revokes
  /// the row. A code that is not active yet is no failure.
  ///
  /// A caller whose answer was lost may ask again: the same `used_by` (not empty) and binding get
  /// the same yes for kRepeatWindow after the use, with reason "repeated"; a delay does not keep
  /// that answer back.
  struct AttemptRequest {
    CodeKeys keys{};
    Binding binding{};
    Sha256 counted{};  ///< attempt_key
    UtcTime now{};
    std::string used_by{};
    Limits limits{};
    Trace trace{};
  };
  enum class Attempted { yes, not_active_yet, refused, throttled };
  struct AttemptAnswer {
    Attempted outcome = Attempted::refused;
    UtcTime expires{};                    ///< of the row, when there was one
    std::chrono::seconds retry_after{0};  ///< when throttled
    std::int64_t failures_left = 0;       ///< until delays begin
    std::string id{};                     ///< of the row with this key, for the audit
    /// For the audit only: unknown, pending, used, repeated, revoked, expired, other_binding,
    /// throttled; empty for a first yes.
    std::string reason{};
    std::vector<CodeFacts> exhausted{};  ///< codes that this attempt's count revoked
  };
  virtual Task<Result<AttemptAnswer>> attempt(AttemptRequest request) = 0;

  /// Of no keys: nothing, and an error all the same if the table cannot be reached.
  virtual Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) = 0;
  virtual Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace trace = {}) = 0;

  /// Deletes the row if it had expired by `expired_by`; what it was, or nothing. The row's own time
  /// decides, so that no message, however old it claims to be, ends a living code or makes a used
  /// one forgotten while it could be played again.
  virtual Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by,
                                                        Trace trace = {}) = 0;
  /// Deletes up to `limit` rows that had expired by `expired_by`: rows whose message is lost. Also
  /// forgets counts that no longer matter.
  virtual Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                              std::int64_t limit) = 0;
};

}  // namespace latchkey::codes
