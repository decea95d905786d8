#include "service/request_fields.hpp"

#include <gtest/gtest.h>

namespace latchkey::service {
namespace {

using http::Headers;
using std::chrono::seconds;

TEST(IdempotencyKey, IsEmptyWhenAbsent) {
  EXPECT_EQ(idempotency_key(Headers{}), "");
}

TEST(IdempotencyKey, IsTakenWithAndWithoutTheDraftsQuotes) {
  const std::string key = "8e03978e-40d5-43dd-bc93-6894a57f9324";
  EXPECT_EQ(idempotency_key(Headers{{"Idempotency-Key", key}}), key);
  EXPECT_EQ(idempotency_key(Headers{{"idempotency-key", "\"" + key + "\""}}), key);
}

TEST(IdempotencyKey, Is16To128VisibleAsciiCharactersOnce) {
  EXPECT_TRUE(idempotency_key(Headers{{"Idempotency-Key", std::string(16, 'k')}}));
  EXPECT_TRUE(idempotency_key(Headers{{"Idempotency-Key", std::string(128, '~')}}));
  for (const std::string& bad :
       {std::string(), std::string("\""), std::string(15, 'k'), std::string(129, 'k'),
        std::string("0123456789 012345"), std::string("0123456789\xC3\xA9 012345"),
        "\"" + std::string(15, 'k') + "\""}) {
    const auto key = idempotency_key(Headers{{"Idempotency-Key", bad}});
    ASSERT_FALSE(key) << bad;
    EXPECT_EQ(key.error().status, 400);
  }
  const std::string good(16, 'k');
  EXPECT_FALSE(idempotency_key(Headers{{"Idempotency-Key", good}, {"Idempotency-Key", good}}));
}

TEST(PreferredWait, IsReadAsRfc7240HasIt) {
  const std::pair<const char*, std::optional<seconds>> rows[] = {
      {"wait=2", seconds{2}},
      {"wait=0", seconds{0}},
      {"WAIT = 3", seconds{3}},
      {"respond-async, wait=4", seconds{4}},
      {"wait=2; foo=bar", seconds{2}},
      {"handling=lenient; wait=2, wait=1", seconds{1}},
      {"wait=1, wait=2", seconds{1}},
      {"wait=600", seconds{5}},
      {"wait", std::nullopt},
      {"wait=", std::nullopt},
      {"wait=-1", std::nullopt},
      {"wait=soon", std::nullopt},
      {"wait=99999999999", std::nullopt},
      {"waiting=2", std::nullopt},
      {"", std::nullopt}};
  for (const auto& [value, expected] : rows) {
    EXPECT_EQ(preferred_wait(Headers{{"Prefer", value}}, seconds{5}), expected) << value;
  }
  const Headers several{{"Prefer", "respond-async"}, {"Prefer", "wait=2"}};
  EXPECT_EQ(preferred_wait(several, seconds{5}), seconds{2});
  EXPECT_FALSE(preferred_wait(Headers{}, seconds{5}));
}

}  // namespace
}  // namespace latchkey::service
