#pragma once

#include <optional>
#include <utility>

#include "base/task.hpp"

namespace latchkey::cloud::testing {

template <class T>
Task<> keep_result(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

/// Runs `task` to its end on `context` and gives back what it returned.
template <class T>
T await(IoContext& context, Task<T> task) {
  std::optional<T> result;
  run_to_end(context, keep_result(std::move(task), result));
  return std::move(*result);
}

}  // namespace latchkey::cloud::testing
