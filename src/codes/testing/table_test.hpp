#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "base/testing/await.hpp"
#include "codes/testing/table_under_test.hpp"

namespace latchkey::codes::testing {

/// The table under test and short ways to use it. Codes are numbers here; all were issued at
/// kIssued for ada's sign-in unless a test says otherwise. No two cases share a key, an id or a
/// subject.
class TableTest : public ::testing::Test {
 protected:
  static constexpr UtcTime kIssued{std::chrono::microseconds{1'586'969'688'816'549}};
  static constexpr UtcTime kExpires = kIssued + std::chrono::seconds{600};
  using Attempted = CodeTable::Attempted;
  using AttemptAnswer = CodeTable::AttemptAnswer;
  using AttemptRequest = CodeTable::AttemptRequest;
  using Inserted = CodeTable::InsertAnswer::Outcome;

  Sha256 key_of(int number) const { return sha256(case_ + std::to_string(number)); }
  std::string id_of(int number) const { return case_ + "-" + std::to_string(number); }
  Binding of(const std::string& subject, std::string purpose) const {
    return {case_ + subject, std::move(purpose)};
  }
  Binding ada() const { return of("ada", "sign-in"); }
  CodeRow row_of(int number) const { return row_of(number, ada()); }
  CodeRow row_of(int number, Binding binding, CodeState state = CodeState::pending) const {
    return {.key = key_of(number),
            .key_id = "v1",
            .id = id_of(number),
            .issued = kIssued,
            .expires = kExpires,
            .state = state,
            .binding = std::move(binding)};
  }
  /// Neither the issue limit nor newest-only: for tests that need several codes.
  static Limits many_codes() {
    Limits limits;
    limits.issues_max = 1'000;
    limits.newest_only = false;
    return limits;
  }
  AttemptRequest request_of(int number) const { return request_of(number, ada()); }
  AttemptRequest request_of(int number, Binding binding, UtcTime now = kIssued) const {
    const Sha256 counted = attempt_key(binding, case_);
    return {
        .keys = {key_of(number)}, .binding = std::move(binding), .counted = counted, .now = now};
  }

  template <class T>
  T run(Task<Result<T>> task) {
    auto done = latchkey::testing::await(context, std::move(task));
    return std::move(done).value();
  }
  CodeTable::InsertAnswer insert(CodeRow row, Limits limits = many_codes()) {
    return run(table->insert(std::move(row), limits));
  }
  void insert_valid(int number) { insert_valid(number, ada()); }
  void insert_valid(int number, Binding binding) {
    ASSERT_EQ(insert(row_of(number, std::move(binding), CodeState::valid)).outcome,
              Inserted::inserted);
  }
  bool activate(int number, UtcTime now = kIssued) {
    const auto answer = run(table->activate({key_of(number)}, now));
    return answer.standing == CodeTable::Activation::Standing::activated;
  }
  bool revoke(int number) { return run(table->revoke_id(id_of(number))).revoked; }
  AttemptAnswer attempt(AttemptRequest request) { return run(table->attempt(std::move(request))); }
  AttemptAnswer attempt(int number) { return attempt(request_of(number)); }
  AttemptAnswer attempt(int number, Binding binding, UtcTime now = kIssued) {
    return attempt(request_of(number, std::move(binding), now));
  }
  /// Attempts with codes that nobody has, all at one time.
  void fail_times(int times) { fail_times(times, ada()); }
  void fail_times(int times, const Binding& binding, UtcTime now = kIssued) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(attempt(1'000'000 + i, binding, now).outcome, Attempted::refused) << i;
    }
  }
  std::optional<CodeRow> find(int number) { return run(table->find({key_of(number)})); }
  CodeState state(int number) { return find(number).value().state; }

  /// Removes all that had expired, of whatever case; what of it is this case's.
  std::vector<CodeFacts> sweep(UtcTime expired_by) {
    constexpr std::size_t kAtOnce = 100;
    std::vector<CodeFacts> ours;
    std::size_t removed_rows = kAtOnce;
    while (removed_rows == kAtOnce) {
      const auto removed = run(table->remove_expired(expired_by, kAtOnce));
      removed_rows = removed.size();
      std::copy_if(removed.begin(), removed.end(), std::back_inserter(ours),
                   [&](const CodeFacts& code) { return code.id.starts_with(case_); });
    }
    return ours;
  }

  /// Goes on with other tables.
  void use(CodeTables others) {
    tables = std::move(others);
    table = tables.codes.get();
  }

  /// Begins every key, id and subject of this case.
  const std::string case_ = SystemRandom().hex(8);
  IoContext context;
  CodeTables tables = open_table_under_test(context.get_executor());
  CodeTable* table = tables.codes.get();
};

}  // namespace latchkey::codes::testing
