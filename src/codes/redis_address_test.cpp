#include "codes/redis_address.hpp"

#include <gtest/gtest.h>

namespace latchkey::codes {
namespace {

TEST(RedisAddress, IsReadFromItsUrl) {
  struct Row {
    const char* url;
    const char* host;
    int port;
    bool tls;
    const char* user;
    const char* password;
    int database, replicas;
  };
  const Row rows[] = {
      {"redis://localhost", "localhost", 6379, false, "", "", 0, 0},
      {"redis://localhost:6400/3", "localhost", 6400, false, "", "", 3, 0},
      {"rediss://x.redis.cache.windows.net:6380/0", "x.redis.cache.windows.net", 6380, true, "", "",
       0, 0},
      {"rediss://0b5e-41@cache.example:10000", "cache.example", 10000, true, "0b5e-41", "", 0, 0},
      {"redis://latchkey:p%40%3Ass@127.0.0.1:1/0?replicas=2", "127.0.0.1", 1, false, "latchkey",
       "p@:ss", 0, 2},
      {"redis://:only@[::1]:7000", "::1", 7000, false, "", "only", 0, 0},
      {"redis://[::1]", "::1", 6379, false, "", "", 0, 0},
      {"redis://host:80", "host", 80, false, "", "", 0, 0},
  };
  for (const Row& row : rows) {
    const auto address = parse_redis_url(row.url);
    ASSERT_TRUE(address) << row.url << ": " << address.error().message;
    EXPECT_EQ(address->peer.host, row.host) << row.url;
    EXPECT_EQ(address->peer.port, row.port) << row.url;
    EXPECT_EQ(address->peer.tls, row.tls) << row.url;
    EXPECT_EQ(address->user, row.user) << row.url;
    EXPECT_EQ(address->password.reveal(), row.password) << row.url;
    EXPECT_EQ(address->database, row.database) << row.url;
    EXPECT_EQ(address->replicas, row.replicas) << row.url;
  }
}

TEST(RedisAddress, ThatIsWrongIsRefusedWithoutItsPassword) {
  for (const char* url :
       {"", "localhost", "http://localhost", "redis://", "redis://host:x", "redis://host/16",
        "redis://host/-1", "redis://host/a", "redis://host?replicas=11", "redis://host?wait=1",
        "redis://u:pass-word%zz@host", "redis://u:pass-word@host:99999"}) {
    const auto address = parse_redis_url(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().kind, ErrorKind::invalid_argument) << url;
    EXPECT_EQ(address.error().message.find("pass-word"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace latchkey::codes
