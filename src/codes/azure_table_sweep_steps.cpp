#include <algorithm>
#include <utility>

#include "codes/azure_table_rows.hpp"
#include "codes/azure_table_steps.hpp"
#include "codes/run_all.hpp"

namespace latchkey::codes::azure_table {
namespace {

/// Requests beside each other: enough for speed, few enough to leave connections to others.
constexpr std::size_t kLanes = 16;
constexpr int kPagesMax = 20;

/// An id whose code had expired.
struct OldId {
  TableEntity entity{};
  UtcTime expires{};
};

/// Those on the first pages that are not empty: where the service splits a range among its servers
/// a page may be empty and not the last.
Task<> find_old_ids(Store& store, std::string filter, std::vector<OldId>& old, Result<>& done) {
  Cursor cursor;
  for (int pages = 0; pages < kPagesMax; ++pages) {
    azure::TableQuery next{.filter = filter, .from = std::move(cursor)};
    auto page = co_await store.query(std::move(next));
    if (!page) {
      done = fail(std::move(page.error()));
      co_return;
    }
    for (TableEntity& entity : page->entities) {
      const UtcTime expires = entity.time("expires");
      old.push_back({.entity = std::move(entity), .expires = expires});
    }
    if (!page->entities.empty() || !page->next) co_return;
    cursor = std::move(page->next);
  }
}

/// Deletes row and id. An id whose row is gone, or is another's, is the rest of a deletion that was
/// cut off.
Task<Result<std::optional<CodeFacts>>> forget(Store& store, TableEntity id, UtcTime expired_by) {
  auto found = co_await find_code_id(store, id.row_key, {});
  if (!found) co_return fail(std::move(found.error()));
  if (!*found) {
    auto erased = co_await store.erase(std::move(id), {});
    if (!erased) co_return fail(std::move(erased.error()));
    co_return std::nullopt;
  }
  if ((*found)->row.expires > expired_by) co_return std::nullopt;
  CodeFacts facts = facts_of((*found)->row);
  auto erased = co_await erase_code(store, std::move(**found), {});
  if (!erased) co_return fail(std::move(erased.error()));
  if (!*erased) co_return std::nullopt;
  co_return facts;
}

/// Every kLanes-th, from `lane` on.
Task<> forget_lane(Store& store, std::vector<OldId>& old, std::size_t lane, UtcTime expired_by,
                   std::vector<CodeFacts>& forgotten, Result<>& done) {
  for (std::size_t i = lane; i < old.size() && done; i += kLanes) {
    auto facts = co_await forget(store, std::move(old[i].entity), expired_by);
    if (!facts) {
      done = fail(std::move(facts.error()));
    } else if (*facts) {
      forgotten.push_back(std::move(**facts));
    }
  }
}

Task<> erase_lane(Store& store, std::vector<TableEntity>& over, std::size_t lane, Result<>& done) {
  for (std::size_t i = lane; i < over.size() && done; i += kLanes) {
    // Whoever changed it meanwhile still needs it.
    auto erased = co_await store.erase(std::move(over[i]), {});
    if (!erased) done = fail(std::move(erased.error()));
  }
}

}  // namespace

Task<Result<std::vector<CodeFacts>>> remove_expired_codes(Store& store, UtcTime expired_by,
                                                          std::int64_t limit) {
  std::vector<OldId> old;
  Result<> done;
  std::vector<Task<>> tasks;
  for (int part = 0; part < kIdSpread; ++part) {
    std::string filter = expired_ids_filter(part, expired_by);
    tasks.push_back(find_old_ids(store, std::move(filter), old, done));
  }
  co_await run_all(store.executor(), "table_sweep", std::move(tasks));
  if (!done) co_return fail(std::move(done.error()));
  std::sort(old.begin(), old.end(),
            [](const OldId& a, const OldId& b) { return a.expires < b.expires; });
  const auto rows_max = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
  old.resize(std::min(old.size(), rows_max));

  std::vector<CodeFacts> forgotten;
  std::vector<Task<>> lanes;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    lanes.push_back(forget_lane(store, old, lane, expired_by, forgotten, done));
  }
  co_await run_all(store.executor(), "table_sweep", std::move(lanes));
  // What was deleted has to be told, even if the rest has to wait for the next sweep.
  if (!done && forgotten.empty()) co_return fail(std::move(done.error()));
  co_return forgotten;
}

Task<Result<>> remove_over(Store& store, char prefix, UtcTime now, Cursor& cursor) {
  azure::TableQuery next{.filter = over_filter(prefix, now),
                         .from = std::exchange(cursor, std::nullopt)};
  auto page = co_await store.query(std::move(next));
  if (!page) co_return fail(std::move(page.error()));
  cursor = std::move(page->next);
  Result<> done;
  std::vector<Task<>> lanes;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    lanes.push_back(erase_lane(store, page->entities, lane, done));
  }
  co_await run_all(store.executor(), "table_sweep", std::move(lanes));
  co_return done;
}

}  // namespace latchkey::codes::azure_table
