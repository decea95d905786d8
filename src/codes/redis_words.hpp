#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codes/redis_reply.hpp"

/// What Redis says in words, and what an operator makes of it.
namespace latchkey::codes {

inline constexpr const char* kRedisDenied = "TableDenied";

/// An error reply of the server `shown`, with the remedy: kind unavailable; code kRedisDenied when
/// it is about who we are or what we may.
Error redis_error(const RedisReply& reply, std::string_view shown);

/// The value behind "name:" in INFO's answer; empty when it is not there.
std::string_view redis_info_value(std::string_view info, std::string_view name);

/// What may be lost on a server that answers INFO so, a line each. `replicas` as in RedisAddress;
/// an empty answer is a refused one.
std::vector<std::string> redis_durability_warnings(std::string_view info, int replicas);

}  // namespace latchkey::codes
