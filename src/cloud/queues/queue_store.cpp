#include "cloud/queues/queue_store.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

tl::unexpected<Error> queue_not_found() {
  return fail(ErrorKind::not_found, "QueueNotFound", "the specified queue does not exist");
}

bool same_metadata(const wire::Metadata& a, const wire::Metadata& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&b](const auto& entry) {
           return std::any_of(b.begin(), b.end(), [&entry](const auto& other) {
             return iequals(entry.first, other.first) && entry.second == other.second;
           });
         });
}

}  // namespace

QueueStore::QueueStore(Clock& clock, Random& random, Options options)
    : clock_(clock),
      random_(random),
      options_(options),
      unseen_(options.metrics == nullptr ? std::make_unique<Metrics>() : nullptr),
      metrics_(unseen_ ? *unseen_ : *options.metrics),
      texts_(options.text_cache_bytes) {}

Result<std::unique_ptr<QueueStore>> QueueStore::open(sqlite::Database database, Clock& clock,
                                                     Random& random) {
  return open(std::move(database), clock, random, Options{});
}

Result<std::unique_ptr<QueueStore>> QueueStore::open(sqlite::Database database, Clock& clock,
                                                     Random& random, Options options) {
  auto store = std::unique_ptr<QueueStore>(new QueueStore(clock, random, options));
  sqlite::WriterOptions writer{
      .waiting_max = options.waiting_max,
      .committed = [&metrics = store->metrics_](const auto& commit) { metrics.committed(commit); }};
  auto journal = QueueJournal::open(
      std::move(database), random, std::move(writer),
      [&store](const auto& contents) { store->adopt(contents); },
      [&store](const MessageState& message) { store->engine_.add(message); });
  if (!journal) return fail(journal.error());
  store->journal_ = std::move(*journal);
  if (options.metrics != nullptr) store->show_gauges(*options.metrics);
  return store;
}

void QueueStore::show_gauges(Metrics& metrics) {
  using Samples = std::vector<Metrics::Sample>;
  metrics.gauge("latchkey_queue_messages", "Messages in a queue, hidden ones included.", [this] {
    Samples depths;
    for (const auto& [number, queue] : by_number_) {
      depths.push_back({.labels = {{"account", queue->account}, {"queue", queue->name}},
                        .value = static_cast<double>(engine_.approximate_count(number))});
    }
    return depths;
  });
  metrics.gauge("latchkey_queue_journal_waiting", "Changes that wait for the disk.", [this] {
    return Samples{{.labels = {}, .value = static_cast<double>(journal_->writer().waiting())}};
  });
  metrics.gauge("latchkey_queue_index_bytes", "Memory of the index of all messages.", [this] {
    return Samples{{.labels = {}, .value = static_cast<double>(engine_.bytes())}};
  });
}

void QueueStore::adopt(const QueueJournal::Contents& contents) {
  names_ = MessageNames(contents.seed);
  for (const StoredQueue& stored : contents.queues) {
    if (stored.deleted) {
      purges_.push_back({.queue = stored.id, .up_to = kSequenceMax, .queue_too = true});
      continue;
    }
    add_queue({.number = stored.id,
               .account = stored.account,
               .name = stored.name,
               .metadata = stored.metadata,
               .last_sequence = std::max(stored.last_sequence, stored.cleared_to)},
              stored.cleared_to);
    if (stored.cleared_to > 0) {
      purges_.push_back({.queue = stored.id, .up_to = stored.cleared_to, .queue_too = false});
    }
  }
}

QueueStore::Queue& QueueStore::add_queue(Queue queue, std::uint64_t cleared_to) {
  const QueueNumber number = queue.number;
  Names& names = accounts_[queue.account];
  std::string name = queue.name;
  const auto [place, is_new] = names.emplace(std::move(name), std::move(queue));
  LK_ASSERT(is_new);
  by_number_.emplace(number, &place->second);
  engine_.add_queue(number, cleared_to);
  return place->second;
}

const QueueStore::Queue* QueueStore::find_by_name(std::string_view account,
                                                  std::string_view name) const {
  const auto names = accounts_.find(account);
  if (names == accounts_.end()) return nullptr;
  const auto found = names->second.find(name);
  return found == names->second.end() ? nullptr : &found->second;
}

Result<QueueNumber> QueueStore::find_queue(std::string_view account, std::string_view name) const {
  const Queue* queue = find_by_name(account, name);
  if (queue == nullptr) return queue_not_found();
  return queue->number;
}

Task<Result<QueueStore::Creation>> QueueStore::create_queue(std::string account, std::string name,
                                                            wire::Metadata metadata) {
  auto measured = call(QueueStoreMetrics::Operation::create_queue);
  const Queue* there = find_by_name(account, name);
  if (there == nullptr) {
    std::string text = metadata_to_text(metadata);
    const auto id = co_await journal_->create_queue(account, name, std::move(text));
    if (!id) co_return fail(measured.failed(id.error()));
    if (*id != 0) {
      add_queue({.number = *id,
                 .account = std::move(account),
                 .name = std::move(name),
                 .metadata = std::move(metadata),
                 .last_sequence = 0},
                0);
      measured.succeeded();
      co_return Creation::made;
    }
    // Somebody else made it while we waited.
    there = find_by_name(account, name);
  }
  if (there != nullptr && same_metadata(there->metadata, metadata)) {
    measured.succeeded();
    co_return Creation::was_there;
  }
  co_return fail(ErrorKind::conflict, "QueueAlreadyExists",
                 "the specified queue already exists with other metadata");
}

Task<Result<>> QueueStore::delete_queue(QueueNumber number) {
  auto measured = call(QueueStoreMetrics::Operation::delete_queue);
  const auto done = co_await journal_->delete_queue(number);
  if (!done) co_return fail(measured.failed(done.error()));
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) co_return queue_not_found();  // A second delete came first.
  const Queue* queue = found->second;
  engine_.drop_queue(number);
  by_number_.erase(found);
  purges_.push_back({.queue = number, .up_to = kSequenceMax, .queue_too = true});
  const auto names = accounts_.find(queue->account);
  names->second.erase(names->second.find(queue->name));
  measured.succeeded();
  co_return Result<>{};
}

Task<Result<>> QueueStore::set_metadata(QueueNumber number, wire::Metadata metadata) {
  auto measured = call(QueueStoreMetrics::Operation::set_metadata);
  std::string text = metadata_to_text(metadata);
  const auto done = co_await journal_->set_metadata(number, std::move(text));
  if (!done) co_return fail(measured.failed(done.error()));
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) co_return queue_not_found();
  found->second->metadata = std::move(metadata);
  measured.succeeded();
  co_return Result<>{};
}

const wire::Metadata& QueueStore::metadata(QueueNumber queue) const {
  return by_number_.at(queue)->metadata;
}

std::size_t QueueStore::approximate_count(QueueNumber queue) {
  sweep(queue);
  return engine_.approximate_count(queue);
}

QueueStore::Page QueueStore::list(std::string_view account, ListOptions options) const {
  Page page;
  const auto names = accounts_.find(account);
  if (names == accounts_.end()) return page;
  const std::string_view first = std::max(options.prefix, options.from);
  for (auto it = names->second.lower_bound(first); it != names->second.end(); ++it) {
    if (!it->first.starts_with(options.prefix)) break;
    if (page.queues.size() == options.max) {
      page.next = it->first;
      break;
    }
    page.queues.push_back({.name = it->first, .metadata = {}});
    if (options.with_metadata) page.queues.back().metadata = it->second.metadata;
  }
  return page;
}

}  // namespace latchkey::cloud
