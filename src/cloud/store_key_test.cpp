#include "cloud/store_key.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"
#include "cloud/settings.hpp"

namespace latchkey::cloud {
namespace {

Sha256 key_of(std::uint8_t first) {
  Sha256 key{};
  key[0] = first;
  return key;
}

class StoreKeyTest : public ::testing::Test {
 protected:
  latchkey::testing::SeededRandom random_{1};
  StoreKey key_{key_of(1), random_};
  StoreKey other_{key_of(2), random_};
};

TEST_F(StoreKeyTest, OpensWhatItSealedForThatPlace) {
  const auto sealed = key_.seal("secret/v/n/1", "value");
  EXPECT_EQ(sealed.find("value"), std::string::npos);
  EXPECT_EQ(key_.open("secret/v/n/1", sealed)->reveal(), "value");
  EXPECT_NE(key_.seal("secret/v/n/1", "value"), sealed);
}

TEST_F(StoreKeyTest, NeitherAnotherPlaceNorAnotherKeyOpensIt) {
  const auto sealed = key_.seal("secret/v/n/1", "value");
  EXPECT_EQ(key_.open("secret/v/n/2", sealed).error().code, "StoreKeyMismatch");
  EXPECT_EQ(other_.open("secret/v/n/1", sealed).error().code, "StoreKeyMismatch");
  EXPECT_FALSE(key_.open("secret/v/n/1", ""));
}

TEST_F(StoreKeyTest, ADatabaseBelongsToTheKeyThatSealedItFirst) {
  auto database = std::move(sqlite::Database::open({}).value());
  ASSERT_TRUE(prepare_settings(database));
  EXPECT_TRUE(key_.check(database));
  EXPECT_TRUE(key_.check(database));
  const auto refused = other_.check(database);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "StoreKeyMismatch");
  EXPECT_NE(refused.error().message.find("Put that file back"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
