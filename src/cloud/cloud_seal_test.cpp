#include <gtest/gtest.h>

#include <filesystem>

#include "cloud/cloud.hpp"
#include "cloud/testing/temporary_folder.hpp"

/// What the whole local cloud leaves on disk, and what it needs to read it again.
namespace latchkey::cloud {
namespace {

constexpr const char* kOldSecrets =
    "CREATE TABLE secret_versions(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, version "
    "TEXT, value TEXT, content_type TEXT, tags TEXT, enabled INTEGER, not_before INTEGER, expires "
    "INTEGER, created INTEGER);"
    "INSERT INTO secret_versions VALUES(1, 'old', 'aa', 'plain-value', NULL, '{}', 1, NULL, NULL, "
    "3);";

class CloudSealTest : public ::testing::Test {
 protected:
  ~CloudSealTest() override { stop(); }
  Result<> start() {
    CloudOptions options{.data = folder_.path(), .ports = {0, 0, 0, 0, 0}};
    auto started = Cloud::start(std::move(options), clock_, random_, context_.get_executor());
    if (!started) return fail(started.error());
    cloud_ = std::move(*started);
    return {};
  }
  void must_start() {
    const auto started = start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void stop() {
    if (!cloud_) return;
    run_to_end(context_, [](Cloud& cloud) -> Task<> {
      co_await cloud.stop(std::chrono::seconds{5});
    }(*cloud_));
    cloud_.reset();
  }
  void set_secret(std::string name, std::string value) {
    run_to_end(context_, [](Cloud& cloud, std::string n, Secret v) -> Task<> {
      auto set = co_await cloud.set_secret(std::move(n), std::move(v));
      EXPECT_TRUE(set) << set.error().message;
    }(*cloud_, std::move(name), Secret(std::move(value))));
  }
  void expect_in_no_file(std::string_view text) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      EXPECT_FALSE(testing::file_holds(entry.path(), text)) << entry.path();
    }
  }

  testing::TemporaryFolder folder_;
  SystemClock clock_;
  SystemRandom random_;
  IoContext context_;
  std::unique_ptr<Cloud> cloud_;
};

TEST_F(CloudSealTest, WithoutItsKeyFileItSaysWhatToDo) {
  ASSERT_NO_FATAL_FAILURE(must_start());
  set_secret("n", "v");
  stop();
  const auto key = folder_.path() / "keys" / "store-key";
  const auto saved = folder_.path() / "saved";
  std::filesystem::rename(key, saved);
  for (int again = 0; again < 2; ++again) {
    const auto started = start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, "StoreKeyMismatch");
    EXPECT_NE(started.error().message.find("Put that file back"), std::string::npos);
  }
  std::filesystem::rename(saved, key);
  ASSERT_NO_FATAL_FAILURE(must_start());
  EXPECT_EQ(cloud_->secret("n")->reveal(), "v");
}

TEST_F(CloudSealTest, ADamagedKeyFileIsNotReplaced) {
  ASSERT_NO_FATAL_FAILURE(must_start());
  stop();
  const auto key = folder_.path() / "keys" / "store-key";
  std::ofstream(key) << "not hex";
  const auto started = start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("store-key"), std::string::npos);
  EXPECT_TRUE(testing::file_holds(key, "not hex"));
}

TEST_F(CloudSealTest, SecretsOfAnOlderVersionAreSealedAtTheStart) {
  ASSERT_NO_FATAL_FAILURE(must_start());
  stop();
  {
    auto database = std::move(sqlite::Database::open(folder_.path() / "cloud.db").value());
    ASSERT_TRUE(database.execute(kOldSecrets));
  }
  ASSERT_NO_FATAL_FAILURE(must_start());
  expect_in_no_file("plain-value");  // While it runs: the write-ahead log is there as well.
  EXPECT_EQ(cloud_->secret("old")->reveal(), "plain-value");
}

TEST_F(CloudSealTest, NoFileHoldsASecretWhileItRuns) {
  ASSERT_NO_FATAL_FAILURE(must_start());
  set_secret("n", "a-value-that-nobody-must-see");
  expect_in_no_file("a-value-that-nobody-must-see");
}

}  // namespace
}  // namespace latchkey::cloud
