#include <fmt/format.h>

#include <boost/json.hpp>
#include <istream>
#include <map>
#include <optional>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/data_file.hpp"
#include "cloud/queues/queue_journal.hpp"
#include "cloud/queues/queue_rules.hpp"
#include "cloud/queues/queue_settings_store.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {
namespace {
namespace json = wire::json;

constexpr std::uint64_t kTellEvery = 1000;
/// Longer than any text in JSON's longest form, \u00XX for each byte.
constexpr std::size_t kLineBytesMax = kTextBytesMax * 6 + 4096;

std::optional<std::int64_t> number(const json::Object& line, std::string_view name,
                                   std::int64_t min, std::int64_t max) {
  const json::Value* value = json::find(line, name);
  if (value == nullptr) return std::nullopt;
  const auto whole = json::whole_number(*value);
  return whole && *whole >= min && *whole <= max ? whole : std::nullopt;
}

std::optional<std::int64_t> ticks(const json::Object& line, std::string_view name) {
  const auto text = json::text(line, name);
  const auto time = text ? from_iso8601(*text) : std::nullopt;
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

std::optional<std::int64_t> bits(const json::Object& line, std::string_view name) {
  const auto text = json::text(line, name);
  const auto value = text ? parse_integer<std::uint64_t>(*text) : std::nullopt;
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<std::string> text_of(const json::Object& line) {
  if (const auto text = json::text(line, "text")) return std::string(*text);
  const auto encoded = json::text(line, "base64");
  const auto bytes = encoded ? from_base64(*encoded) : std::nullopt;
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

std::optional<wire::Metadata> metadata_of(const json::Object& line) {
  wire::Metadata metadata;
  const json::Value* value = json::find(line, "metadata");
  if (value == nullptr) return metadata;
  if (!value->is_array()) return std::nullopt;
  for (const auto& entry : value->get_array()) {
    const auto* pair = entry.if_array();
    if (pair == nullptr || pair->size() != 2) return std::nullopt;
    const auto* name = (*pair)[0].if_string();
    const auto* content = (*pair)[1].if_string();
    if (name == nullptr || content == nullptr) return std::nullopt;
    const std::string both = std::string(*name) + std::string(*content);
    if (both.find('\n') != std::string::npos) return std::nullopt;
    metadata.emplace_back(*name, *content);
  }
  return metadata;
}

tl::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorKind::invalid_argument, "ImportInvalid", std::string(what));
}

/// Writes lines into an open transaction.
class Importer {
 public:
  explicit Importer(sqlite::Database& database) : database_(database) {}
  DataReport report{};

  Result<> begin();
  Result<> take(const json::Object& line);

 private:
  Result<> take_store(const json::Object& line);
  Result<> take_service(const json::Object& line);
  Result<> take_queue(const json::Object& line);
  Result<> take_message(const json::Object& line);

  sqlite::Database& database_;
  bool is_new_ = false;                           ///< no queues before: numbers and seed are kept
  std::map<std::int64_t, std::uint32_t> queues_;  ///< number in the lines, number here
};

Result<> Importer::begin() {
  auto& any = database_.cached("SELECT 1 FROM queue LIMIT 1");
  const auto row = any.step();
  if (!row) return fail(row.error());
  is_new_ = !*row;
  any.reset();
  return {};
}

Result<> Importer::take(const json::Object& line) {
  const auto type = json::text(line, "type").value_or("");
  if (type == "message") return take_message(line);
  if (type == "queue") return take_queue(line);
  if (type == "service") return take_service(line);
  if (type == "store") return take_store(line);
  return wrong("\"type\" must be store, service, queue or message");
}

Result<> Importer::take_store(const json::Object& line) {
  if (!number(line, "format", 1, 1)) return wrong("\"format\" must be 1: made by a newer version");
  const auto seed = bits(line, "seed");
  if (!seed) return wrong("\"seed\" must be a number as text");
  if (!is_new_) return {};
  return database_.cached("INSERT OR REPLACE INTO setting VALUES ('seed', ?1)")
      .bind(1, *seed)
      .run();
}

Result<> Importer::take_service(const json::Object& line) {
  const auto account = json::text(line, "account");
  const auto properties = json::text(line, "properties");
  if (!account || !properties) return wrong("a service needs \"account\" and \"properties\"");
  if (!is_new_) return {};
  return database_.cached("INSERT OR REPLACE INTO queue_service VALUES (?1, ?2)")
      .bind(1, *account)
      .bind(2, *properties)
      .run();
}

Result<> Importer::take_queue(const json::Object& line) {
  const auto its_number = number(line, "number", 1, kQueueNumberMax);
  const auto account = json::text(line, "account");
  const auto name = json::text(line, "name");
  const auto metadata = metadata_of(line);
  if (!its_number || !account || account->empty() || !name || !metadata ||
      check_queue_name(*name) || queues_.contains(*its_number)) {
    return wrong(
        "a queue needs \"number\" (of its own), \"account\", a valid \"name\", and may "
        "have \"metadata\"");
  }
  auto& insert = database_.cached(
      "INSERT INTO queue (id, account, name, metadata) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT DO NOTHING");
  const std::string text = metadata_to_text(*metadata);
  if (is_new_) {
    insert.bind(1, *its_number);
  } else {
    insert.bind_null(1);
  }
  insert.bind(2, *account).bind(3, *name).bind(4, std::string_view(text));
  if (auto done = insert.run(); !done) return done;
  if (database_.changes() == 0) {
    return fail(ErrorKind::conflict, "QueueAlreadyExists",
                fmt::format("there is a queue {}/{} already; delete it, or import into another "
                            "data folder",
                            *account, *name));
  }
  const std::int64_t id = database_.last_insert_rowid();
  queues_.emplace(*its_number, static_cast<std::uint32_t>(id));
  ++report.queues;
  const auto policies = json::text(line, "policies").value_or("");
  if (policies.empty()) return {};
  return database_.cached("INSERT OR REPLACE INTO queue_policy VALUES (?1, ?2)")
      .bind(1, id)
      .bind(2, policies)
      .run();
}

Result<> Importer::take_message(const json::Object& line) {
  const auto queue = number(line, "queue", 1, kQueueNumberMax);
  const auto place = queue ? queues_.find(*queue) : queues_.end();
  if (place == queues_.end()) return wrong("the message's \"queue\" is no queue of a line before");
  const auto sequence = number(line, "sequence", 1, static_cast<std::int64_t>(kSequenceMax));
  const auto inserted = ticks(line, "inserted");
  const auto visible = ticks(line, "visible");
  const auto receipt = bits(line, "receipt");
  const auto dequeues = number(line, "dequeues", 0, 0xFFFF'FFFF);
  const auto text = text_of(line);
  const bool expires = json::find(line, "expires") != nullptr;
  const auto expiry = ticks(line, "expires");
  if (!sequence || !inserted || !visible || !receipt || !dequeues || !text ||
      (expires && !expiry)) {
    return wrong(
        "a message needs \"sequence\", \"inserted\", \"visible\", \"receipt\", "
        "\"dequeues\" and \"text\" or \"base64\"");
  }
  if (text->size() > kTextBytesMax) return wrong("the text is longer than a message may be");
  auto& insert = database_.cached("INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  const auto key = message_key(place->second, static_cast<std::uint64_t>(*sequence));
  insert.bind(1, static_cast<std::int64_t>(key)).bind(2, *inserted);
  if (expiry) {
    insert.bind(3, *expiry);
  } else {
    insert.bind_null(3);
  }
  insert.bind(4, *visible).bind(5, *receipt).bind(6, *dequeues).bind(7, as_bytes(*text));
  if (auto done = insert.run(); !done) {
    if (done.error().kind == ErrorKind::conflict) return wrong("two messages have that sequence");
    return done;
  }
  ++report.messages;
  return {};
}

Error in_line(Error error, std::uint64_t line) {
  error.message = fmt::format("line {}: {}", line, error.message);
  return error;
}

}  // namespace

Result<DataReport> import_queue_file(const std::filesystem::path& file, std::istream& in,
                                     const OnDataProgress& progress) {
  auto database = QueueJournal::open_file(file);
  if (!database) return fail(database.error());
  if (auto done = prepare_queue_tables(*database); !done) return fail(done.error());
  SystemRandom random;
  if (auto made = QueueSettingsStore::load(*database, random); !made) return fail(made.error());
  // What is not committed at the end is undone when the file is closed.
  if (auto done = database->execute("BEGIN IMMEDIATE"); !done) return fail(done.error());
  Importer importer(*database);
  if (auto done = importer.begin(); !done) return fail(done.error());
  std::string text;
  for (std::uint64_t line = 1; std::getline(in, text); ++line) {
    if (trim(text).empty()) continue;
    const auto object = text.size() > kLineBytesMax ? std::nullopt : json::parse_object(text);
    if (!object) return fail(in_line(wrong("not a JSON object").value(), line));
    if (auto done = importer.take(*object); !done) return fail(in_line(done.error(), line));
    const DataProgress now{.done = importer.report.messages, .total = 0};
    if (line % kTellEvery == 0 && progress && !progress(now)) {
      return fail(ErrorKind::timeout, "Cancelled", "ended by request; nothing was imported");
    }
  }
  if (in.bad()) return fail(ErrorKind::storage, "StorageError", "the import cannot be read");
  if (auto done = database->execute("COMMIT"); !done) return fail(done.error());
  return std::move(importer.report);
}

}  // namespace latchkey::cloud
