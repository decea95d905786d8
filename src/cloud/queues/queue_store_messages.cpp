#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/text.hpp"
#include "cloud/queues/queue_store.hpp"

namespace latchkey::cloud {
namespace {

// Expired messages that one request sweeps at most.
constexpr std::size_t kSweepPerRequest = 256;

tl::unexpected<Error> queue_not_found() {
  return fail(ErrorKind::not_found, "QueueNotFound", "the specified queue does not exist");
}
tl::unexpected<Error> message_not_found() {
  return fail(ErrorKind::not_found, "MessageNotFound", "the specified message does not exist");
}

}  // namespace

Task<Result<wire::QueueMessage>> QueueStore::put(QueueNumber number, std::string text,
                                                 PutOptions options) {
  auto measured = call(QueueStoreMetrics::Operation::put);
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) co_return queue_not_found();
  Queue& queue = *found->second;
  if (queue.last_sequence >= kSequenceMax) {
    co_return fail(ErrorKind::storage, "InternalError", "the queue has used up its numbers");
  }
  const UtcTime now = clock_.now();
  const MessageState message{.key = message_key(number, ++queue.last_sequence),
                             .inserted = now,
                             .expires = options.life ? now + *options.life : UtcTime::max(),
                             .next_visible = now + options.visibility,
                             .receipt = random_.next_u64(),
                             .dequeue_count = 0};
  auto shared = std::make_shared<const std::string>(std::move(text));
  const auto done = co_await journal_->put(message, shared);
  if (!done) co_return fail(measured.failed(done.error()));
  // Cleared or deleted while we waited: it was put before that, and has gone with the rest.
  if (engine_.add(message)) texts_.put(message.key, std::move(shared));
  measured.succeeded();
  co_return shown(message, nullptr);
}

Task<Result<std::vector<wire::QueueMessage>>> QueueStore::get(QueueNumber number, std::size_t count,
                                                              std::chrono::seconds visibility) {
  auto measured = call(QueueStoreMetrics::Operation::get);
  std::vector<wire::QueueMessage> messages;
  sweep(number);
  auto changes =
      engine_.get(number, count, visibility, clock_.now(), [this] { return random_.next_u64(); });
  if (changes.empty()) {
    measured.succeeded();
    co_return messages;
  }
  std::vector<MessageText> texts;
  texts.reserve(changes.size());
  for (const auto& change : changes) texts.push_back(texts_.find(change.after.key));
  const auto read = co_await journal_->take(changes, std::move(texts));
  if (!read) {
    for (const auto& change : changes) engine_.undo(change);
    co_return fail(measured.failed(read.error()));
  }
  messages.reserve(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    messages.push_back(shown(changes[i].after, (*read)[i]));
  }
  measured.succeeded();
  co_return messages;
}

Task<Result<std::vector<wire::QueueMessage>>> QueueStore::peek(QueueNumber number,
                                                               std::size_t count) {
  auto measured = call(QueueStoreMetrics::Operation::peek);
  std::vector<wire::QueueMessage> messages;
  sweep(number);
  const auto seen = engine_.peek(number, count, clock_.now());
  std::vector<MessageText> texts;
  std::vector<MessageKey> keys;
  for (const auto& message : seen) {
    keys.push_back(message.key);
    texts.push_back(texts_.find(message.key));
  }
  const bool complete = std::all_of(texts.begin(), texts.end(), [](const auto& t) { return !!t; });
  if (!complete) {
    auto read = co_await journal_->read(std::move(keys), std::move(texts));
    if (!read) co_return fail(measured.failed(read.error()));
    texts = std::move(*read);
  }
  messages.reserve(seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    messages.push_back(shown(seen[i], texts[i]));
    messages.back().pop_receipt.clear();
  }
  measured.succeeded();
  co_return messages;
}

Task<Result<>> QueueStore::clear(QueueNumber number) {
  auto measured = call(QueueStoreMetrics::Operation::clear);
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) co_return queue_not_found();
  const std::uint64_t up_to = found->second->last_sequence;
  if (up_to > 0) {
    const auto done = co_await journal_->clear(number, up_to);
    if (!done) co_return fail(measured.failed(done.error()));
    engine_.clear(number, up_to);
    purges_.push_back({.queue = number, .up_to = up_to, .queue_too = false});
  }
  measured.succeeded();
  co_return Result<>{};
}

Task<Result<QueueStore::Updated>> QueueStore::update(QueueNumber number, std::string id,
                                                     MessageNames::Receipt receipt,
                                                     std::chrono::seconds visibility,
                                                     std::optional<std::string> text) {
  auto measured = call(QueueStoreMetrics::Operation::update);
  const auto held = held_message(number, id, receipt);
  if (!held) co_return fail(held.error());
  const UtcTime next_visible = clock_.now() + visibility;
  if (next_visible > held->expires) {
    co_return fail(ErrorKind::invalid_argument, "InvalidQueryParameterValue",
                   "the message would stay hidden beyond its expiry");
  }
  const MessageChange change = engine_.update(held->key, next_visible, random_.next_u64());
  MessageText shared;
  if (text) {
    shared = std::make_shared<const std::string>(std::move(*text));
    texts_.put(held->key, shared);
  }
  const auto done = co_await journal_->update(change.after, shared);
  if (!done) {
    if (shared) texts_.erase(change.after.key);  // The journal has the old text.
    engine_.undo(change);
    co_return fail(measured.failed(done.error()));
  }
  measured.succeeded();
  co_return Updated{.pop_receipt = names_.receipt(change.after.key, change.after.receipt),
                    .time_next_visible = next_visible};
}

Task<Result<>> QueueStore::remove(QueueNumber number, std::string id,
                                  MessageNames::Receipt receipt) {
  auto measured = call(QueueStoreMetrics::Operation::remove);
  const auto held = held_message(number, id, receipt);
  if (!held) co_return fail(held.error());
  const MessageState message = engine_.remove(held->key);
  const auto done = co_await journal_->remove(message.key);
  if (!done) {
    engine_.add(message);
    co_return fail(measured.failed(done.error()));
  }
  texts_.erase(message.key);
  measured.succeeded();
  co_return Result<>{};
}

Task<bool> QueueStore::collect() {
  bool more = false;
  for (const auto& [number, queue] : by_number_) {
    if (expired_.size() >= options_.slice) break;
    if (!engine_.expire(number, clock_.now(), options_.slice, expired_)) more = true;
  }
  bool waited = false;
  if (!expired_.empty()) {
    const std::size_t count = std::min(expired_.size(), options_.slice);
    const auto first = expired_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<MessageKey> keys(first, expired_.end());
    expired_.erase(first, expired_.end());
    for (const MessageKey key : keys) texts_.erase(key);
    // Rows that stay behind are found again, and found expired, at the next start.
    const auto done = co_await journal_->remove_all(std::move(keys));
    waited = true;
    more = more || (done && !expired_.empty());
  }
  if (!purges_.empty()) {
    const Purge purge = purges_.front();
    const auto finished =
        co_await journal_->purge(purge.queue, purge.up_to, purge.queue_too, options_.slice);
    waited = true;
    // On failure the purge stays in the list for the next round.
    if (finished && *finished) purges_.erase(purges_.begin());
    more = more || (finished && !purges_.empty());
  }
  if (!engine_.reclaim(options_.slice * 2)) {
    more = true;
    if (!waited) {
      const auto executor = co_await boost::asio::this_coro::executor;
      co_await boost::asio::post(executor, use_task);
    }
  }
  co_return more;
}

void QueueStore::sweep(QueueNumber queue) {
  engine_.expire(queue, clock_.now(), kSweepPerRequest, expired_);
}

Result<MessageState> QueueStore::held_message(QueueNumber number, std::string_view id,
                                              const MessageNames::Receipt& receipt) const {
  const auto key = names_.key_of_id(id);
  if (!key || queue_of(*key) != number) return message_not_found();
  const auto message = engine_.find(*key, clock_.now());
  if (!message || !iequals(names_.id(*key, message->inserted), id)) return message_not_found();
  if (receipt.key != *key) {
    return fail(ErrorKind::invalid_argument, "PopReceiptMismatch",
                "the pop receipt belongs to another message");
  }
  // The right message, but it was updated or taken again since.
  if (receipt.nonce != message->receipt) return message_not_found();
  return *message;
}

wire::QueueMessage QueueStore::shown(const MessageState& message, const MessageText& text) const {
  return {.id = names_.id(message.key, message.inserted),
          .insertion_time = message.inserted,
          .expiration_time =
              message.expires == UtcTime::max() ? wire::never_expires() : message.expires,
          .pop_receipt = names_.receipt(message.key, message.receipt),
          .time_next_visible = message.next_visible,
          .dequeue_count = message.dequeue_count,
          .text = text ? *text : std::string{}};
}

}  // namespace latchkey::cloud
