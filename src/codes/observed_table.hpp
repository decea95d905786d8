#pragma once

#include <array>

#include "base/metrics.hpp"
#include "base/tracer.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes {

/// Stands before any code table: how long each operation takes and whether it is answered, and a
/// span for it in the trace that it belongs to. Spans name the row's id, by which the trace of an
/// issue and those of its message's visits are found together: the message itself has two fields
/// and no place for a trace.
class ObservedTable final : public CodeTable {
 public:
  /// All must outlive the calls.
  ObservedTable(CodeTable& table, Metrics& metrics, Tracer& tracer, Clock& clock);

  Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace trace) override;
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace trace) override;
  Task<Result<Revocation>> revoke_id(std::string id, Trace trace) override;
  Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                      std::optional<std::string> purpose,
                                                      UtcTime now, Trace trace) override;
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override;
  Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) override;
  Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace trace) override;
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by,
                                                Trace trace) override;
  Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                      std::int64_t limit) override;

 private:
  enum Operation : std::uint8_t { kInsert, kActivate, kRevoke, kAttempt, kFind, kRemove, kSweep };
  static constexpr std::size_t kOperations = 7;
  struct Series {
    Counter* answered = nullptr;
    Counter* failed = nullptr;
    Histogram* seconds = nullptr;
  };
  struct Step {
    Operation operation;
    SteadyTime begun;
    Span span;
  };

  Step begin(Operation operation, const Trace& trace);
  /// `id` of the row, where one is known.
  void end(Step step, bool answered, const std::string& id = {});

  CodeTable& table_;
  Tracer& tracer_;
  Clock& clock_;
  std::array<Series, kOperations> series_;
};

}  // namespace latchkey::codes
