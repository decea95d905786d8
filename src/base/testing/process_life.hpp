#pragma once

#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

/// Whether a process that is not our child any more is still there.
namespace latchkey::testing {

/// A process that nobody has reaped yet is dead all the same.
inline bool lives(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  return (stat >> id >> name >> state) && state != "Z";
}

/// SIGKILL is certain, but takes its moment. False for what is no process id.
inline bool dies(pid_t pid) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (lives(pid) && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  return pid > 0 && !lives(pid);
}

}  // namespace latchkey::testing
