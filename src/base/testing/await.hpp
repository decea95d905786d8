#pragma once

#include <optional>
#include <utility>

#include "base/task.hpp"

namespace latchkey::testing {

template <class T>
Task<> store_result(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

/// Runs `task` to its end on `context` and gives its result: for tests that go step by step.
template <class T>
T await(IoContext& context, Task<T> task) {
  std::optional<T> result;
  run_to_end(context, store_result(std::move(task), result));
  return std::move(*result);
}

}  // namespace latchkey::testing
