#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/stream.hpp"

namespace latchkey::codes {

/// Where a Redis is, as "redis[s]://[user[:password]@]host[:port][/database][?replicas=n]" says it;
/// rediss is TLS. The form is that of redis-cli's -u.
struct RedisAddress {
  http::StreamPeer peer{};  ///< port 6379 unless told
  std::string user{};
  Secret password{};
  int database = 0;
  /// A change counts as done when so many replicas have it too.
  int replicas = 0;
};

/// Error: invalid_argument; says what is wrong, never what the password is.
Result<RedisAddress> parse_redis_url(std::string_view url);

}  // namespace latchkey::codes
