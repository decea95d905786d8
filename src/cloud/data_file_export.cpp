#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "base/encoding.hpp"
#include "base/sqlite_wal.hpp"
#include "base/time_text.hpp"
#include "cloud/data_file.hpp"
#include "cloud/queues/queue_journal.hpp"

namespace latchkey::cloud {
namespace {
namespace json = boost::json;

constexpr std::uint64_t kTellEvery = 1000;

constexpr const char* kMessages =
    "SELECT m.key, m.inserted, m.expires, m.visible, m.receipt, m.dequeues, m.text "
    "FROM message m CROSS JOIN queue q ON q.id = m.key >> 40 "
    "WHERE q.deleted = 0 AND (m.key & 0xFFFFFFFFFF) > q.cleared_to AND m.key > ?1 ORDER BY m.key";

tl::unexpected<Error> cancelled() {
  return fail(ErrorKind::timeout, "Cancelled", "ended by request");
}

std::string time_text(std::int64_t microseconds) {
  return to_iso8601(UtcTime{UtcTime::duration{microseconds}});
}

/// One reading of the file. Statements are prepared, not cached: in a damaged file even that fails.
class Reader {
 public:
  Reader(sqlite::Database database, const OnDataProgress& progress)
      : database_(std::move(database)), progress_(progress) {}

  DataReport report{};

  Result<> count() {
    auto rows = database_.prepare("SELECT count(*) FROM message");
    if (!rows) return fail(rows.error());
    const auto row = rows->step();
    if (!row) return fail(row.error());
    total_ = static_cast<std::uint64_t>(rows->integer(0));
    return {};
  }

  /// Calls visit(row) for the rows of `sql`, until the end or an error.
  template <class Visit>
  Result<> each(std::string_view sql, Visit visit) {
    auto rows = database_.prepare(sql);
    if (!rows) return fail(rows.error());
    for (;;) {
      const auto row = rows->step();
      if (!row) return fail(row.error());
      if (!*row) return {};
      if (auto done = visit(*rows); !done) return done;
    }
  }

  /// Calls visit(row) for every message that can be read: a row that cannot is stepped over, and
  /// behind a page that cannot, the rest is read from the end.
  template <class Visit>
  Result<> each_message(Visit visit);

 private:
  template <class Visit>
  Result<> messages_after(std::int64_t key, bool from_the_end, std::int64_t& last, Visit visit);
  std::optional<std::int64_t> next_key(std::int64_t key);
  Result<> step_on() {
    ++report.messages;
    const DataProgress now{.done = report.messages, .total = total_};
    if (report.messages % kTellEvery == 0 && progress_ && !progress_(now)) return cancelled();
    return {};
  }

  sqlite::Database database_;
  const OnDataProgress& progress_;
  std::uint64_t total_ = 0;
};

template <class Visit>
Result<> Reader::messages_after(std::int64_t key, bool from_the_end, std::int64_t& last,
                                Visit visit) {
  auto rows = database_.prepare(std::string(kMessages) + (from_the_end ? " DESC" : ""));
  if (!rows) return fail(rows.error());
  rows->bind(1, key);
  for (;;) {
    const auto row = rows->step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    last = rows->integer(0);
    if (auto done = visit(*rows); !done) return done;
    if (auto done = step_on(); !done) return done;
  }
}

template <class Visit>
Result<> Reader::each_message(Visit visit) {
  std::int64_t last = 0;
  for (;;) {
    const auto read = messages_after(last, false, last, visit);
    if (read || read.error().code != "StorageDamaged") return read;
    const auto next = next_key(last);
    if (!next) break;
    last = *next;
    report.problems.push_back("a message's text cannot be read; it is left out");
  }
  std::int64_t first_of_the_rest = kSequenceMax;
  const auto read = messages_after(last, true, first_of_the_rest, visit);
  if (!read && read.error().code != "StorageDamaged") return read;
  report.problems.push_back(fmt::format(
      "part of the file cannot be read: the messages between {} and {} of the journal are left out",
      last, first_of_the_rest));
  return {};
}

/// The key behind `key`, when that much of the row can be read.
std::optional<std::int64_t> Reader::next_key(std::int64_t key) {
  auto rows = database_.prepare("SELECT key FROM message WHERE key > ?1 ORDER BY key LIMIT 1");
  if (!rows) return std::nullopt;
  const auto row = rows->bind(1, key).step();
  if (!row || !*row) return std::nullopt;
  return rows->integer(0);
}

Result<Reader> open_reader(const std::filesystem::path& file, const OnDataProgress& progress) {
  auto database = sqlite::Database::open(file, {.read_only = true});
  if (!database) return fail(database.error());
  Reader reader(std::move(*database), progress);
  if (const auto log = sqlite::check_log(file); !log) {
    reader.report.problems.push_back(log.error().message +
                                     "; the changes of that time are lost, older ones are there");
  }
  if (const auto counted = reader.count(); !counted) {
    reader.report.problems.push_back("the messages cannot be counted: " + counted.error().message);
  }
  return reader;
}

class Lines {
 public:
  explicit Lines(std::ostream& out) : out_(out) {}
  Result<> write(const json::object& line) {
    out_ << json::serialize(line) << '\n';
    if (out_) return {};
    return fail(ErrorKind::storage, "StorageError", "the export cannot be written");
  }

 private:
  std::ostream& out_;
};

json::object message_line(const sqlite::Statement& row) {
  const auto key = static_cast<MessageKey>(row.integer(0));
  json::object line{{"type", "message"},
                    {"queue", queue_of(key)},
                    {"sequence", sequence_of(key)},
                    {"inserted", time_text(row.integer(1))},
                    {"visible", time_text(row.integer(3))},
                    {"receipt", std::to_string(static_cast<std::uint64_t>(row.integer(4)))},
                    {"dequeues", row.integer(5)}};
  if (!row.is_null(2)) line["expires"] = time_text(row.integer(2));
  const std::string_view text = as_text(row.blob(6));
  if (is_utf8(text)) {
    line["text"] = text;
  } else {
    line["base64"] = to_base64(text);
  }
  return line;
}

json::object queue_line(const sqlite::Statement& row) {
  json::array metadata;
  for (const auto& [name, value] : metadata_from_text(row.text(3))) {
    metadata.push_back(json::array{name, value});
  }
  return {{"type", "queue"},     {"number", row.integer(0)},        {"account", row.text(1)},
          {"name", row.text(2)}, {"metadata", std::move(metadata)}, {"policies", row.text(4)}};
}

/// Files of older versions have no tables for these.
bool has_table(Reader& reader, std::string_view name) {
  bool found = false;
  (void)reader
      .each(fmt::format("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{}'", name),
            [&found](const auto&) -> Result<> {
              found = true;
              return {};
            })
      .has_value();
  return found;
}

}  // namespace

Result<DataFolder> open_existing_data(const std::filesystem::path& folder, const Clock& clock) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "queues.db", ignored)) {
    return fail(ErrorKind::not_found, "DataFolderNotFound",
                fmt::format("{} is no data folder of a local cloud: it has no queues.db; name the "
                            "right one with --data",
                            folder.string()));
  }
  return DataFolder::open(folder, clock);
}

Result<DataReport> check_queue_file(const std::filesystem::path& file,
                                    const OnDataProgress& progress) {
  auto reader = open_reader(file, progress);
  if (!reader) return fail(reader.error());
  auto& problems = reader->report.problems;
  const auto intact =
      reader->each("PRAGMA integrity_check(20)", [&problems](const auto& row) -> Result<> {
        if (row.text(0) != "ok") problems.emplace_back(row.text(0));
        return {};
      });
  if (!intact) problems.push_back(intact.error().message);
  const auto queues =
      reader->each("SELECT id FROM queue WHERE deleted = 0", [&reader](const auto&) -> Result<> {
        ++reader->report.queues;
        return {};
      });
  if (!queues) problems.push_back("the queues cannot be read: " + queues.error().message);
  const auto read = reader->each_message([](const auto&) { return Result<>{}; });
  if (!read && read.error().code == "Cancelled") return fail(read.error());
  if (!read) problems.push_back("the messages cannot be read: " + read.error().message);
  return std::move(reader->report);
}

Result<DataReport> export_queue_file(const std::filesystem::path& file, std::ostream& out,
                                     const OnDataProgress& progress) {
  auto reader = open_reader(file, progress);
  if (!reader) return fail(reader.error());
  Lines lines(out);
  auto done =
      reader->each("SELECT value FROM setting WHERE name = 'seed'", [&lines](const auto& row) {
        const auto seed = static_cast<std::uint64_t>(row.integer(0));
        return lines.write({{"type", "store"}, {"format", 1}, {"seed", std::to_string(seed)}});
      });
  if (!done) return fail(done.error());
  if (has_table(*reader, "queue_service")) {
    done = reader->each("SELECT account, properties FROM queue_service", [&](const auto& row) {
      return lines.write(
          {{"type", "service"}, {"account", row.text(0)}, {"properties", row.text(1)}});
    });
    if (!done) return fail(done.error());
  }
  const std::string policies =
      has_table(*reader, "queue_policy")
          ? "coalesce((SELECT policies FROM queue_policy p WHERE p.queue = q.id), '')"
          : "''";
  done = reader->each("SELECT id, account, name, metadata, " + policies +
                          " FROM queue q WHERE deleted = 0 ORDER BY id",
                      [&](const auto& row) {
                        ++reader->report.queues;
                        return lines.write(queue_line(row));
                      });
  if (!done) return fail(done.error());
  done = reader->each_message(
      [&lines](const sqlite::Statement& row) { return lines.write(message_line(row)); });
  if (!done) return fail(done.error());
  out.flush();
  return std::move(reader->report);
}

}  // namespace latchkey::cloud
