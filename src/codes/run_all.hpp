#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"

namespace latchkey::codes {

/// How long tasks may go on when their caller is cancelled.
struct Grace {
  Clock* clock = nullptr;
  std::chrono::milliseconds time{0};
};

/// Runs `tasks` beside each other and waits until the last one has ended. When the caller is
/// cancelled the tasks are cancelled too, those that still run after `grace`, and awaited, before
/// the cancellation unwinds further. An exception that leaves a task ends that task only and is
/// logged under `name` (TaskGroup).
Task<> run_all(Executor executor, std::string name, std::vector<Task<>> tasks, Grace grace = {});

/// The same for the tasks of a group, those included that they spawn into it. `ending` becomes true
/// when the caller is cancelled: from then on nothing is to be spawned, for nobody would cancel it.
Task<> join_all(TaskGroup& group, Grace grace = {}, bool* ending = nullptr);

}  // namespace latchkey::codes
