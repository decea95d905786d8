#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/sqlite.hpp"
#include "base/task.hpp"
#include "cloud/queues/message_names.hpp"
#include "cloud/queues/queue_engine.hpp"
#include "cloud/queues/queue_journal.hpp"
#include "cloud/queues/queue_store_metrics.hpp"
#include "cloud/queues/text_cache.hpp"
#include "wire/queue_xml.hpp"

/// Queues and messages, durable: the visibility order in memory (QueueEngine) and the journal on
/// disk kept in step. Nothing is answered before it is durable.
///
/// Order of the two: what makes something appear (create, put, new metadata) or takes everything
/// (clear, delete queue) changes memory after its commit; what concerns one message that somebody
/// holds (get, update, delete) changes memory at once, so that nobody else gets it meanwhile, and
/// is undone when the commit fails. The journal works in the order in which it is called, so a
/// later piece of work always finds the rows of an earlier one.
///
/// Error codes are Azure's: QueueNotFound, QueueAlreadyExists, MessageNotFound, PopReceiptMismatch,
/// InvalidQueryParameterValue; ServerBusy (the writer has too much waiting), StorageFull (no room
/// on the disk), InternalError (the disk failed). After the last three nothing was done. One
/// thread. To be destroyed when no call of it is waiting.
namespace latchkey::cloud {

using QueueNumber = std::uint32_t;

class QueueStore {
 public:
  struct Options {
    std::size_t text_cache_bytes = std::size_t{4} * 1024 * 1024;
    /// Rows per piece of background work: what a request may have to wait behind.
    std::size_t slice = 500;
    /// Changes that wait for the disk; more are refused as ServerBusy. With texts of 64 KiB this is
    /// half a gigabyte, with small ones half a second.
    std::size_t waiting_max = 8192;
    /// Where to count; nullptr: nowhere. Must outlive the store's calls.
    Metrics* metrics = nullptr;
  };

  /// Reads everything that is there. Errors: storage. `clock` and `random` must outlive the store.
  static Result<std::unique_ptr<QueueStore>> open(sqlite::Database database, Clock& clock,
                                                  Random& random, Options options);
  static Result<std::unique_ptr<QueueStore>> open(sqlite::Database database, Clock& clock,
                                                  Random& random);

  /// Error: QueueNotFound.
  Result<QueueNumber> find_queue(std::string_view account, std::string_view name) const;

  enum class Creation { made, was_there };
  /// was_there: with the same metadata (names compared without case); else QueueAlreadyExists.
  Task<Result<Creation>> create_queue(std::string account, std::string name,
                                      wire::Metadata metadata);
  Task<Result<>> delete_queue(QueueNumber queue);
  Task<Result<>> set_metadata(QueueNumber queue, wire::Metadata metadata);
  const wire::Metadata& metadata(QueueNumber queue) const;
  std::size_t approximate_count(QueueNumber queue);

  struct ListOptions {
    std::string_view prefix{};
    std::string_view from{};  ///< the first name that may come; empty: all
    std::size_t max = 5000;
    bool with_metadata = false;
  };
  struct Page {
    std::vector<wire::QueueListing::Queue> queues;
    std::string next;  ///< name of the first queue of the next page; empty at the end
  };
  Page list(std::string_view account, ListOptions options) const;

  struct PutOptions {
    std::chrono::seconds visibility{0};
    std::optional<std::chrono::seconds> life;  ///< nullopt: never expires
  };
  Task<Result<wire::QueueMessage>> put(QueueNumber queue, std::string text, PutOptions options);
  Task<Result<std::vector<wire::QueueMessage>>> get(QueueNumber queue, std::size_t count,
                                                    std::chrono::seconds visibility);
  Task<Result<std::vector<wire::QueueMessage>>> peek(QueueNumber queue, std::size_t count);
  Task<Result<>> clear(QueueNumber queue);

  std::optional<MessageNames::Receipt> parse_receipt(std::string_view text) const {
    return names_.parse_receipt(text);
  }
  struct Updated {
    std::string pop_receipt;
    UtcTime time_next_visible;
  };
  /// `text` nullopt leaves it. InvalidQueryParameterValue: hidden beyond the message's expiry.
  Task<Result<Updated>> update(QueueNumber queue, std::string id, MessageNames::Receipt receipt,
                               std::chrono::seconds visibility, std::optional<std::string> text);
  Task<Result<>> remove(QueueNumber queue, std::string id, MessageNames::Receipt receipt);

  /// One slice of background work: rows of expired, cleared and deleted messages. True when there
  /// is more to do.
  Task<bool> collect();

  const QueueEngine& engine() const { return engine_; }
  /// For what else is kept beside the queues, in step with them.
  sqlite::Writer& writer() { return journal_->writer(); }

 private:
  struct Queue {
    QueueNumber number;
    std::string account;
    std::string name;
    wire::Metadata metadata;
    std::uint64_t last_sequence;
  };
  using Names = std::map<std::string, Queue, std::less<>>;
  struct Purge {
    QueueNumber queue;
    std::uint64_t up_to;
    bool queue_too;
  };

  QueueStore(Clock& clock, Random& random, Options options);
  QueueStoreMetrics::Call call(QueueStoreMetrics::Operation operation) {
    return QueueStoreMetrics::Call(metrics_, operation, clock_);
  }
  void show_gauges(Metrics& metrics);
  void adopt(const QueueJournal::Contents& contents);
  Queue& add_queue(Queue queue, std::uint64_t cleared_to);
  const Queue* find_by_name(std::string_view account, std::string_view name) const;
  void sweep(QueueNumber queue);
  Result<MessageState> held_message(QueueNumber queue, std::string_view id,
                                    const MessageNames::Receipt& receipt) const;
  wire::QueueMessage shown(const MessageState& message, const MessageText& text) const;

  Clock& clock_;
  Random& random_;
  const Options options_;
  std::unique_ptr<Metrics> unseen_;  ///< where nobody looks, when the options name no other
  QueueStoreMetrics metrics_;
  MessageNames names_{0};
  QueueEngine engine_;
  TextCache texts_;
  std::map<std::string, Names, std::less<>> accounts_;
  std::unordered_map<QueueNumber, Queue*> by_number_;
  std::vector<MessageKey> expired_;  ///< gone from memory, rows still to be removed
  std::vector<Purge> purges_;
  std::unique_ptr<QueueJournal> journal_;  // Last: its writer ends first.
};

}  // namespace latchkey::cloud
