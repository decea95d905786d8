#pragma once

#include <string>
#include <string_view>

/// The steps of the tables as Redis runs them: scripts in Lua, each of which runs as a whole or not
/// at all and beside nothing else. Why EVALSHA and not transactions or a function library, and the
/// layout of the keys: docs/decisions/0012-redis.md.
namespace latchkey::codes {

struct RedisScript {
  explicit RedisScript(std::string text);
  std::string text;
  std::string sha;  ///< by which EVALSHA names it
};

/// All keys begin with this: a hash tag, so that a cluster keeps them on one node.
inline constexpr std::string_view kRedisPrefix = "{latchkey}:";

/// What each step takes and gives stands at its script.
struct RedisScripts {
  RedisScript insert, activate, revoke_id, revoke_subject, attempt;
  RedisScript find, find_id, remove, remove_expired;
  RedisScript begin_answer, keep_answer, drop_answer;
};
const RedisScripts& redis_scripts();

/// The step that matters most has a file of its own: redis_attempt_script.cpp.
extern const char* const kRedisAttemptScript;

}  // namespace latchkey::codes
