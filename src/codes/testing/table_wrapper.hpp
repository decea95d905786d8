#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "codes/code_table.hpp"

namespace latchkey::codes::testing {

/// A code table with faults in front of a real one.
class TableWrapper final : public CodeTable {
 public:
  explicit TableWrapper(CodeTable& table) : table_(table) {}

  /// While set, every call fails with it and changes nothing.
  std::optional<Error> failure;
  /// Runs between the table's change and its answer.
  std::function<void()> before_answer;
  int calls = 0;
  /// Calls that the table has not answered yet.
  int in_flight = 0;

  Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace trace = {}) override {
    return pass(table_.insert(std::move(row), limits, trace));
  }
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace trace) override {
    return pass(table_.activate(std::move(keys), now, trace));
  }
  Task<Result<Revocation>> revoke_id(std::string id, Trace trace) override {
    return pass(table_.revoke_id(std::move(id), trace));
  }
  Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                      std::optional<std::string> purpose,
                                                      UtcTime now, Trace trace) override {
    return pass(table_.revoke_subject(std::move(subject), std::move(purpose), now, trace));
  }
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    return pass(table_.attempt(std::move(request)));
  }
  Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) override {
    return pass(table_.find(std::move(keys)));
  }
  Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace trace) override {
    return pass(table_.find_id(std::move(id), trace));
  }
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by,
                                                Trace trace) override {
    return pass(table_.remove(std::move(keys), expired_by, trace));
  }
  Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                      std::int64_t limit) override {
    return pass(table_.remove_expired(expired_by, limit));
  }

 private:
  template <class T>
  Task<Result<T>> pass(Task<Result<T>> call) {
    ++calls;
    if (failure) co_return fail(*failure);
    ++in_flight;
    auto answer = co_await std::move(call);
    --in_flight;
    if (before_answer) before_answer();
    co_return answer;
  }
  CodeTable& table_;
};

}  // namespace latchkey::codes::testing
