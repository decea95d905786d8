#include "codes/queue_probe.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace latchkey::codes {
namespace {

/// The most that Peek Messages gives. The oldest come first.
constexpr int kFront = 32;
/// A watcher takes what has come back well within it.
constexpr std::chrono::seconds kTakenWithin{30};

}  // namespace

QueueProbe::QueueProbe(std::vector<azure::QueueClient> queues, Clock& clock, Metrics& metrics,
                       QueueProbeOptions options)
    : queues_(std::move(queues)),
      clock_(clock),
      options_(options),
      answered_(metrics.counter("latchkey_queue_probes_total", "Looks at the queues from outside.",
                                {{"outcome", "answered"}})),
      denied_(metrics.counter("latchkey_queue_probes_total", "", {{"outcome", "denied"}})),
      failed_(metrics.counter("latchkey_queue_probes_total", "", {{"outcome", "failed"}})) {
  using Samples = std::vector<Metrics::Sample>;
  metrics.gauge("latchkey_oldest_unactivated_seconds",
                "How long the oldest message has waited that no watcher has taken.", [this] {
                  return seen_ ? Samples{{.labels = {}, .value = seen_->oldest.count()}}
                               : Samples{};
                });
  metrics.gauge(
      "latchkey_watched_messages",
      "Messages in all queues, about; those hidden until their code is over included.", [this] {
        return seen_ ? Samples{{.labels = {}, .value = static_cast<double>(seen_->messages)}}
                     : Samples{};
      });
}

Task<> QueueProbe::run() {
  for (;;) {
    auto seen = co_await look();
    auto pause = options_.interval;
    if (seen) {
      answered_.add();
      seen_ = *seen;
      failing_ = false;
    } else {
      const bool denied = seen.error().kind == ErrorKind::denied;
      (denied ? denied_ : failed_).add();
      if (denied) pause = std::max<std::chrono::milliseconds>(pause, kAfterDenial);
      if (!failing_) {
        log::info("queue_not_seen", {{"problem", seen.error().message},
                                     {"means", "nothing is told of how long messages wait"}});
      }
      seen_.reset();
      failing_ = true;
    }
    co_await clock_.sleep_for(pause);
  }
}

Task<Result<QueueProbe::Seen>> QueueProbe::look() {
  Seen all;
  for (azure::QueueClient& queue : queues_) {
    auto properties = co_await queue.properties();
    if (!properties) co_return fail(std::move(properties.error()));
    all.messages += properties->approximate_message_count;
    auto front = co_await queue.peek(kFront);
    if (!front) co_return fail(std::move(front.error()));
    const UtcTime now = clock_.now();
    for (const wire::QueueMessage& message : *front) {
      all.oldest = std::max(all.oldest, untaken_for(message, now, options_.rules));
    }
  }
  co_return all;
}

std::chrono::duration<double> untaken_for(const wire::QueueMessage& message, UtcTime now,
                                          const LifetimeRules& rules) {
  const auto age = now - message.insertion_time;
  if (message.dequeue_count > 0 || age < UtcTime::duration::zero()) return {};
  const bool may_have_come_back = age >= rules.lifetime - rules.spread() - kTakenWithin &&
                                  age <= rules.lifetime + rules.spread() + kTakenWithin;
  return may_have_come_back ? std::chrono::duration<double>{} : age;
}

}  // namespace latchkey::codes
