#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/testing/await.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/table_contents.hpp"

namespace latchkey::codes::testing {

/// A table in memory and short ways to use it. Codes are numbers here; all were issued at kIssued
/// for ada's sign-in unless a test says otherwise.
class TableTest : public ::testing::Test {
 protected:
  static constexpr UtcTime kIssued{std::chrono::microseconds{1'586'969'688'816'549}};
  static constexpr UtcTime kExpires = kIssued + std::chrono::seconds{600};
  using Attempted = CodeTable::Attempted;
  using AttemptAnswer = CodeTable::AttemptAnswer;
  using AttemptRequest = CodeTable::AttemptRequest;
  using Inserted = CodeTable::InsertAnswer::Outcome;

  static Sha256 key_of(int number) { return sha256(std::to_string(number)); }
  static std::string id_of(int number) { return "id-" + std::to_string(number); }
  static Binding ada() { return {"ada", "sign-in"}; }
  static CodeRow row_of(int number, Binding binding = ada(), CodeState state = CodeState::pending) {
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
  static AttemptRequest request_of(int number, Binding binding = ada(), UtcTime now = kIssued) {
    const Sha256 counted = attempt_key(binding, "caller");
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
  void insert_valid(int number, Binding binding = ada()) {
    ASSERT_EQ(insert(row_of(number, std::move(binding), CodeState::valid)).outcome,
              Inserted::inserted);
  }
  bool activate(int number, UtcTime now = kIssued) {
    const auto answer = run(table->activate({key_of(number)}, now));
    return answer.standing == CodeTable::Activation::Standing::activated;
  }
  TableContents take_out() { return testing::take_out(context, *table); }
  bool revoke(int number) { return run(table->revoke_id(id_of(number))).revoked; }
  AttemptAnswer attempt(AttemptRequest request) { return run(table->attempt(std::move(request))); }
  AttemptAnswer attempt(int number, Binding binding = ada(), UtcTime now = kIssued) {
    return attempt(request_of(number, std::move(binding), now));
  }
  /// Attempts with codes that nobody has, all at one time.
  void fail_times(int times, const Binding& binding = ada(), UtcTime now = kIssued) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(attempt(1'000'000 + i, binding, now).outcome, Attempted::refused) << i;
    }
  }
  std::optional<CodeRow> find(int number) { return run(table->find({key_of(number)})); }
  CodeState state(int number) { return find(number).value().state; }

  /// Goes on with the tables of `file`.
  void open(const std::filesystem::path& file) {
    tables = open_sqlite_tables(file).value();
    table = tables.codes.get();
  }

  IoContext context;
  CodeTables tables = open_sqlite_tables({}).value();
  CodeTable* table = tables.codes.get();
};

}  // namespace latchkey::codes::testing
