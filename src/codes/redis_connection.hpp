#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "codes/redis_address.hpp"
#include "codes/redis_reply.hpp"
#include "codes/redis_scripts.hpp"

namespace latchkey::codes {

/// What AUTH says; nothing is said when both are empty.
struct RedisLogin {
  std::string user{};
  Secret password{};
  /// When the password, a token, is no longer good. Before that AUTH is said with a new one.
  std::optional<UtcTime> ends{};
};
/// Gives the login; `refused` when Redis did not take the last one.
using RedisLoginSource = std::function<Task<Result<RedisLogin>>(bool refused)>;

struct RedisWorld {
  Executor executor;
  http::TlsClientContext trust;
  Clock& clock;
  Random& random;
};

/// One connection to a Redis, made when it is needed and made anew when it broke. All that waits is
/// written in one go, and answers come in its order; so one connection serves thousands of callers.
///
/// Errors: unavailable. Where the connection breaks while an answer is awaited nobody knows whether
/// the step was done: callers ask again, and every step may be repeated. After a failed connect
/// everything fails at once, with the same error, until it is time to try again.
class RedisConnection {
 public:
  /// From being written to the last answer of what was written with it.
  static constexpr std::chrono::milliseconds kAnswerMax{5'000};
  static constexpr std::chrono::milliseconds kConnectMax{5'000};
  static constexpr std::chrono::milliseconds kRetryMin{50};
  static constexpr std::chrono::milliseconds kRetryMax{2'000};
  /// Commands in one write.
  static constexpr std::size_t kBatchMax = 512;
  /// Commands that wait to be written.
  static constexpr std::size_t kWaitingMax = 20'000;
  /// So long before a login ends a new one is asked for, and so often until there is one.
  static constexpr std::chrono::minutes kRenewBefore{5};
  static constexpr std::chrono::seconds kRenewAgain{10};
  /// How long replicas may take (RedisAddress::replicas).
  static constexpr std::chrono::milliseconds kReplicasMax{1'000};

  RedisConnection(RedisAddress address, RedisLoginSource login, RedisWorld world);
  /// What still waits gets an error.
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  /// Never an error reply: that is an Error here.
  Task<Result<RedisReply>> run(const RedisScript& script, std::vector<std::string> arguments);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace latchkey::codes
