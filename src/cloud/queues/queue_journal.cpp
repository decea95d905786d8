#include "cloud/queues/queue_journal.hpp"

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

constexpr int kSchemaVersion = 1;
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL,
  metadata TEXT NOT NULL, cleared_to INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS queue_name ON queue (account, name) WHERE deleted = 0;
CREATE TABLE IF NOT EXISTS message (
  key INTEGER PRIMARY KEY, inserted INTEGER NOT NULL, expires INTEGER, visible INTEGER NOT NULL,
  receipt INTEGER NOT NULL, dequeues INTEGER NOT NULL, text BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
)";

std::int64_t ticks(UtcTime time) {
  return time.time_since_epoch().count();
}
UtcTime from_ticks(std::int64_t count) {
  return UtcTime{UtcTime::duration{count}};
}
// Keys have 63 bits; receipts use all 64, which SQLite keeps as a signed number.
std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::int64_t key_number(std::uint32_t queue, std::uint64_t sequence) {
  return number(message_key(queue, sequence));
}

Result<std::uint64_t> load_seed(sqlite::Database& database, Random& random) {
  auto& insert = database.cached("INSERT OR IGNORE INTO setting VALUES ('seed', ?1)");
  if (auto done = insert.bind(1, number(random.next_u64())).run(); !done) return fail(done.error());
  auto& select = database.cached("SELECT value FROM setting WHERE name = 'seed'");
  const auto row = select.step();
  if (!row) return fail(row.error());
  const auto seed = static_cast<std::uint64_t>(select.integer(0));
  select.reset();
  return seed;
}

Result<std::uint64_t> last_sequence(sqlite::Database& database, std::uint32_t queue) {
  auto& select = database.cached("SELECT max(key) FROM message WHERE key BETWEEN ?1 AND ?2");
  select.bind(1, key_number(queue, 0)).bind(2, key_number(queue, kSequenceMax));
  const auto row = select.step();
  if (!row) return fail(row.error());
  const std::uint64_t last =
      select.is_null(0) ? 0 : sequence_of(static_cast<std::uint64_t>(select.integer(0)));
  select.reset();
  return last;
}

Result<std::vector<StoredQueue>> load_queues(sqlite::Database& database) {
  std::vector<StoredQueue> queues;
  auto& select = database.cached(
      "SELECT id, account, name, metadata, cleared_to, deleted FROM queue ORDER BY id");
  for (;;) {
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    queues.push_back({.id = static_cast<std::uint32_t>(select.integer(0)),
                      .account = std::string(select.text(1)),
                      .name = std::string(select.text(2)),
                      .metadata = metadata_from_text(select.text(3)),
                      .cleared_to = static_cast<std::uint64_t>(select.integer(4)),
                      .last_sequence = 0,
                      .deleted = select.integer(5) != 0});
  }
  select.reset();
  for (auto& queue : queues) {
    const auto last = last_sequence(database, queue.id);
    if (!last) return fail(last.error());
    queue.last_sequence = *last;
  }
  return queues;
}

Result<> load_messages(sqlite::Database& database, const StoredQueue& queue,
                       const QueueJournal::Load& loaded) {
  auto& select = database.cached(
      "SELECT key, inserted, expires, visible, receipt, dequeues FROM message "
      "WHERE key > ?1 AND key <= ?2 ORDER BY key");
  select.bind(1, key_number(queue.id, queue.cleared_to));
  select.bind(2, key_number(queue.id, kSequenceMax));
  for (;;) {
    const auto row = select.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    loaded({.key = static_cast<MessageKey>(select.integer(0)),
            .inserted = from_ticks(select.integer(1)),
            .expires = select.is_null(2) ? UtcTime::max() : from_ticks(select.integer(2)),
            .next_visible = from_ticks(select.integer(3)),
            .receipt = static_cast<std::uint64_t>(select.integer(4)),
            .dequeue_count = static_cast<std::uint32_t>(select.integer(5))});
  }
  select.reset();
  return {};
}

Result<> write_state(sqlite::Database& database, const MessageState& message) {
  auto& update = database.cached(
      "UPDATE message SET visible = ?2, receipt = ?3, dequeues = ?4 WHERE key = ?1");
  update.bind(1, number(message.key)).bind(2, ticks(message.next_visible));
  update.bind(3, number(message.receipt)).bind(4, std::int64_t{message.dequeue_count});
  return update.run();
}

Result<MessageText> read_text(sqlite::Database& database, MessageKey key) {
  auto& select = database.cached("SELECT text FROM message WHERE key = ?1");
  const auto row = select.bind(1, number(key)).step();
  if (!row) return fail(row.error());
  if (!*row) {
    return fail(ErrorKind::storage, "StorageError", "a message's row is missing from the store");
  }
  auto text = std::make_shared<const std::string>(as_text(select.blob(0)));
  select.reset();
  return text;
}

/// The texts that are missing in `texts`, read in place.
Result<> fill_texts(sqlite::Database& database, const std::vector<MessageKey>& keys,
                    std::vector<MessageText>& texts) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (texts[i]) continue;
    auto text = read_text(database, keys[i]);
    if (!text) return fail(text.error());
    texts[i] = std::move(*text);
  }
  return {};
}

Result<> remove_row(sqlite::Database& database, MessageKey key) {
  return database.cached("DELETE FROM message WHERE key = ?1").bind(1, number(key)).run();
}

Error with_way_out(Error error) {
  if (error.code == "StorageDamaged") {
    error.message +=
        "; nothing was changed: `latchkey cloud check` says what is damaged, `latchkey cloud "
        "export` saves what can be read, `latchkey cloud import` brings it into another folder";
  }
  return error;
}

Result<> load(sqlite::Database& database, Random& random,
              const std::function<void(const QueueJournal::Contents&)>& loaded_queues,
              const QueueJournal::Load& loaded) {
  if (auto done = prepare_queue_tables(database); !done) return done;
  const auto seed = load_seed(database, random);
  if (!seed) return fail(seed.error());
  auto queues = load_queues(database);
  if (!queues) return fail(queues.error());
  const QueueJournal::Contents contents{.seed = *seed, .queues = std::move(*queues)};
  loaded_queues(contents);
  for (const StoredQueue& queue : contents.queues) {
    if (queue.deleted) continue;
    if (auto done = load_messages(database, queue, loaded); !done) return done;
  }
  return {};
}

}  // namespace

Result<> prepare_queue_tables(sqlite::Database& database) {
  auto statement = database.prepare("PRAGMA user_version");
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  const std::int64_t version = statement->integer(0);
  statement->reset();
  if (version > kSchemaVersion) {
    return fail(ErrorKind::storage, "StorageError",
                fmt::format("the queue store was written by a newer version (schema {}, this "
                            "program knows {}); use that version or another data folder",
                            version, kSchemaVersion));
  }
  return database.execute(kSchema);
}

Result<sqlite::Database> QueueJournal::open_file(const std::filesystem::path& file) {
  auto database = sqlite::Database::open(file, {.alone = true});
  if (!database) return fail(with_way_out(database.error()));
  return database;
}

Result<std::unique_ptr<QueueJournal>> QueueJournal::open(
    sqlite::Database database, Random& random, sqlite::WriterOptions options,
    const std::function<void(const Contents&)>& loaded_queues, const Load& loaded) {
  const auto loaded_all = load(database, random, loaded_queues, loaded);
  if (!loaded_all) return fail(with_way_out(loaded_all.error()));
  return std::unique_ptr<QueueJournal>(new QueueJournal(std::move(database), std::move(options)));
}

Task<Result<std::uint32_t>> QueueJournal::create_queue(std::string account, std::string name,
                                                       std::string metadata) {
  auto work = [account = std::move(account), name = std::move(name),
               metadata =
                   std::move(metadata)](sqlite::Database& database) -> Result<std::uint32_t> {
    auto& insert = database.cached(
        "INSERT INTO queue (account, name, metadata) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    insert.bind(1, std::string_view(account)).bind(2, std::string_view(name));
    insert.bind(3, std::string_view(metadata));
    if (auto done = insert.run(); !done) return fail(done.error());
    if (database.changes() == 0) return 0;
    const std::int64_t id = database.last_insert_rowid();
    if (id <= kQueueNumberMax) return static_cast<std::uint32_t>(id);
    (void)database.cached("DELETE FROM queue WHERE id = ?1").bind(1, id).run().has_value();
    return fail(ErrorKind::storage, "StorageError",
                "the store has made all the queues it can number; start with a new data folder");
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::delete_queue(std::uint32_t id) {
  auto work = [id](sqlite::Database& database) {
    return database.cached("UPDATE queue SET deleted = 1 WHERE id = ?1")
        .bind(1, std::int64_t{id})
        .run();
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::set_metadata(std::uint32_t id, std::string metadata) {
  auto work = [id, metadata = std::move(metadata)](sqlite::Database& database) {
    return database.cached("UPDATE queue SET metadata = ?2 WHERE id = ?1")
        .bind(1, std::int64_t{id})
        .bind(2, std::string_view(metadata))
        .run();
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::clear(std::uint32_t id, std::uint64_t cleared_to) {
  auto work = [id, cleared_to](sqlite::Database& database) {
    return database.cached("UPDATE queue SET cleared_to = max(cleared_to, ?2) WHERE id = ?1")
        .bind(1, std::int64_t{id})
        .bind(2, number(cleared_to))
        .run();
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::put(MessageState message, MessageText text) {
  auto work = [message, text = std::move(text)](sqlite::Database& database) {
    auto& insert = database.cached("INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    insert.bind(1, number(message.key)).bind(2, ticks(message.inserted));
    if (message.expires == UtcTime::max()) {
      insert.bind_null(3);
    } else {
      insert.bind(3, ticks(message.expires));
    }
    insert.bind(4, ticks(message.next_visible)).bind(5, number(message.receipt));
    insert.bind(6, std::int64_t{message.dequeue_count}).bind(7, as_bytes(*text));
    return insert.run();
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<std::vector<MessageText>>> QueueJournal::take(std::vector<MessageChange> changes,
                                                          std::vector<MessageText> texts) {
  auto work = [changes = std::move(changes), texts = std::move(texts)](
                  sqlite::Database& database) mutable -> Result<std::vector<MessageText>> {
    std::vector<MessageKey> keys;
    keys.reserve(changes.size());
    for (const auto& change : changes) keys.push_back(change.after.key);
    if (auto done = fill_texts(database, keys, texts); !done) return fail(done.error());
    if (changes.size() == 1) {
      if (auto done = write_state(database, changes[0].after); !done) return fail(done.error());
      return std::move(texts);
    }
    sqlite::Savepoint together(database);
    for (const auto& change : changes) {
      if (auto done = write_state(database, change.after); !done) return fail(done.error());
    }
    together.keep();
    return std::move(texts);
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<std::vector<MessageText>>> QueueJournal::read(std::vector<MessageKey> keys,
                                                          std::vector<MessageText> texts) {
  auto work = [keys = std::move(keys), texts = std::move(texts)](
                  sqlite::Database& database) mutable -> Result<std::vector<MessageText>> {
    if (auto done = fill_texts(database, keys, texts); !done) return fail(done.error());
    return std::move(texts);
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::update(MessageState message, MessageText text) {
  auto work = [message, text = std::move(text)](sqlite::Database& database) -> Result<> {
    if (!text) return write_state(database, message);
    auto& update = database.cached(
        "UPDATE message SET visible = ?2, receipt = ?3, dequeues = ?4, text = ?5 WHERE key = ?1");
    update.bind(1, number(message.key)).bind(2, ticks(message.next_visible));
    update.bind(3, number(message.receipt)).bind(4, std::int64_t{message.dequeue_count});
    return update.bind(5, as_bytes(*text)).run();
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::remove(MessageKey key) {
  auto work = [key](sqlite::Database& database) { return remove_row(database, key); };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<>> QueueJournal::remove_all(std::vector<MessageKey> keys) {
  auto work = [keys = std::move(keys)](sqlite::Database& database) -> Result<> {
    sqlite::Savepoint together(database);
    for (const MessageKey key : keys) {
      if (auto done = remove_row(database, key); !done) return fail(done.error());
    }
    together.keep();
    return {};
  };
  co_return co_await writer_.run(std::move(work));
}

Task<Result<bool>> QueueJournal::purge(std::uint32_t id, std::uint64_t up_to, bool queue_too,
                                       std::size_t max) {
  auto work = [id, up_to, queue_too, max](sqlite::Database& database) -> Result<bool> {
    auto& rows = database.cached(
        "DELETE FROM message WHERE key IN "
        "(SELECT key FROM message WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3)");
    rows.bind(1, key_number(id, 0)).bind(2, key_number(id, up_to));
    if (auto done = rows.bind(3, number(max)).run(); !done) return fail(done.error());
    if (database.changes() == number(max)) return false;
    if (!queue_too) return true;
    auto& queue = database.cached("DELETE FROM queue WHERE id = ?1 AND deleted = 1");
    // A failure here leaves only the dead row, which the next start finds.
    (void)queue.bind(1, std::int64_t{id}).run().has_value();
    return true;
  };
  co_return co_await writer_.run(std::move(work));
}

std::string metadata_to_text(const wire::Metadata& metadata) {
  std::string text;
  for (const auto& [name, value] : metadata) {
    text.append(name).append(1, '\n').append(value).append(1, '\n');
  }
  return text;
}

wire::Metadata metadata_from_text(std::string_view text) {
  wire::Metadata metadata;
  const auto parts = split(text, '\n');
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    metadata.emplace_back(parts[i], parts[i + 1]);
  }
  return metadata;
}

}  // namespace latchkey::cloud
