#pragma once

#include <cstdint>

#include "base/testing/await.hpp"
#include "codes/code_table.hpp"

namespace latchkey::codes::testing {

/// How many rows of each state a table held.
struct TableContents {
  std::int64_t pending = 0;
  std::int64_t valid = 0;
  std::int64_t used = 0;
  std::int64_t revoked = 0;
  std::int64_t total() const { return pending + valid + used + revoked; }
};

/// Takes all rows out of the table: for the end of a test.
inline TableContents take_out(IoContext& context, CodeTable& table) {
  constexpr UtcTime kLongAfter{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  TableContents contents;
  std::int64_t* const by_state[] = {&contents.pending, &contents.valid, &contents.used,
                                    &contents.revoked};
  const auto rows = latchkey::testing::await(context, table.remove_expired(kLongAfter, 1'000'000));
  for (const CodeFacts& row : rows.value()) ++*by_state[static_cast<std::size_t>(row.state)];
  return contents;
}

}  // namespace latchkey::codes::testing
