#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "cloud/data_file.hpp"

/// `latchkey cloud check|export|import`: the queues' file looked at, saved and filled while no
/// cloud uses it.
namespace latchkey::app {
namespace {

/// A line that counts up on a terminal, and nothing elsewhere.
class ProgressLine {
 public:
  cloud::OnDataProgress teller() {
    return [this](const cloud::DataProgress& at) {
      if (shown_) show(at);
      return true;
    };
  }
  ~ProgressLine() {
    if (written_) fmt::print(stderr, "\r\033[K");
  }

 private:
  void show(const cloud::DataProgress& at) {
    written_ = true;
    if (at.total > 0) {
      fmt::print(stderr, "\r{} of {} ({} %)\033[K", at.done, at.total, at.done * 100 / at.total);
    } else {
      fmt::print(stderr, "\r{}\033[K", at.done);
    }
    std::fflush(stderr);
  }
  const bool shown_ = ::isatty(STDERR_FILENO) == 1;
  bool written_ = false;
};

tl::unexpected<Error> cannot_open(const std::string& file) {
  return fail(ErrorKind::invalid_argument, "FileError", "cannot open " + file);
}

Result<cloud::DataReport> save(const std::filesystem::path& database, const std::string& file) {
  ProgressLine line;
  if (file.empty()) return cloud::export_queue_file(database, std::cout, line.teller());
  std::ofstream out(file, std::ios::binary);
  if (!out) return cannot_open(file);
  return cloud::export_queue_file(database, out, line.teller());
}

Result<cloud::DataReport> fill(const std::filesystem::path& database, const std::string& file) {
  ProgressLine line;
  if (file.empty()) return cloud::import_queue_file(database, std::cin, line.teller());
  std::ifstream in(file, std::ios::binary);
  if (!in) return cannot_open(file);
  return cloud::import_queue_file(database, in, line.teller());
}

Result<cloud::DataReport> work_on(const std::filesystem::path& database,
                                  const DataOptions& options) {
  if (options.action == "export") return save(database, options.file);
  if (options.action == "import") return fill(database, options.file);
  ProgressLine line;
  return cloud::check_queue_file(database, line.teller());
}

}  // namespace

int run_cloud_data(const CommonOptions& common, const DataOptions& options) {
  SystemClock clock;
  auto folder = cloud::open_existing_data(common.data, clock);
  if (!folder) return report(folder.error());
  auto done = work_on(folder->queue_database(), options);
  if (!done) return report(done.error());
  // Not on standard output, which may be the export.
  for (const auto& problem : done->problems) fmt::print(stderr, "{}\n", problem);
  fmt::print(stderr, "{} queues, {} messages, {} problems\n", done->queues, done->messages,
             done->problems.size());
  return done->problems.empty() ? 0 : 1;
}

}  // namespace latchkey::app
