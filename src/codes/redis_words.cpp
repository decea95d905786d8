#include "codes/redis_words.hpp"

#include <fmt/format.h>

namespace latchkey::codes {

Error redis_error(const RedisReply& reply, std::string_view shown) {
  const char* code = "TableRefused";
  const char* remedy = "";
  if (reply.is_error("WRONGPASS") || reply.is_error("NOAUTH") ||
      reply.text.starts_with("ERR AUTH")) {
    code = kRedisDenied;
    remedy = "; check the user in CODE_TABLE_URL and its password";
  } else if (reply.is_error("NOPERM")) {
    code = kRedisDenied;
    remedy = "; docs/redis.md has the permissions that the user needs";
  } else if (reply.is_error("MOVED") || reply.is_error("CROSSSLOT")) {
    remedy = "; of a cluster, name the address that stands for all of it (Enterprise policy)";
  } else if (reply.is_error("OOM")) {
    remedy = "; it has no memory left (maxmemory)";
  }
  return fail(ErrorKind::unavailable, code,
              fmt::format("code table: {}: {}{}", shown, reply.text, remedy))
      .value();
}

std::string_view redis_info_value(std::string_view info, std::string_view name) {
  const auto line = info.find("\n" + std::string(name) + ":");
  if (line == std::string_view::npos) return {};
  const auto begin = line + name.size() + 2;
  return info.substr(begin, info.find_first_of("\r\n", begin) - begin);
}

std::vector<std::string> redis_durability_warnings(std::string_view info, int replicas) {
  if (info.empty()) {
    return {"INFO is not allowed, so nobody has looked what this server keeps over a restart"};
  }
  std::vector<std::string> warnings;
  if (redis_info_value(info, "aof_enabled") == "0" && replicas == 0) {
    warnings.emplace_back(
        "appendonly is off and no replica is waited for: a restart forgets which codes were used, "
        "and such a code can be used again while it lives");
  }
  const auto policy = redis_info_value(info, "maxmemory_policy");
  if (!policy.empty() && policy != "noeviction") {
    warnings.push_back(
        fmt::format("maxmemory-policy is {}: with little memory, codes and counts "
                    "of failures are thrown away; set noeviction",
                    policy));
  }
  return warnings;
}

}  // namespace latchkey::codes
