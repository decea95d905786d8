#pragma once

#include <string>
#include <vector>

#include "base/task.hpp"

namespace latchkey::codes {

/// Runs `tasks` beside each other and waits until the last one has ended. When the caller is
/// cancelled the tasks are cancelled too, and awaited, before the cancellation unwinds further.
/// An exception that leaves a task ends that task only and is logged under `name` (TaskGroup).
Task<> run_all(Executor executor, std::string name, std::vector<Task<>> tasks);

}  // namespace latchkey::codes
