#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "azure/queue_client.hpp"
#include "azure/server_clock.hpp"
#include "base/tracer.hpp"
#include "codes/audit.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"
#include "codes/rules.hpp"

namespace latchkey::codes {

class CodeMetrics;

/// How a message is hidden until its code expires: one Update Message (default), the walkthrough's
/// send-then-delete, or update until the role turns out to lack it (403
/// AuthorizationPermissionMismatch).
enum class Requeue { update, resend, automatic };

struct WatcherOptions {
  LifetimeRules rules;
  Requeue requeue = Requeue::automatic;
  bool accept_unissued = false;  ///< strict seed mode: insert codes that only the queue knows
  std::chrono::seconds work_visibility{5};  ///< hidden while we work on it
  /// Told to end it works so long on the messages that it has; less than work_visibility, for then
  /// others take them.
  std::chrono::milliseconds finish_within{4'000};
  /// The longest pause after an empty get; it doubles up to poll_max, and the pause is a random
  /// part of it, from a half to the whole, so that copies do not ask together.
  std::chrono::milliseconds poll_min{50};
  std::chrono::milliseconds poll_max{2'000};
  int lanes = 4;       ///< Get Messages calls at once, while there is so much; each takes up to 32
  bool sweeps = true;  ///< also removes rows whose message is lost: one watcher of a process does
  /// Somebody else takes the messages and deletes those that `visit` is done with: an Azure
  /// Functions host with a queue trigger. Then a message is hidden by sending it again.
  bool host_deletes = false;
};

struct WatcherCounts {
  std::uint64_t activated = 0;  ///< codes made valid
  std::uint64_t hidden = 0;     ///< messages hidden until their code is over
  std::uint64_t forgotten = 0;  ///< messages deleted after their code was over
  std::uint64_t poisoned = 0;   ///< messages moved to <queue>-poison
  std::uint64_t unissued = 0;   ///< messages deleted because nobody issued their code
  std::uint64_t gone = 0;       ///< messages that somebody else had already taken care of
  std::uint64_t failed = 0;     ///< visits given up; the message comes back by itself
  std::uint64_t swept = 0;      ///< rows removed without their message
  std::uint64_t polls = 0;      ///< Get Messages calls
};

using wire::QueueMessage;

/// The queue-watching process: makes codes valid and, once they are over, forgets them. One watches
/// one queue; of several queues each has its own.
///
/// An idle watcher has one lane that asks for messages, less and less often. A full batch says that
/// there is more: it brings up another lane, which asks until there is nothing and goes away again.
///
/// Every visit of a message may end anywhere (a crash, a failing neighbour, cancellation): each
/// step may be repeated, and whatever is not finished comes back when `work_visibility` is over.
/// That is late for the user who waits with his code, so a watcher that is told to end (every copy
/// is, when a new version is rolled out) first finishes what it has taken.
///
/// A message whose code has no row is deleted at once and counted as unissued, unless
/// accept_unissued is set: the issuer makes the row durable before it puts the message (issuer.hpp
/// says why), so nobody issued that code. A row removed after its code was over is no such case:
/// the message's own time has then passed as well, and the visit is a forgetting one.
///
/// While the table fails no messages are taken (one lookup per back-off asks whether it is back),
/// so that an outage of the table does not use up the messages' deliveries and make good ones
/// poison. While our clock is wrong none are taken either: whoever judges expiry by a wrong clock
/// makes codes invalid too early or forgets used ones too soon.
class Watcher {
 public:
  struct Dependencies {
    azure::QueueClient& queue;
    CodeTable& table;
    const CodeHasher& hasher;
    const azure::ServerClock& server_clock;
    Audit& audit;
    Clock& clock;
    Random& random;
    Executor executor;
    Tracer* tracer = nullptr;        ///< visits belong to no trace
    CodeMetrics* metrics = nullptr;  ///< nobody counts
  };
  Watcher(Dependencies dependencies, WatcherOptions options);
  ~Watcher();
  /// Watches until cancelled, then ends within `finish_within`; a failing queue or table is retried
  /// with back-off and logged once per change of state.
  Task<> run();
  /// One Get Messages and all that follows from it; how many messages came. Error: as Get Messages.
  Task<Result<std::size_t>> run_once();
  /// With `host_deletes`, instead of `run`: one message that a host has taken, and whether the host
  /// may delete it. False: a neighbour fails or our clock is wrong; it has to come again. How often
  /// it came is not looked at: hosts count failures by themselves.
  Task<bool> visit(QueueMessage message);
  /// The rest of `run`: removes rows whose message is lost, until cancelled.
  Task<> sweep();
  const WatcherCounts& counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::codes
