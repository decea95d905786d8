#include "codes/redis_reply.hpp"

#include <gtest/gtest.h>

namespace latchkey::codes {
namespace {
using namespace std::string_literals;
using Type = RedisReply::Type;

TEST(RedisReply, IsReadHoweverItsBytesAreCut) {
  const std::string whole = "*4\r\n$3\r\na\0b\r\n:7\r\n$-1\r\n*1\r\n+OK\r\n-WRONGPASS no\r\n"s;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    RedisReplyReader reader;
    ASSERT_TRUE(reader.feed(std::string_view(whole).substr(0, cut)));
    auto first = reader.next();
    ASSERT_TRUE(first);
    ASSERT_TRUE(reader.feed(std::string_view(whole).substr(cut)));
    if (!*first) first = reader.next();
    ASSERT_TRUE(first && *first) << cut;
    const RedisReply& list = **first;
    ASSERT_EQ(list.items.size(), 4U);
    EXPECT_EQ(list.items[0].text, std::string("a\0b", 3));
    EXPECT_EQ(list.items[1].integer, 7);
    EXPECT_EQ(list.items[2].type, Type::nil);
    EXPECT_EQ(list.items[3].items.at(0).text, "OK");
    const auto second = reader.next();
    ASSERT_TRUE(second && *second);
    EXPECT_TRUE((*second)->is_error("WRONGPASS"));
    EXPECT_FALSE((*second)->is_error("WRONG"));
    EXPECT_FALSE(*reader.next());
  }
}

TEST(RedisReply, ThatIsNoneIsAnError) {
  RedisReplyReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 400 Bad Request\r\n"));
  const auto reply = reader.next();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::protocol);
}

TEST(RedisReply, HasALimit) {
  RedisReplyReader reader;
  ASSERT_TRUE(reader.feed("$99999999\r\n"));
  const std::string much(1024 * 1024, 'x');
  Result<> fed;
  for (int i = 0; i < 17 && fed; ++i) {
    fed = reader.feed(much);
    if (fed) ASSERT_TRUE(reader.next());
  }
  EXPECT_FALSE(fed);
}

TEST(RedisCommand, CarriesAnyBytes) {
  EXPECT_EQ(render_redis_command({"GET", std::string("\0\r\n", 3), ""}),
            "*3\r\n$3\r\nGET\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n"s);
}

}  // namespace
}  // namespace latchkey::codes
