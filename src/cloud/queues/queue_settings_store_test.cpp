#include "cloud/queues/queue_settings_store.hpp"

#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/seeded_random.hpp"
#include "cloud/testing/temporary_folder.hpp"

namespace latchkey::cloud {
namespace {
using latchkey::testing::await;

/// A settings store on a file, and the table of queues that it stands beside.
class QueueSettingsStoreTest : public ::testing::Test {
 protected:
  QueueSettingsStoreTest() { open(); }
  void open() {
    settings_.reset();
    writer_.reset();
    auto database = sqlite::Database::open(folder_.path() / "queues.db");
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute(
        "CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY, deleted INTEGER NOT NULL);"
        "INSERT OR IGNORE INTO queue VALUES (1, 0), (2, 1)"));
    auto settings = QueueSettingsStore::load(*database, random_);
    ASSERT_TRUE(settings);
    settings_ = std::move(*settings);
    writer_ = std::make_unique<sqlite::Writer>(std::move(*database));
    settings_->use_writer(*writer_);
  }

  testing::TemporaryFolder folder_;
  latchkey::testing::SeededRandom random_{5};
  IoContext context_;
  std::unique_ptr<sqlite::Writer> writer_;
  std::unique_ptr<QueueSettingsStore> settings_;
};

Task<> change(QueueSettingsStore& settings, wire::ServiceProperties what, int& done) {
  const auto changed = co_await settings.change_properties("acc", std::move(what));
  done += changed ? 1 : 0;
}

TEST_F(QueueSettingsStoreTest, WhatWasChangedIsThereAfterARestart) {
  wire::ServiceProperties change;
  change.cors = {{.allowed_origins = "*", .allowed_methods = "GET"}};
  ASSERT_TRUE(await(context_, settings_->change_properties("acc", change)));
  ASSERT_TRUE(await(context_, settings_->set_policies(1, {{.id = "a"}, {.id = "b"}})));
  const Secret secret = settings_->delegation_secret();
  EXPECT_FALSE(secret.empty());
  open();
  EXPECT_EQ(settings_->properties("acc").cors->size(), 1U);
  EXPECT_TRUE(settings_->properties("acc").logging);
  EXPECT_TRUE(settings_->properties("other").cors->empty());
  EXPECT_EQ(settings_->policies(1).size(), 2U);
  EXPECT_TRUE(settings_->delegation_secret() == secret);
}

TEST_F(QueueSettingsStoreTest, ChangesOfDifferentSectionsBothHold) {
  wire::ServiceProperties cors;
  cors.cors = {{.allowed_origins = "*", .allowed_methods = "GET"}};
  wire::ServiceProperties logging;
  logging.logging = wire::LoggingProperties{.read = true};
  int done = 0;
  TaskGroup tasks(context_.get_executor());
  tasks.spawn("cors", change(*settings_, cors, done));
  tasks.spawn("logging", change(*settings_, logging, done));
  run_to_end(context_, tasks.join());
  EXPECT_EQ(done, 2);
  open();
  EXPECT_EQ(settings_->properties("acc").cors->size(), 1U);
  EXPECT_TRUE(settings_->properties("acc").logging->read);
}

TEST_F(QueueSettingsStoreTest, PoliciesGoWithTheirQueue) {
  ASSERT_TRUE(await(context_, settings_->set_policies(1, {{.id = "a"}})));
  ASSERT_TRUE(await(context_, settings_->forget_queue(1)));
  EXPECT_TRUE(settings_->policies(1).empty());
  open();
  EXPECT_TRUE(settings_->policies(1).empty());
  for (const std::uint32_t gone : {2U, 3U}) {
    const auto refused = await(context_, settings_->set_policies(gone, {{.id = "a"}}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "QueueNotFound");
    EXPECT_TRUE(settings_->policies(gone).empty());
  }
}

}  // namespace
}  // namespace latchkey::cloud
