#include "cloud/vault/secret_store.hpp"

#include <gtest/gtest.h>

#include "cloud/testing/cloud_store.hpp"

namespace latchkey::cloud {
namespace {

/// As the first version of the table was; its values stood there as they are.
constexpr const char* kOldTable =
    "CREATE TABLE secret_versions("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL COLLATE NOCASE,"
    "  version TEXT NOT NULL COLLATE NOCASE,"
    "  value TEXT NOT NULL,"
    "  content_type TEXT,"
    "  tags TEXT NOT NULL,"
    "  enabled INTEGER NOT NULL,"
    "  not_before INTEGER,"
    "  expires INTEGER,"
    "  created INTEGER NOT NULL,"
    "  UNIQUE(name, version));"
    "INSERT INTO secret_versions VALUES(4, 'n', 'aa', 'plain-value-one', 'text', '{\"t\":\"u\"}', "
    "0, 1, 2, 3);"
    "INSERT INTO secret_versions VALUES(9, 'N', 'bb', 'plain-value-two', NULL, '{}', 1, NULL, "
    "NULL, 5);";

TEST(SecretRows, PlainOnesOfBeforeAreSealedAndLeaveNoTrace) {
  testing::CloudStore store;
  store.writer.reset();
  {
    auto database = store.second_connection();
    ASSERT_TRUE(database.execute(kOldTable));
  }
  ASSERT_TRUE(testing::file_holds(store.folder.path() / "cloud.db", "plain-value-one"));
  {
    auto database = store.second_connection();
    EXPECT_TRUE(prepare_secret_rows(database, store.store_key, "latchkey").value());
    EXPECT_FALSE(prepare_secret_rows(database, store.store_key, "latchkey").value());
  }
  store.restart();
  SecretStore secrets(store.second_connection(), *store.writer, store.store_key, store.clock,
                      store.random);
  const SecretName name{"latchkey", "n"};
  EXPECT_EQ(secrets.get(name)->value.reveal(), "plain-value-two");
  const auto first = secrets.get(name, "aa");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->value.reveal(), "plain-value-one");
  EXPECT_EQ(first->content_type, "text");
  EXPECT_EQ(first->tags.at("t"), "u");
  EXPECT_FALSE(first->attributes.enabled);
  EXPECT_EQ(first->attributes.not_before, 1);
  EXPECT_EQ(first->attributes.expires, 2);
  EXPECT_EQ(first->attributes.created, 3);
  EXPECT_EQ(secrets.versions(name, 0, 9)->size(), 2U);
  for (const auto& entry : std::filesystem::directory_iterator(store.folder.path())) {
    EXPECT_FALSE(testing::file_holds(entry.path(), "plain-value")) << entry.path();
  }
}

TEST(SecretStore, DoesNotOpenWhatWasSealedUnderAnotherKey) {
  testing::CloudStore store;
  const auto open = [&](const StoreKey& key) {
    return SecretStore(store.second_connection(), *store.writer, key, store.clock, store.random);
  };
  auto secrets = open(store.store_key);
  IoContext context;
  run_to_end(context, [](SecretStore& all) -> Task<> {
    wire::SetSecretRequest content;
    content.value = Secret("v");
    SecretName name{"latchkey", "n"};
    auto set = co_await all.set(std::move(name), std::move(content));
    EXPECT_TRUE(set);
  }(secrets));
  auto others = open(StoreKey(Sha256{9}, store.random));
  const SecretName name{"latchkey", "n"};
  EXPECT_EQ(others.get(name).error().kind, ErrorKind::storage);
  EXPECT_EQ(others.list("latchkey", "", 9)->size(), 1U);
  EXPECT_EQ(secrets.get(name)->value.reveal(), "v");
}

}  // namespace
}  // namespace latchkey::cloud
