#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct redisReader;

/// Redis' protocol as values (RESP 2, https://redis.io/docs/reference/protocol-spec/), written and
/// read by hiredis. No sockets here.
namespace latchkey::codes {

struct RedisReply {
  enum class Type { nil, integer, text, array, error } type = Type::nil;
  std::int64_t integer = 0;
  std::string text{};  ///< of an error: "WRONGPASS invalid username-password pair"
  std::vector<RedisReply> items{};

  /// True for an error whose first word is `code`.
  bool is_error(std::string_view code) const;
};

/// The bytes of one command.
std::string render_redis_command(const std::vector<std::string>& words);

/// Bytes to replies, however the bytes are cut.
class RedisReplyReader {
 public:
  /// What has been fed and is no whole reply yet; more is an error.
  static constexpr std::size_t kBytesMax = 16 * 1024 * 1024;

  RedisReplyReader();
  ~RedisReplyReader();
  Result<> feed(std::string_view bytes);
  /// Nothing until a whole reply is there. Error: protocol; from then on always.
  Result<std::optional<RedisReply>> next();

 private:
  struct Delete {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Delete> reader_;
};

}  // namespace latchkey::codes
