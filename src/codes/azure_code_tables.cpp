#include "codes/azure_code_tables.hpp"

#include <memory>
#include <utility>

#include "codes/azure_table_steps.hpp"

namespace latchkey::codes {
namespace {

namespace steps = azure_table;
using SharedStore = std::shared_ptr<steps::Store>;

class AzureCodeTable final : public CodeTable {
 public:
  explicit AzureCodeTable(SharedStore store) : store_(std::move(store)) {}

  Task<Result<InsertAnswer>> insert(CodeRow row, Limits limits, Trace trace) override {
    return steps::insert(*store_, std::move(row), limits, trace);
  }
  Task<Result<Activation>> activate(CodeKeys keys, UtcTime now, Trace trace) override {
    return steps::activate(*store_, std::move(keys), now, trace);
  }
  Task<Result<Revocation>> revoke_id(std::string id, Trace trace) override {
    return steps::revoke_id(*store_, std::move(id), trace);
  }
  Task<Result<std::vector<CodeFacts>>> revoke_subject(std::string subject,
                                                      std::optional<std::string> purpose,
                                                      UtcTime now, Trace trace) override {
    return steps::revoke_subject(*store_, std::move(subject), std::move(purpose), now, trace);
  }
  Task<Result<AttemptAnswer>> attempt(AttemptRequest request) override {
    return steps::attempt(*store_, std::move(request));
  }
  Task<Result<std::optional<CodeRow>>> find(CodeKeys keys) override {
    return steps::find(*store_, std::move(keys));
  }
  Task<Result<std::optional<CodeRow>>> find_id(std::string id, Trace trace) override {
    return steps::find_id(*store_, std::move(id), trace);
  }
  Task<Result<std::optional<CodeFacts>>> remove(CodeKeys keys, UtcTime expired_by,
                                                Trace trace) override {
    return steps::remove(*store_, std::move(keys), expired_by, trace);
  }
  Task<Result<std::vector<CodeFacts>>> remove_expired(UtcTime expired_by,
                                                      std::int64_t limit) override {
    auto removed = co_await steps::remove_expired_codes(*store_, expired_by, limit);
    if (!removed || !removed->empty()) co_return removed;
    // Only when nothing more pressing is left.
    auto counts = co_await steps::remove_over(*store_, 'l', expired_by, ledgers_);
    if (!counts) co_return fail(std::move(counts.error()));
    co_return removed;
  }

 private:
  SharedStore store_;
  steps::Cursor ledgers_;
};

class AzureAnswerTable final : public AnswerTable {
 public:
  explicit AzureAnswerTable(SharedStore store) : store_(std::move(store)) {}

  Task<Result<Begun>> begin(Sha256 key, Sha256 fingerprint, UtcTime now,
                            std::chrono::seconds lease) override {
    return steps::begin_answer(*store_, key, fingerprint, now, lease);
  }
  Task<Result<>> keep(Sha256 key, std::string sealed, UtcTime until) override {
    return steps::keep_answer(*store_, key, std::move(sealed), until);
  }
  Task<Result<>> drop(Sha256 key) override { return steps::drop_answer(*store_, key); }
  Task<Result<>> remove_expired(UtcTime now) override {
    return steps::remove_over(*store_, 'a', now, cursor_);
  }

 private:
  SharedStore store_;
  steps::Cursor cursor_;
};

}  // namespace

CodeTables open_azure_tables(azure::TableAddress address, AzureTablesWorld world,
                             azure::RetryOptions retry) {
  auto store = std::make_shared<steps::Store>(std::move(address), std::move(world.http),
                                              world.clock, world.random, world.executor, retry);
  return {.codes = std::make_unique<AzureCodeTable>(store),
          .answers = std::make_unique<AzureAnswerTable>(store)};
}

}  // namespace latchkey::codes
