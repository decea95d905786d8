#include "codes/redis_words.hpp"

#include <gtest/gtest.h>

namespace latchkey::codes {
namespace {

TEST(RedisWords, OfAnErrorComeWithItsRemedy) {
  struct Row {
    const char* said;
    const char* code;
    const char* remedy;
  };
  const Row rows[] = {
      {"WRONGPASS invalid username-password pair", "TableDenied", "its password"},
      {"NOAUTH Authentication required.", "TableDenied", "its password"},
      {"ERR AUTH <password> called without any password configured", "TableDenied", "CODE_TABLE"},
      {"NOPERM this user has no permissions", "TableDenied", "docs/redis.md"},
      {"MOVED 3999 127.0.0.1:6381", "TableRefused", "Enterprise policy"},
      {"OOM command not allowed", "TableRefused", "maxmemory"},
      {"LOADING Redis is loading the dataset in memory", "TableRefused", "LOADING"},
  };
  for (const Row& row : rows) {
    const auto error =
        redis_error({.type = RedisReply::Type::error, .text = row.said}, "Redis at host:1");
    EXPECT_EQ(error.kind, ErrorKind::unavailable) << row.said;
    EXPECT_EQ(error.code, row.code) << row.said;
    EXPECT_NE(error.message.find(row.remedy), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("Redis at host:1"), std::string::npos) << error.message;
  }
}

TEST(RedisWords, SayWhatMayBeLost) {
  const std::string good = "#\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n";
  EXPECT_TRUE(redis_durability_warnings(good, 0).empty());
  EXPECT_EQ(redis_durability_warnings("", 0).size(), 1U);
  const std::string forgetful = "#\r\naof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n";
  EXPECT_EQ(redis_durability_warnings(forgetful, 0).size(), 2U);
  EXPECT_EQ(redis_durability_warnings(forgetful, 1).size(), 1U);
}

}  // namespace
}  // namespace latchkey::codes
