#include "codes/azure_table_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "codes/run_all.hpp"

namespace latchkey::codes::azure_table {
namespace {

EntityKey spread(std::string_view prefix, const Sha256& hash) {
  std::string hex = to_hex(hash);
  std::string partition(prefix);
  partition.append(hex, 0, 2);
  return {std::move(partition), std::move(hex)};
}

/// Minutes since 1970 at which an id was made (make_code_id); 0 for other ids.
std::int64_t minute_of(std::string_view id) {
  constexpr std::size_t kUuidSize = 36;
  if (id.size() != kUuidSize || id[14] != '7') return 0;
  const auto bytes = from_hex("0000" + std::string(id.substr(0, 8)) + std::string(id.substr(9, 4)));
  if (!bytes) return 0;
  std::int64_t milliseconds = 0;
  for (const std::uint8_t byte : *bytes) milliseconds = milliseconds << 8 | byte;
  return milliseconds / 60'000;
}

std::string id_partition(int part, std::int64_t minute) {
  return fmt::format("t{:x}-{:010}", part, minute);
}

std::optional<CodeState> state_from(std::string_view text) {
  for (const auto state :
       {CodeState::pending, CodeState::valid, CodeState::used, CodeState::revoked}) {
    if (text == to_string(state)) return state;
  }
  return std::nullopt;
}

std::optional<Sha256> hash_from(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Sha256 hash{};
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

Task<> revoke_into(Store& store, Sha256 key, RevokeOptions options, Trace trace,
                   std::vector<Result<Revoked>>& done) {
  auto revoked = co_await revoke(store, key, options, trace);
  done.push_back(std::move(revoked));
}

}  // namespace

EntityKey code_key(const Sha256& key) {
  return spread("c-", key);
}

EntityKey ledger_key(const Binding& binding, const Sha256& counted) {
  return spread("l-", binding.subject.empty() ? counted : issue_key(binding.subject));
}

EntityKey answer_key(const Sha256& key) {
  return spread("a-", key);
}

EntityKey id_key(std::string_view id) {
  const int part = sha256(id)[0] % kIdSpread;
  return {id_partition(part, minute_of(id)), std::string(id)};
}

std::string expired_ids_filter(int part, UtcTime expired_by) {
  // No code expires before the minute in which it was issued.
  const auto minute = std::chrono::floor<std::chrono::minutes>(expired_by).time_since_epoch();
  const std::int64_t last = std::max<std::int64_t>(minute.count(), 0);
  return fmt::format("PartitionKey ge {} and PartitionKey le {} and expires le {}",
                     wire::filter_text(id_partition(part, 0)),
                     wire::filter_text(id_partition(part, last)), wire::filter_time(expired_by));
}

std::string over_filter(char prefix, UtcTime now) {
  // '.' is the character after '-'.
  return fmt::format("PartitionKey ge '{0}-' and PartitionKey lt '{0}.' and until le {1}", prefix,
                     wire::filter_time(now));
}

Result<std::optional<FoundCode>> code_in(TableEntity entity) {
  if (entity.etag.empty()) return std::nullopt;
  const auto key = hash_from(entity.row_key);
  const auto state = state_from(entity.text("state"));
  if (!key || !state) {
    return fail(ErrorKind::storage, "InvalidEntity",
                "code table: an entity among the codes is none; look for what else writes to the "
                "table");
  }
  CodeRow row{.key = *key,
              .key_id = entity.text("key_id"),
              .id = entity.text("id"),
              .issued = entity.time("issued"),
              .expires = entity.time("expires"),
              .state = *state,
              .binding = {entity.text("subject"), entity.text("purpose")},
              .attempts = entity.number("attempts"),
              .used_at = entity.time("used_at"),
              .used_by = entity.text("used_by")};
  return FoundCode{std::move(row), std::move(entity)};
}

void put_code(TableEntity& entity, const CodeRow& row) {
  auto& properties = entity.properties;
  properties["key_id"] = row.key_id;
  properties["id"] = row.id;
  properties["issued"] = row.issued;
  properties["expires"] = row.expires;
  properties["state"] = std::string(to_string(row.state));
  properties["subject"] = row.binding.subject;
  properties["purpose"] = row.binding.purpose;
  properties["attempts"] = row.attempts;
  properties["used_at"] = row.used_at;
  properties["used_by"] = row.used_by;
}

CodeFacts facts_of(const CodeRow& row) {
  return {.id = row.id, .binding = row.binding, .expires = row.expires, .state = row.state};
}

Task<Result<std::optional<FoundCode>>> find_code(Store& store, CodeKeys keys, Trace trace) {
  for (const Sha256& key : keys) {
    auto entity = co_await store.read(code_key(key), trace);
    if (!entity) co_return fail(std::move(entity.error()));
    auto found = code_in(std::move(*entity));
    if (!found || *found) co_return found;
  }
  co_return std::nullopt;
}

Task<Result<std::optional<FoundCode>>> find_code_id(Store& store, std::string id, Trace trace) {
  if (id.empty() || !wire::is_table_key(id)) co_return std::nullopt;
  auto entity = co_await store.read(id_key(id), trace);
  if (!entity) co_return fail(std::move(entity.error()));
  const auto key = hash_from(entity->text("key"));
  if (!key) co_return std::nullopt;
  CodeKeys keys{*key};
  auto found = co_await find_code(store, std::move(keys), trace);
  // The key may have been given to another code since.
  if (found && *found && (*found)->row.id != id) co_return std::nullopt;
  co_return found;
}

Task<Result<Revoked>> revoke(Store& store, Sha256 key, RevokeOptions options, Trace trace) {
  Contention contention(store);
  for (;;) {
    auto entity = co_await store.read(code_key(key), trace);
    if (!entity) co_return fail(std::move(entity.error()));
    auto found = code_in(std::move(*entity));
    if (!found) co_return fail(std::move(found.error()));
    if (!*found) co_return Revoked{};
    CodeRow& row = (*found)->row;
    Revoked done{.facts = facts_of(row)};
    const bool usable = row.state == CodeState::pending || row.state == CodeState::valid;
    if (!usable || row.expires <= options.from) co_return done;
    row.state = CodeState::revoked;
    row.attempts = std::max(row.attempts, options.attempts);
    put_code((*found)->entity, row);
    auto written = co_await store.commit(std::move((*found)->entity), trace);
    if (!written) co_return fail(std::move(written.error()));
    done.moved = true;
    if (*written) co_return done;
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

Task<Result<std::vector<CodeFacts>>> revoke_all(Store& store, std::vector<Sha256> keys,
                                                RevokeOptions options, Trace trace) {
  std::vector<Result<Revoked>> done;
  std::vector<Task<>> tasks;
  for (const Sha256& key : keys) {
    tasks.push_back(revoke_into(store, key, options, trace, done));
  }
  if (!tasks.empty()) co_await run_all(store.executor(), "table_revoke", std::move(tasks));
  std::vector<CodeFacts> moved;
  for (Result<Revoked>& one : done) {
    if (!one) co_return fail(std::move(one.error()));
    if (one->moved) moved.push_back(std::move(*one->facts));
  }
  co_return moved;
}

Task<Result<bool>> erase_code(Store& store, FoundCode found, Trace trace) {
  EntityKey id = id_key(found.row.id);
  auto erased = co_await store.erase(std::move(found.entity), trace);
  if (!erased || !*erased) co_return erased;
  // What is left should this fail is an id without a code, which the sweep takes. The code is gone
  // and has to be told.
  auto forgotten = co_await store.erase_any(std::move(id), trace);
  (void)forgotten.has_value();
  co_return true;
}

}  // namespace latchkey::codes::azure_table
