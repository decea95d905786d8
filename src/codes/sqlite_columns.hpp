#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/sqlite.hpp"

/// What the statements of the tables have in common: times as columns, and running to the end.
namespace latchkey::codes::rows {

/// Microseconds since 1970, UTC.
inline std::int64_t to_column(UtcTime time) {
  return time.time_since_epoch().count();
}
inline UtcTime from_column(std::int64_t value) {
  return UtcTime{UtcTime::duration{value}};
}

/// Runs the statement to its end; `read` takes the columns of each row that it gives.
template <class Read>
Result<> each_row(sqlite::Statement& statement, Read read) {
  auto row = statement.step();
  for (; row && *row; row = statement.step()) read(statement);
  statement.reset();
  if (!row) return fail(std::move(row.error()));
  return {};
}

}  // namespace latchkey::codes::rows
