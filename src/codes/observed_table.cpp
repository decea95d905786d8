#include "codes/observed_table.hpp"

#include <utility>

namespace latchkey::codes {
namespace {

constexpr std::array<const char*, 7> kNames = {"insert", "activate", "revoke", "attempt",
                                               "find",   "remove",   "sweep"};

template <class Answer>
std::string id_in(const Result<Answer>& answer) {
  return answer ? answer->id : std::string();
}

/// Of an answer with facts that may be absent.
std::string id_of(const Result<std::optional<CodeFacts>>& answer) {
  return answer && *answer ? (*answer)->id : std::string();
}

}  // namespace

ObservedTable::ObservedTable(CodeTable& table, Metrics& metrics, Tracer& tracer, Clock& clock)
    : table_(table), tracer_(tracer), clock_(clock) {
  static_assert(kNames.size() == kOperations);
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto counter = [&](const char* outcome) {
      return &metrics.counter("latchkey_table_operations_total",
                              "Operations of the code table, answered or failed.",
                              {{"operation", kNames[i]}, {"outcome", outcome}});
    };
    series_[i] = {.answered = counter("answered"),
                  .failed = counter("failed"),
                  .seconds = &metrics.histogram("latchkey_table_seconds",
                                                "Time of one operation of the code table.",
                                                latency_bounds(), {{"operation", kNames[i]}})};
  }
}

ObservedTable::Step ObservedTable::begin(Operation operation, const Trace& trace) {
  return {.operation = operation,
          .begun = clock_.steady_now(),
          .span = tracer_.begin_child(trace, Span::Kind::internal)};
}

void ObservedTable::end(Step step, bool answered, const std::string& id) {
  const Series& series = series_[step.operation];
  (answered ? series.answered : series.failed)->add();
  series.seconds->observe(std::chrono::duration<double>(clock_.steady_now() - step.begun).count());
  if (!step.span.recorded()) return;
  step.span.name = std::string("table ") + kNames[step.operation];
  step.span.failed = !answered;
  if (!id.empty()) step.span.set("latchkey.code.id", id);
  tracer_.end(std::move(step.span));
}

Task<Result<CodeTable::InsertAnswer>> ObservedTable::insert(CodeRow row, Limits limits,
                                                            Trace trace) {
  Step step = begin(kInsert, trace);
  const std::string id = step.span.recorded() ? row.id : std::string();
  auto answer = co_await table_.insert(std::move(row), limits, step.span.trace);
  end(std::move(step), answer.has_value(), id);
  co_return answer;
}

Task<Result<CodeTable::Activation>> ObservedTable::activate(CodeKeys keys, UtcTime now,
                                                            Trace trace) {
  Step step = begin(kActivate, trace);
  auto answer = co_await table_.activate(std::move(keys), now, step.span.trace);
  end(std::move(step), answer.has_value(), answer ? answer->facts.id : std::string());
  co_return answer;
}

Task<Result<CodeTable::Revocation>> ObservedTable::revoke_id(std::string id, Trace trace) {
  Step step = begin(kRevoke, trace);
  const std::string known = step.span.recorded() ? id : std::string();
  auto answer = co_await table_.revoke_id(std::move(id), step.span.trace);
  end(std::move(step), answer.has_value(), known);
  co_return answer;
}

Task<Result<std::vector<CodeFacts>>> ObservedTable::revoke_subject(
    std::string subject, std::optional<std::string> purpose, UtcTime now, Trace trace) {
  Step step = begin(kRevoke, trace);
  auto answer =
      co_await table_.revoke_subject(std::move(subject), std::move(purpose), now, step.span.trace);
  end(std::move(step), answer.has_value());
  co_return answer;
}

Task<Result<CodeTable::AttemptAnswer>> ObservedTable::attempt(AttemptRequest request) {
  Step step = begin(kAttempt, request.trace);
  request.trace = step.span.trace;
  auto answer = co_await table_.attempt(std::move(request));
  end(std::move(step), answer.has_value(), id_in(answer));
  co_return answer;
}

Task<Result<std::optional<CodeRow>>> ObservedTable::find(CodeKeys keys) {
  Step step = begin(kFind, {});
  auto answer = co_await table_.find(std::move(keys));
  end(std::move(step), answer.has_value());
  co_return answer;
}

Task<Result<std::optional<CodeRow>>> ObservedTable::find_id(std::string id, Trace trace) {
  Step step = begin(kFind, trace);
  const std::string known = step.span.recorded() ? id : std::string();
  auto answer = co_await table_.find_id(std::move(id), step.span.trace);
  end(std::move(step), answer.has_value(), known);
  co_return answer;
}

Task<Result<std::optional<CodeFacts>>> ObservedTable::remove(CodeKeys keys, UtcTime expired_by,
                                                             Trace trace) {
  Step step = begin(kRemove, trace);
  auto answer = co_await table_.remove(std::move(keys), expired_by, step.span.trace);
  end(std::move(step), answer.has_value(), id_of(answer));
  co_return answer;
}

Task<Result<std::vector<CodeFacts>>> ObservedTable::remove_expired(UtcTime expired_by,
                                                                   std::int64_t limit) {
  Step step = begin(kSweep, {});
  auto answer = co_await table_.remove_expired(expired_by, limit);
  end(std::move(step), answer.has_value());
  co_return answer;
}

}  // namespace latchkey::codes
