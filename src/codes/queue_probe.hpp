#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "azure/queue_client.hpp"
#include "base/metrics.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {

struct QueueProbeOptions {
  std::chrono::milliseconds interval{std::chrono::seconds{30}};
  LifetimeRules rules{};
};

/// Looks at the queues from outside, slowly, and tells how long the oldest message has waited that
/// no watcher has taken: the one number that shows a watcher that is away, stuck or too slow. It
/// needs the right to read messages (Storage Queue Data Reader; the watcher's role has it). A
/// process without it asks again only now and then and says nothing of the queues.
///
/// A look costs two requests for each queue: Peek Messages and Get Queue Metadata.
class QueueProbe {
 public:
  static constexpr std::chrono::minutes kAfterDenial{10};

  /// Several queues are told as one: the oldest message of any, the messages of all. `metrics` must
  /// not be rendered after this has gone.
  QueueProbe(std::vector<azure::QueueClient> queues, Clock& clock, Metrics& metrics,
             QueueProbeOptions options);
  /// Looks until cancelled.
  Task<> run();

 private:
  struct Seen {
    std::chrono::duration<double> oldest{0};
    std::int64_t messages = 0;
  };
  Task<Result<Seen>> look();

  std::vector<azure::QueueClient> queues_;
  Clock& clock_;
  const QueueProbeOptions options_;
  std::optional<Seen> seen_;  ///< unless the last look failed
  bool failing_ = false;
  Counter& answered_;
  Counter& denied_;
  Counter& failed_;
};

/// How long `message` has waited without being taken, as Peek Messages shows it at `now`; zero for
/// what was taken before. A message that was sent again (WATCH_REQUEUE=resend) was never taken
/// either: it comes back when its code is over, and is passed over while it may be taken any
/// moment.
std::chrono::duration<double> untaken_for(const wire::QueueMessage& message, UtcTime now,
                                          const LifetimeRules& rules);

}  // namespace latchkey::codes
