#include "cloud/queues/text_cache.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

MessageText text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

TEST(TextCache, GivesBackTheNewestTextOfAMessage) {
  TextCache cache(10'000);
  EXPECT_EQ(cache.find(1), nullptr);
  cache.put(1, text("one"));
  cache.put(1, text("two"));
  ASSERT_NE(cache.find(1), nullptr);
  EXPECT_EQ(*cache.find(1), "two");
  cache.erase(1);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(TextCache, StaysWithinItsBytesAndDropsTheOldest) {
  TextCache cache(5000);
  for (MessageKey key = 1; key <= 100; ++key) cache.put(key, text(std::string(1000, 'x')));
  EXPECT_LE(cache.bytes(), 5000U);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(100), nullptr);
}

TEST(TextCache, KeepsNothingThatIsLargerThanItself) {
  TextCache cache(100);
  cache.put(1, text(std::string(1000, 'x')));
  EXPECT_EQ(cache.find(1), nullptr);
}

}  // namespace
}  // namespace latchkey::cloud
