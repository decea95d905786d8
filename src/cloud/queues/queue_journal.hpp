#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/sqlite_writer.hpp"
#include "base/task.hpp"
#include "cloud/queues/queue_engine.hpp"
#include "cloud/queues/text_cache.hpp"
#include "wire/queue_xml.hpp"

/// What is on disk: queues, messages, and how far each queue has been cleared. Every operation is
/// one piece of work of the group-committing writer and durable when it returns; pieces are done in
/// the order in which they were handed in. Reads of texts go the same way, so that they see all
/// earlier writes.
///
/// Tables (user_version 1):
///   queue   (id, account, name, metadata, cleared_to, deleted)  ids are never used twice
///   message (key, inserted, expires, visible, receipt, dequeues, text)
///           key = queue id << 40 | sequence; times in microseconds since 1970, expires NULL: never
///   setting (name, value)
/// Rows of messages at or below cleared_to, or of a deleted queue, are dead: they are never loaded
/// again and removed in slices, so that no crash in between brings a message back.
namespace latchkey::cloud {

struct StoredQueue {
  std::uint32_t id = 0;
  std::string account;
  std::string name;
  wire::Metadata metadata;
  std::uint64_t cleared_to = 0;
  std::uint64_t last_sequence = 0;  ///< the greatest that is there, dead rows included
  bool deleted = false;             ///< its rows are still to be removed
};

class QueueJournal {
 public:
  /// What was there when the journal was opened.
  struct Contents {
    std::uint64_t seed = 0;  ///< for MessageNames
    std::vector<StoredQueue> queues;
  };
  using Load = std::function<void(const MessageState& message)>;

  /// The file of the journal, of which nobody else has hold; empty: in memory. Errors: storage;
  /// StorageDamaged names the commands that help.
  static Result<sqlite::Database> open_file(const std::filesystem::path& file);

  /// Makes the tables where they are missing, reads everything, then starts the writer.
  /// `loaded_queues` comes first, then every live message in the order of keys.
  /// Errors: storage (unreadable, or made by a newer version).
  static Result<std::unique_ptr<QueueJournal>> open(
      sqlite::Database database, Random& random, sqlite::WriterOptions options,
      const std::function<void(const Contents& contents)>& loaded_queues, const Load& loaded);

  /// The new queue's id, or 0 when there is one of that name.
  Task<Result<std::uint32_t>> create_queue(std::string account, std::string name,
                                           std::string metadata);
  Task<Result<>> delete_queue(std::uint32_t id);
  Task<Result<>> set_metadata(std::uint32_t id, std::string metadata);
  Task<Result<>> clear(std::uint32_t id, std::uint64_t cleared_to);

  Task<Result<>> put(MessageState message, MessageText text);
  /// Writes the new states and reads the texts of those whose `texts` are null.
  Task<Result<std::vector<MessageText>>> take(std::vector<MessageChange> changes,
                                              std::vector<MessageText> texts);
  Task<Result<std::vector<MessageText>>> read(std::vector<MessageKey> keys,
                                              std::vector<MessageText> texts);
  /// `text` null: unchanged.
  Task<Result<>> update(MessageState message, MessageText text);
  Task<Result<>> remove(MessageKey key);

  /// Removes rows of expired messages.
  Task<Result<>> remove_all(std::vector<MessageKey> keys);
  /// Removes at most `max` dead rows of a queue, up to that sequence. True when none are left; then
  /// a deleted queue's own row goes as well.
  Task<Result<bool>> purge(std::uint32_t id, std::uint64_t up_to, bool queue_too, std::size_t max);

  sqlite::Writer::Counts counts() const { return writer_.counts(); }
  sqlite::Writer& writer() { return writer_; }

 private:
  QueueJournal(sqlite::Database database, sqlite::WriterOptions options)
      : writer_(std::move(database), std::move(options)) {}
  sqlite::Writer writer_;
};

/// Makes the tables where they are missing. Error: storage (written by a newer version, damaged).
Result<> prepare_queue_tables(sqlite::Database& database);

/// Metadata as one text column: name, newline, value, newline, and so on.
std::string metadata_to_text(const wire::Metadata& metadata);
wire::Metadata metadata_from_text(std::string_view text);

}  // namespace latchkey::cloud
