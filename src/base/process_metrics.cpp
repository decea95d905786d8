#include "base/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace latchkey {
namespace {

using Samples = std::vector<Metrics::Sample>;

Samples one(double value) {
  return {{.labels = {}, .value = value}};
}

Samples cpu_seconds() {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) != 0) return {};
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return one(seconds(used.ru_utime) + seconds(used.ru_stime));
}

/// The second number in /proc/self/statm: pages that are in memory (proc(5)).
Samples resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all_pages = 0;
  double resident_pages = 0;
  if (!(file >> all_pages >> resident_pages)) return {};
  return one(resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

Samples open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return {};
  return one(static_cast<double>(std::distance(begin(files), end(files))));
}

Samples open_files_max() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return one(static_cast<double>(limit.rlim_cur));
}

}  // namespace

void add_process_metrics(Metrics& metrics, std::string_view version, Clock& clock) {
  metrics.counters("process_cpu_seconds_total", "User and system time spent.", cpu_seconds);
  metrics.gauge("process_resident_memory_bytes", "Memory in use.", resident_bytes);
  metrics.gauge("process_open_fds", "Open files and sockets.", open_files);
  metrics.gauge("process_max_fds", "The most that may be open.", open_files_max);
  const std::chrono::duration<double> started = clock.now().time_since_epoch();
  metrics.gauge("process_start_time_seconds", "When the process started, since 1970.",
                [started] { return one(started.count()); });
  metrics.gauge("latchkey_build_info", "1; the label says which version runs.",
                [version = std::string(version)] {
                  return Samples{{.labels = {{"version", version}}, .value = 1}};
                });
}

}  // namespace latchkey
