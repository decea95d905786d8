#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "azure/queue_client.hpp"
#include "base/hash.hpp"

/// Several queues that serve as one: one queue takes 2,000 messages a second, one account 20,000.
/// Source: "Scalability and performance targets for Queue Storage". Why so: decision 0014.
namespace latchkey::azure {

inline constexpr std::size_t kQueuesMax = 512;

/// The URLs that STORAGE_QUEUE_URL lists, in order: separated by commas; "{00..15}" in host or path
/// stands for each number from the one to the other, as wide as the first is written. A query (a
/// SAS) is taken as it is. Error: invalid_argument; its message quotes no query.
Result<std::vector<std::string>> expand_queue_urls(std::string_view text);

/// Which of `queues` (a hash of each one's address) `key` belongs to, those left out that `without`
/// marks: rendezvous hashing. Another queue takes an equal part from each of the others and changes
/// nothing between them; a queue that is left out leaves its part to all the others. nullopt when
/// none is left.
std::optional<std::size_t> rendezvous(std::span<const std::uint64_t> queues, std::uint64_t key,
                                      const std::vector<bool>& without);

/// Puts messages into the queue that their key belongs to, and into the next one in the key's order
/// while that one fails, whatever the reason: what is put into any of them is watched.
///
/// A put whose answer was lost may leave a message in the one queue and another in the next. Two
/// messages of one code do no harm: the retries of a single queue give them as well.
///
/// A queue that failed rests for kRest, so that not everybody waits for it: it is tried again only
/// when nothing else is left, and after that by one caller first.
class QueueShards {
 public:
  static constexpr std::chrono::seconds kRest{15};
  /// So many queues are tried for one message.
  static constexpr int kTriesMax = 3;
  /// For each of several queues: three of them take no longer than one with its own patience.
  static constexpr RetryOptions kRetry{.attempts_max = 2,
                                       .delay_max = std::chrono::milliseconds{2'000},
                                       .deadline = std::chrono::milliseconds{10'000},
                                       .attempt_timeout = std::chrono::milliseconds{5'000}};

  /// One queue keeps its own retries. `queues` must not be empty.
  QueueShards(const std::vector<QueueClient>& queues, Clock& clock);

  /// Error: of the last queue that was tried.
  Task<Result<>> put(Sha256 key, std::string text, PutOptions options = {});

  /// Whether messages can be put: asks a queue that does not rest, and the next while one fails.
  /// A sender may lack the right to read a queue's metadata: being told so by the queue shows that
  /// it is there and that our token is good. Error: of the last, with where it is.
  Task<Result<>> check();

  std::size_t size() const { return shards_.size(); }
  /// Where the queues are that rest now.
  std::vector<std::string> resting() const;

 private:
  struct Shard {
    QueueClient queue;
    std::optional<SteadyTime> failed_until{};  ///< nullopt: works, as far as is known
  };
  /// The best one for `key` that was not tried, one that rests only when there is no other; also
  /// marks it as tried.
  std::optional<std::size_t> choose(std::uint64_t key, std::vector<bool>& tried) const;
  bool rests(const Shard& shard) const;
  void works(Shard& shard);
  void fails(Shard& shard, const Error& error);

  Clock& clock_;
  std::vector<std::uint64_t> addresses_;
  std::vector<Shard> shards_;
  std::uint64_t checks_ = 0;
};

}  // namespace latchkey::azure
