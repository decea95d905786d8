#include "cloud/queues/message_names.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "base/encoding.hpp"

namespace latchkey::cloud {
namespace {

const UtcTime kNow{std::chrono::seconds{1'586'969'688}};
const MessageNames kNames{0x0123'4567'89AB'CDEFU};

TEST(MessageNames, IdIsARandomGuidInForm) {
  const std::regex guid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(std::regex_match(kNames.id(message_key(1, i), kNow), guid));
  }
}

TEST(MessageNames, IdLeadsBackToTheKey) {
  for (const MessageKey key : {message_key(1, 1), message_key(1, 2), message_key(77, 123'456'789),
                               message_key(kQueueNumberMax, kSequenceMax)}) {
    EXPECT_EQ(kNames.key_of_id(kNames.id(key, kNow)), key);
    const std::string id = kNames.id(key, kNow);
    std::string upper;
    for (const char c : id) upper.push_back(c >= 'a' ? static_cast<char>(c - 32) : c);
    EXPECT_EQ(kNames.key_of_id(upper), key);
  }
}

TEST(MessageNames, IdsDifferByKeyByTimeAndByStore) {
  std::set<std::string> ids;
  for (std::uint64_t i = 0; i < 5000; ++i) ids.insert(kNames.id(message_key(1, i), kNow));
  EXPECT_EQ(ids.size(), 5000U);
  const auto key = message_key(1, 1);
  EXPECT_NE(kNames.id(key, kNow), kNames.id(key, kNow + std::chrono::microseconds{1}));
  EXPECT_NE(kNames.id(key, kNow), MessageNames{5}.id(key, kNow));
}

TEST(MessageNames, WhatIsNoGuidNamesNothing) {
  for (const char* text :
       {"", "x", "00000000-0000-4000-8000-00000000000", "nonsense-is-36-bytes",
        "00000000x0000-4000-8000-000000000000", "g0000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-0000000000000"}) {
    EXPECT_FALSE(kNames.key_of_id(text)) << text;
  }
}

TEST(MessageNames, ReceiptCarriesKeyAndNonce) {
  const std::string text = kNames.receipt(message_key(3, 9), 0xFEDC'BA98'7654'3210U);
  const auto receipt = kNames.parse_receipt(text);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->key, message_key(3, 9));
  EXPECT_EQ(receipt->nonce, 0xFEDC'BA98'7654'3210U);
}

TEST(MessageNames, MalformedReceiptsAreRefused) {
  for (const std::string& text :
       {std::string{}, std::string{"A"}, std::string(24, '*'), to_base64(std::string(15, 'x')),
        to_base64(std::string(17, 'x')), std::string(10'000, 'A')}) {
    EXPECT_FALSE(kNames.parse_receipt(text)) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace latchkey::cloud
