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

  Task<Result<bool>> insert(CodeRow row) override { return pass(table_.insert(std::move(row))); }
  Task<Result<bool>> activate(Sha256 key, UtcTime now) override {
    return pass(table_.activate(key, now));
  }
  Task<Result<bool>> revoke(Sha256 key) override { return pass(table_.revoke(key)); }
  Task<Result<ConsumeAnswer>> consume(ConsumeRequest request) override {
    return pass(table_.consume(std::move(request)));
  }
  Task<Result<std::optional<CodeRow>>> find(Sha256 key) override { return pass(table_.find(key)); }
  Task<Result<std::optional<CodeState>>> remove(Sha256 key, UtcTime expired_by) override {
    return pass(table_.remove(key, expired_by));
  }
  Task<Result<std::int64_t>> remove_expired(UtcTime expired_by, std::int64_t limit) override {
    return pass(table_.remove_expired(expired_by, limit));
  }
  Task<Result<TableCounts>> counts() override { return pass(table_.counts()); }

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
