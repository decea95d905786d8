#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cloud/data_folder.hpp"

/// The queues' file (queues.db) looked at, saved and filled while no cloud uses it: what
/// `latchkey cloud check`, `export` and `import` do. It is the way out when the file is damaged,
/// and the way from one data folder to another.
///
/// The saved form is JSON, one object a line, so that other programs can read and write it:
///   {"type":"store","format":1,"seed":"123"}
///   {"type":"service","account":"devstoreaccount1","properties":"<xml>"}
///   {"type":"queue","number":1,"account":"devstoreaccount1","name":"orders",
///    "metadata":[["Colour","red"]],"policies":"<xml>"}
///   {"type":"message","queue":1,"sequence":7,"inserted":"2026-11-22T16:54:48.8165490Z",
///    "visible":"...","expires":"...","receipt":"456","dequeues":0,"text":"..."}
/// `expires` is missing when a message never does; `base64` stands for `text` when the text is not
/// UTF-8; numbers of 64 bits are texts. Secrets are not saved.
namespace latchkey::cloud {

/// How far a long piece of work is; `total` 0: unknown.
struct DataProgress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
/// Called now and then; false ends the work (kind timeout, code Cancelled).
using OnDataProgress = std::function<bool(const DataProgress&)>;

struct DataReport {
  std::uint64_t queues = 0;
  std::uint64_t messages = 0;
  /// For a person, one line each; empty: nothing is wrong.
  std::vector<std::string> problems{};
};

/// The folder, locked against a running cloud. Errors: not_found (DataFolderNotFound: it has no
/// queues' file), and those of DataFolder::open.
Result<DataFolder> open_existing_data(const std::filesystem::path& folder, const Clock& clock);

/// Reads all of `file` and changes nothing. Errors: storage (it cannot be read at all), timeout.
Result<DataReport> check_queue_file(const std::filesystem::path& file,
                                    const OnDataProgress& progress);

/// Writes what can be read; what cannot stands in the report's problems. Changes nothing in `file`.
/// Errors: storage (nothing can be read; `out` cannot be written), timeout.
Result<DataReport> export_queue_file(const std::filesystem::path& file, std::ostream& out,
                                     const OnDataProgress& progress);

/// Adds what `in` holds, all or nothing. Into a file without queues, ids and pop receipts stay what
/// they were; otherwise the messages get new ones. Errors: invalid_argument (a line that is wrong,
/// with its number), conflict (QueueAlreadyExists), storage, timeout.
Result<DataReport> import_queue_file(const std::filesystem::path& file, std::istream& in,
                                     const OnDataProgress& progress);

}  // namespace latchkey::cloud
