#include <utility>

#include "base/encoding.hpp"
#include "codes/azure_table_rows.hpp"
#include "codes/azure_table_steps.hpp"

namespace latchkey::codes::azure_table {
namespace {
using Begun = AnswerTable::Begun;
using Outcome = Begun::Outcome;

Bytes to_bytes(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// `sealed` is empty while the request is at work, until its lease ends.
void put_start(TableEntity& entity, const Sha256& fingerprint, UtcTime until) {
  entity.properties["fingerprint"] = Bytes(fingerprint.begin(), fingerprint.end());
  entity.properties["sealed"] = Bytes{};
  entity.properties["until"] = until;
}

void put_answer(TableEntity& entity, const std::string& sealed, UtcTime until) {
  entity.properties["fingerprint"] = entity.binary("fingerprint");
  entity.properties["sealed"] = to_bytes(sealed);
  entity.properties["until"] = until;
}

bool is_at_work(const TableEntity& entity) {
  return !entity.etag.empty() && entity.binary("sealed").empty();
}

/// What is there already.
Begun standing_of(const TableEntity& entity, const Sha256& fingerprint) {
  const Bytes sealed = entity.binary("sealed");
  if (entity.binary("fingerprint") != Bytes(fingerprint.begin(), fingerprint.end())) {
    return {.outcome = Outcome::other_request};
  }
  if (sealed.empty()) return {.outcome = Outcome::in_progress};
  return {.outcome = Outcome::answered, .sealed = std::string(as_text(sealed))};
}

}  // namespace

Task<Result<Begun>> begin_answer(Store& store, Sha256 key, Sha256 fingerprint, UtcTime now,
                                 std::chrono::seconds lease) {
  const EntityKey where = answer_key(key);
  // Most keys are new.
  TableEntity entity{.partition_key = where.partition, .row_key = where.row};
  Contention contention(store);
  for (;;) {
    put_start(entity, fingerprint, now + lease);
    auto started = co_await store.commit(std::move(entity), {});
    if (!started) co_return fail(std::move(started.error()));
    if (*started) co_return Begun{.outcome = Outcome::started};
    auto held = co_await store.read(where, {});
    if (!held) co_return fail(std::move(held.error()));
    entity = std::move(*held);
    if (!entity.etag.empty() && entity.time("until") > now) {
      co_return standing_of(entity, fingerprint);
    }
    auto waited = co_await contention.wait();
    if (!waited) co_return fail(std::move(waited.error()));
  }
}

Task<Result<>> keep_answer(Store& store, Sha256 key, std::string sealed, UtcTime until) {
  Contention contention(store);
  for (;;) {
    auto entity = co_await store.read(answer_key(key), {});
    if (!entity) co_return fail(std::move(entity.error()));
    // If the lease ended and another did the work again, the answer kept first stands.
    if (!is_at_work(*entity)) co_return Result<>{};
    put_answer(*entity, sealed, until);
    auto kept = co_await store.commit(std::move(*entity), {});
    if (!kept) co_return fail(std::move(kept.error()));
    if (*kept) co_return Result<>{};
    auto waited = co_await contention.wait();
    if (!waited) co_return waited;
  }
}

Task<Result<>> drop_answer(Store& store, Sha256 key) {
  auto entity = co_await store.read(answer_key(key), {});
  if (!entity) co_return fail(std::move(entity.error()));
  if (!is_at_work(*entity)) co_return Result<>{};
  // Should somebody have kept an answer meanwhile, that stands.
  auto dropped = co_await store.erase(std::move(*entity), {});
  if (!dropped) co_return fail(std::move(dropped.error()));
  co_return Result<>{};
}

}  // namespace latchkey::codes::azure_table
