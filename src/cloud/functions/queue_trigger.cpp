#include "cloud/functions/queue_trigger.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "cloud/functions/polling_delay.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kPoison = "-poison";
constexpr std::size_t kQueueNameMax = 63;

/// Somebody else has the message now, or it is gone.
bool is_not_ours(const Error& error) {
  return error.code == "MessageNotFound" || error.code == "PopReceiptMismatch";
}

}  // namespace

QueueTrigger::QueueTrigger(Options options, World world, Run run, IsReady is_ready)
    : options_(std::move(options)),
      world_(world),
      run_(std::move(run)),
      is_ready_(std::move(is_ready)),
      polling_(world.executor),
      hiding_(world.executor),
      running_(world.executor) {}

void QueueTrigger::start() {
  polling_.spawn("queue_trigger", poll());
  hiding_.spawn("queue_trigger_leases", keep_hidden());
}

Task<> QueueTrigger::drain(std::chrono::milliseconds grace) {
  polling_.cancel();
  co_await polling_.join();
  TaskGroup limit(world_.executor);
  limit.spawn("queue_trigger_grace", cancel_after(grace));
  co_await running_.join();
  limit.cancel();
  hiding_.cancel();
  co_await limit.join();
  co_await hiding_.join();
}

Task<> QueueTrigger::cancel_after(std::chrono::milliseconds grace) {
  co_await world_.clock.sleep_for(grace);
  running_.cancel();
}

Task<> QueueTrigger::poll() {
  PollingDelay delay(options_.settings.polling_interval_max, world_.random);
  const auto room = static_cast<std::size_t>(options_.settings.new_batch_threshold);
  for (;;) {
    // Without a handler every message would fail, and be poison before it is back.
    while (!is_ready_() || active_.size() > room) co_await world_.clock.sleep_for(kRoomInterval);
    const std::size_t found = co_await fetch();
    if (found > 0) {
      delay.reset();
    } else {
      co_await world_.clock.sleep_for(delay.next());
    }
  }
}

Task<std::size_t> QueueTrigger::fetch() {
  auto messages = co_await world_.queues.get(options_.queue, options_.settings.batch_size, kLease);
  tell_fetch_problem(messages ? nullptr : &messages.error());
  if (!messages) co_return 0;
  const auto renew_at = world_.clock.steady_now() + kLease / 2;
  for (auto& message : *messages) {
    auto active = std::make_shared<Active>(std::move(message), renew_at);
    active_.insert(active);
    running_.spawn("queue_message", process(std::move(active)));
  }
  co_return messages->size();
}

Task<> QueueTrigger::process(std::shared_ptr<Active> active) {
  struct Landing {
    std::set<std::shared_ptr<Active>>& all;
    const std::shared_ptr<Active>& one;
    ~Landing() { all.erase(one); }
  } const landing{active_, active};
  if (active->message.dequeue_count > options_.settings.dequeue_count_max) {
    co_await make_poison(active->message);
    co_return;
  }
  const auto outcome = co_await run_(active->message);
  if (!outcome) tell_problem("function_failed", outcome.error());
  // A renewal under way changes the receipt that is needed now.
  while (active->is_renewing) co_await world_.clock.sleep_for(kRoomInterval);
  co_await finish(active->message, outcome.has_value());
}

Task<> QueueTrigger::keep_hidden() {
  for (;;) {
    // Whatever is fetched from now on is not due before that.
    auto next = world_.clock.steady_now() + kLease / 2;
    for (const auto& active : active_) next = std::min(next, active->renew_at);
    co_await world_.clock.sleep_until(next);
    const auto now = world_.clock.steady_now();
    const std::vector<std::shared_ptr<Active>> all(active_.begin(), active_.end());
    for (const auto& active : all) {
      if (active->renew_at <= now && active_.contains(active)) co_await renew(active);
    }
  }
}

Task<> QueueTrigger::renew(std::shared_ptr<Active> active) {
  active->renew_at = world_.clock.steady_now() + kLease / 2;
  active->is_renewing = true;
  auto receipt = co_await world_.queues.hide(options_.queue, active->message, kLease);
  active->is_renewing = false;
  if (receipt) {
    active->message.pop_receipt = std::move(*receipt);
  } else if (!is_not_ours(receipt.error())) {
    tell_problem("queue_lease_failed", receipt.error());
  }
}

Task<> QueueTrigger::finish(wire::QueueMessage message, bool succeeded) {
  if (succeeded) {
    auto removed = co_await world_.queues.remove(options_.queue, std::move(message));
    if (!removed && !is_not_ours(removed.error())) {
      tell_problem("queue_message_not_deleted", removed.error());
    }
    co_return;
  }
  if (!has_poison_queue()) co_return;  // Left hidden until its lease ends, as by the real host.
  if (message.dequeue_count >= options_.settings.dequeue_count_max) {
    co_await make_poison(std::move(message));
    co_return;
  }
  const auto delay =
      std::chrono::duration_cast<std::chrono::seconds>(options_.settings.retry_delay);
  auto shown = co_await world_.queues.hide(options_.queue, std::move(message), delay);
  if (!shown && !is_not_ours(shown.error())) {
    tell_problem("queue_message_not_released", shown.error());
  }
}

Task<> QueueTrigger::make_poison(wire::QueueMessage message) {
  if (!has_poison_queue()) co_return;
  const std::string poison = options_.queue + std::string(kPoison);
  auto copied = co_await world_.queues.put_and_create(poison, message.text);
  if (!copied) {
    tell_problem("queue_message_not_poisoned", copied.error());
    co_return;
  }
  log::warning("queue_message_poisoned", {{"function", options_.function},
                                          {"queue", options_.queue},
                                          {"message", message.id},
                                          {"dequeue_count", message.dequeue_count}});
  auto removed = co_await world_.queues.remove(options_.queue, std::move(message));
  if (!removed && !is_not_ours(removed.error())) {
    tell_problem("queue_message_not_deleted", removed.error());
  }
}

void QueueTrigger::tell_fetch_problem(const Error* error) {
  const std::string problem = error == nullptr ? "" : error->message;
  if (std::exchange(last_problem_, problem) == problem || error == nullptr) return;
  if (error->code == "QueueNotFound") {  // It may come; nothing is made for it.
    log::info("queue_trigger_waits", {{"function", options_.function}, {"queue", options_.queue}});
  } else {
    tell_problem("queue_trigger_failed", *error);
  }
}

void QueueTrigger::tell_problem(const char* event, const Error& error) {
  log::error(
      event,
      {{"function", options_.function}, {"queue", options_.queue}, {"problem", error.message}});
}

bool QueueTrigger::has_poison_queue() const {
  return !options_.queue.ends_with(kPoison) &&
         options_.queue.size() + kPoison.size() <= kQueueNameMax;
}

}  // namespace latchkey::cloud
