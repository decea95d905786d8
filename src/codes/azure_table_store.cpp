#include "codes/azure_table_store.hpp"

#include <algorithm>
#include <utility>

namespace latchkey::codes::azure_table {
namespace {
using std::chrono::milliseconds;

constexpr const char* kMarks = "marks";
constexpr std::size_t kMarkSize = 16;  ///< hex digits
/// More than others can write to one entity until a lost answer is noticed and the write repeated:
/// of 120 guesses in flight (table_races_test.cpp) 64 were too few now and then.
constexpr std::size_t kMarksKept = 128;

constexpr milliseconds kWaitFirst{10};
constexpr milliseconds kWaitMax{500};

/// Callers know two kinds of failure: the store is broken, or it cannot serve now.
tl::unexpected<Error> table_failure(Error error) {
  const bool broken = error.kind == ErrorKind::protocol || error.kind == ErrorKind::internal ||
                      error.kind == ErrorKind::invalid_argument;
  error.kind = broken ? ErrorKind::storage : ErrorKind::unavailable;
  error.message = "code table: " + error.message;
  return fail(std::move(error));
}

/// Adds `mark`; only the newest are kept.
void add_mark(TableEntity& entity, const std::string& mark) {
  std::string marks = entity.text(kMarks) + mark;
  constexpr std::size_t kSizeMax = kMarkSize * kMarksKept;
  if (marks.size() > kSizeMax) marks.erase(0, marks.size() - kSizeMax);
  entity.properties[kMarks] = std::move(marks);
}

bool has_mark(const TableEntity& entity, std::string_view mark) {
  return entity.text(kMarks).find(mark) != std::string::npos;
}

}  // namespace

Store::Store(azure::TableAddress address, std::shared_ptr<http::HttpClient> http, Clock& clock,
             Random& random, Executor executor, azure::RetryOptions retry)
    : http_(std::move(http)),
      client_(std::move(address), *http_, clock, random, retry),
      clock_(clock),
      random_(random),
      executor_(std::move(executor)) {}

Task<Result<TableEntity>> Store::read(EntityKey key, Trace trace) {
  auto found = co_await client_.get(key.partition, key.row, trace);
  if (!found) co_return table_failure(std::move(found.error()));
  if (*found) co_return std::move(**found);
  co_return TableEntity{.partition_key = std::move(key.partition), .row_key = std::move(key.row)};
}

Task<Result<bool>> Store::commit(TableEntity entity, Trace trace) {
  const std::string mark = random_.hex(kMarkSize / 2);
  add_mark(entity, mark);
  EntityKey key{entity.partition_key, entity.row_key};
  const bool is_new = entity.etag.empty();
  auto writing =
      is_new ? client_.insert(std::move(entity), trace) : client_.update(std::move(entity), trace);
  auto written = co_await std::move(writing);
  if (!written) co_return table_failure(std::move(written.error()));
  if (written->done || !written->repeated) co_return written->done;
  auto now = co_await read(std::move(key), trace);
  if (!now) co_return fail(std::move(now.error()));
  co_return has_mark(*now, mark);
}

Task<Result<bool>> Store::erase(TableEntity entity, Trace trace) {
  EntityKey key{entity.partition_key, entity.row_key};
  auto erased = co_await client_.remove(key.partition, key.row, std::move(entity.etag), trace);
  if (!erased) co_return table_failure(std::move(erased.error()));
  if (erased->done || !erased->repeated) co_return erased->done;
  // Gone after a try whose answer was lost: most likely that was it.
  auto now = co_await read(std::move(key), trace);
  if (!now) co_return fail(std::move(now.error()));
  co_return now->etag.empty();
}

Task<Result<>> Store::erase_any(EntityKey key, Trace trace) {
  auto erased = co_await client_.remove(std::move(key.partition), std::move(key.row), "*", trace);
  if (!erased) co_return table_failure(std::move(erased.error()));
  co_return Result<>{};
}

Task<Result<wire::TablePage>> Store::query(azure::TableQuery query) {
  auto page = co_await client_.query(std::move(query));
  if (!page) co_return table_failure(std::move(page.error()));
  co_return page;
}

Task<Result<>> Contention::wait() {
  if (++tries_ >= kTriesMax) {
    co_return fail(ErrorKind::unavailable, "TooMuchContention",
                   "code table: others keep changing the same entity; try again");
  }
  const milliseconds longest = std::min(kWaitFirst * (1 << std::min(tries_, 10)), kWaitMax);
  const auto some = static_cast<double>(longest.count()) * store_.random().unit();
  co_await store_.clock().sleep_for(milliseconds{static_cast<milliseconds::rep>(some)});
  co_return Result<>{};
}

}  // namespace latchkey::codes::azure_table
