#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "azure/queue_client.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {

/// How a message is hidden until its code expires: one Update Message (default), the walkthrough's
/// send-then-delete, or update until the role turns out to lack it (403
/// AuthorizationPermissionMismatch).
enum class Requeue { update, resend, automatic };

struct WatcherOptions {
  LifetimeRules rules;
  Requeue requeue = Requeue::automatic;
  bool accept_unissued = false;  ///< strict seed mode: insert codes that only the queue knows
  std::chrono::seconds work_visibility{5};  ///< hidden while we work on it
  std::chrono::milliseconds poll_min{50};   ///< after an empty get; doubles up to poll_max
  std::chrono::milliseconds poll_max{500};
  int lanes = 4;  ///< Get Messages calls at once; each takes up to 32
};

struct WatcherCounts {
  std::uint64_t activated = 0, hidden = 0, forgotten = 0, poisoned = 0, gone = 0, failed = 0,
                polls = 0;
};

/// The queue-watching process: makes codes valid and, once they are over, forgets them.
class Watcher {
 public:
  struct Dependencies {
    azure::QueueClient& queue;
    CodeTable& table;
    const CodeHasher& hasher;
    Clock& clock;
    Random& random;
    Executor executor;
  };
  Watcher(Dependencies dependencies, WatcherOptions options);
  ~Watcher();
  /// Watches until cancelled; a failing queue or table is retried with back-off and logged once per
  /// change of state.
  Task<> run();
  /// One Get Messages and all that follows from it; how many messages came. For tests.
  Task<Result<std::size_t>> run_once();
  const WatcherCounts& counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::codes
