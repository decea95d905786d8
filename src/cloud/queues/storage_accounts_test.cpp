#include "cloud/queues/storage_accounts.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/settings.hpp"
#include "wire/connection_string.hpp"

namespace latchkey::cloud {
namespace {

class StorageAccountsTest : public ::testing::Test {
 protected:
  StorageAccountsTest() { EXPECT_TRUE(prepare_settings(database_)); }
  Result<std::vector<StorageAccount>> keep(const std::vector<std::string>& more) {
    return keep_storage_accounts(database_, random_, more);
  }
  sqlite::Database database_ = *sqlite::Database::open({});
  latchkey::testing::SeededRandom random_{11};
};

TEST_F(StorageAccountsTest, KeysAreMadeOnceAndStay) {
  const auto first = keep({"orders", "orders", "devstoreaccount1"});
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->at(0).name, wire::kDevelopmentAccount);
  EXPECT_TRUE(first->at(0).key1.equals(wire::kDevelopmentKey));
  EXPECT_EQ(first->at(1).name, "orders");
  EXPECT_EQ(from_base64(first->at(1).key1.reveal())->size(), 64U);
  EXPECT_FALSE(first->at(1).key1 == first->at(1).key2);
  const auto again = keep({"other", "orders"});
  ASSERT_EQ(again->size(), 3U);
  EXPECT_TRUE(again->at(2).key1 == first->at(1).key1);
  EXPECT_TRUE(again->at(0).key2 == first->at(0).key2);
  EXPECT_FALSE(again->at(1).key1 == again->at(2).key1);
}

TEST_F(StorageAccountsTest, NamesAreAzures) {
  for (const char* name :
       {"", "ab", "Orders", "a-b", "acc-secondary", "a.b", "äöü", "abcdefghijklmnopqrstuvwxy"}) {
    const auto kept = keep({name});
    ASSERT_FALSE(kept) << name;
    EXPECT_EQ(kept.error().code, "InvalidAccountName");
  }
}

}  // namespace
}  // namespace latchkey::cloud
