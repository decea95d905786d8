#include <algorithm>

#include "base/assert.hpp"
#include "codes/azure_table_ledger.hpp"
#include "codes/azure_table_rows.hpp"
#include "codes/azure_table_steps.hpp"

namespace latchkey::codes::azure_table {
namespace {
using Activation = CodeTable::Activation;
using InsertAnswer = CodeTable::InsertAnswer;
using Revocation = CodeTable::Revocation;

TableEntity new_entity(EntityKey key) {
  return {.partition_key = std::move(key.partition), .row_key = std::move(key.row)};
}

/// The id first: from it the sweep finds the row, should nobody come to remove it. False when the
/// key exists.
Task<Result<bool>> add(Store& store, CodeRow row, Trace trace) {
  TableEntity id = new_entity(id_key(row.id));
  LK_ASSERT(wire::is_table_key(id.row_key));
  TableEntity code = new_entity(code_key(row.key));
  id.properties["key"] = code.row_key;
  id.properties["expires"] = row.expires;
  put_code(code, row);
  auto id_is_new = co_await store.commit(std::move(id), trace);
  if (!id_is_new) co_return id_is_new;
  auto added = co_await store.commit(std::move(code), trace);
  if (!added || *added || !*id_is_new) co_return added;
  auto forgotten = co_await store.erase_any(id_key(row.id), trace);
  if (!forgotten) co_return fail(std::move(forgotten.error()));
  co_return false;
}

/// Takes back what was told to nobody.
Task<Result<>> take_back(Store& store, CodeRow row, Trace trace) {
  auto erased = co_await store.erase_any(code_key(row.key), trace);
  if (!erased) co_return erased;
  co_return co_await store.erase_any(id_key(row.id), trace);
}

struct Noted {
  InsertAnswer answer{};
  std::vector<Sha256> older{};  ///< that the row supersedes
};

/// The issue, on the subject's ledger: this is the moment from which the code is one of the
/// subject's. `ledger` as it was read.
Task<Result<Noted>> note(Store& store, CodeRow row, Limits limits, TableEntity entity,
                         Trace trace) {
  Contention contention(store);
  for (;;) {
    Ledger ledger = ledger_in(entity);
    Noted noted{.answer = judge_issue(ledger, row, limits)};
    if (noted.answer.outcome != InsertAnswer::Outcome::inserted) co_return noted;
    if (limits.newest_only) {
      // Also what ended a moment ago by our clock, for a verifier whose clock is behind would
      // still accept it.
      noted.older = usable_codes(ledger, tag_of(row.binding.purpose), row.issued - kClocksApartMax);
    }
    note_issue(ledger, row, limits);
    put_ledger(entity, std::move(ledger), row.issued);
    EntityKey key{entity.partition_key, entity.row_key};
    auto written = co_await store.commit(std::move(entity), trace);
    if (!written) co_return fail(std::move(written.error()));
    if (*written) co_return noted;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
    auto again = co_await store.read(std::move(key), trace);
    if (!again) co_return fail(std::move(again.error()));
    entity = std::move(*again);
  }
}

/// For a row that has a subject.
Task<Result<InsertAnswer>> insert_counted(Store& store, CodeRow row, Limits limits, Trace trace) {
  using Outcome = InsertAnswer::Outcome;
  EntityKey key = ledger_key(row.binding, {});
  auto ledger = co_await store.read(std::move(key), trace);
  if (!ledger) co_return fail(std::move(ledger.error()));
  InsertAnswer refused = judge_issue(ledger_in(*ledger), row, limits);
  if (refused.outcome == Outcome::throttled) co_return refused;
  auto added = co_await add(store, row, trace);
  if (!added) co_return fail(std::move(added.error()));
  if (!*added) co_return InsertAnswer{.outcome = Outcome::exists};
  auto noted = co_await note(store, row, limits, std::move(*ledger), trace);
  if (!noted) co_return fail(std::move(noted.error()));
  InsertAnswer answer = std::move(noted->answer);
  if (answer.outcome == Outcome::throttled) {
    auto taken_back = co_await take_back(store, std::move(row), trace);
    if (!taken_back) co_return fail(std::move(taken_back.error()));
    co_return answer;
  }
  // Before anybody learns of the new code.
  const RevokeOptions options{.from = row.issued - kClocksApartMax};
  auto older = co_await revoke_all(store, std::move(noted->older), options, trace);
  if (!older) co_return fail(std::move(older.error()));
  answer.superseded = std::move(*older);
  co_return answer;
}

/// The guesses that count on it stand on the ledger until the code is used.
Task<Result<std::optional<CodeRow>>> with_attempts(Store& store, std::optional<FoundCode> found) {
  if (!found) co_return std::nullopt;
  CodeRow row = std::move(found->row);
  if (row.binding.subject.empty() || row.state == CodeState::used) co_return row;
  EntityKey key = ledger_key(row.binding, {});
  auto entity = co_await store.read(std::move(key), {});
  if (!entity) co_return fail(std::move(entity.error()));
  const Ledger ledger = ledger_in(*entity);
  const Ledger::Code* code = ledger.find(row.key);
  if (code != nullptr) row.attempts = std::max(row.attempts, code->attempts);
  co_return row;
}

}  // namespace

Task<Result<InsertAnswer>> insert(Store& store, CodeRow row, Limits limits, Trace trace) {
  if (!row.binding.subject.empty()) {
    co_return co_await insert_counted(store, std::move(row), limits, trace);
  }
  auto added = co_await add(store, std::move(row), trace);
  if (!added) co_return fail(std::move(added.error()));
  using Outcome = InsertAnswer::Outcome;
  co_return InsertAnswer{.outcome = *added ? Outcome::inserted : Outcome::exists};
}

Task<Result<Activation>> activate(Store& store, CodeKeys keys, UtcTime now, Trace trace) {
  using Standing = Activation::Standing;
  Contention contention(store);
  for (;;) {
    auto found = co_await find_code(store, keys, trace);
    if (!found) co_return fail(std::move(found.error()));
    if (!*found) co_return Activation{};
    CodeRow& row = (*found)->row;
    Activation answer{Standing::known, facts_of(row)};
    if (row.state != CodeState::pending || row.expires <= now) co_return answer;
    row.state = CodeState::valid;
    put_code((*found)->entity, row);
    auto written = co_await store.commit(std::move((*found)->entity), trace);
    if (!written) co_return fail(std::move(written.error()));
    answer.standing = Standing::activated;
    if (*written) co_return answer;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

Task<Result<Revocation>> revoke_id(Store& store, std::string id, Trace trace) {
  auto found = co_await find_code_id(store, std::move(id), trace);
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) co_return Revocation{};
  const Sha256 key = (*found)->row.key;
  const RevokeOptions whenever;
  auto revoked = co_await revoke(store, key, whenever, trace);
  if (!revoked) co_return fail(std::move(revoked.error()));
  co_return Revocation{.revoked = revoked->moved, .facts = std::move(revoked->facts)};
}

Task<Result<std::vector<CodeFacts>>> revoke_subject(Store& store, std::string subject,
                                                    std::optional<std::string> purpose, UtcTime now,
                                                    Trace trace) {
  if (subject.empty()) co_return std::vector<CodeFacts>{};
  const Binding binding{.subject = std::move(subject), .purpose = {}};
  EntityKey key = ledger_key(binding, {});
  auto entity = co_await store.read(std::move(key), trace);
  if (!entity) co_return fail(std::move(entity.error()));
  std::optional<std::uint64_t> tag;
  if (purpose) tag = tag_of(*purpose);
  const RevokeOptions options{.from = now - kClocksApartMax};
  auto keys = usable_codes(ledger_in(*entity), tag, options.from);
  co_return co_await revoke_all(store, std::move(keys), options, trace);
}

Task<Result<std::optional<CodeRow>>> find(Store& store, CodeKeys keys) {
  if (keys.empty()) {
    // Asked to see whether the table is there.
    const EntityKey nothing = code_key(Sha256{});
    auto asked = co_await store.read(nothing, {});
    if (!asked) co_return fail(std::move(asked.error()));
    co_return std::nullopt;
  }
  auto found = co_await find_code(store, std::move(keys), {});
  if (!found) co_return fail(std::move(found.error()));
  co_return co_await with_attempts(store, std::move(*found));
}

Task<Result<std::optional<CodeRow>>> find_id(Store& store, std::string id, Trace trace) {
  auto found = co_await find_code_id(store, std::move(id), trace);
  if (!found) co_return fail(std::move(found.error()));
  co_return co_await with_attempts(store, std::move(*found));
}

Task<Result<std::optional<CodeFacts>>> remove(Store& store, CodeKeys keys, UtcTime expired_by,
                                              Trace trace) {
  Contention contention(store);
  for (;;) {
    auto found = co_await find_code(store, keys, trace);
    if (!found) co_return fail(std::move(found.error()));
    if (!*found || (*found)->row.expires > expired_by) co_return std::nullopt;
    CodeFacts facts = facts_of((*found)->row);
    auto erased = co_await erase_code(store, std::move(**found), trace);
    if (!erased) co_return fail(std::move(erased.error()));
    if (*erased) co_return facts;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

}  // namespace latchkey::codes::azure_table
