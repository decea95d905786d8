#include "cloud/data_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/testing/manual_clock.hpp"
#include "cloud/testing/temporary_folder.hpp"
#include "http/certificate.hpp"

namespace latchkey::cloud {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

unsigned mode_of(const std::filesystem::path& file) {
  struct stat facts{};
  EXPECT_EQ(::stat(file.c_str(), &facts), 0) << file;
  return facts.st_mode & 0777U;
}

class DataFolderTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path() / "data";
  latchkey::testing::ManualClock clock_;
};

TEST_F(DataFolderTest, KeepsKeysFromOthers) {
  const auto opened = DataFolder::open(folder_, clock_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(mode_of(folder_), 0700U);
  EXPECT_EQ(mode_of(folder_ / "keys"), 0700U);
  EXPECT_EQ(mode_of(folder_ / "lock"), 0600U);
  EXPECT_EQ(mode_of(folder_ / "ca.pem"), 0644U);
  for (const auto* name : {"ca-key.pem", "server.pem", "server-key.pem", "token-key.pem"}) {
    EXPECT_EQ(mode_of(folder_ / "keys" / name), 0600U) << name;
  }
  EXPECT_EQ(content_of(folder_ / "ca.pem").find("PRIVATE"), std::string::npos);
}

TEST_F(DataFolderTest, ProtectsAKeyFileThatSomebodyOpenedUp) {
  ASSERT_TRUE(DataFolder::open(folder_, clock_));
  ASSERT_EQ(::chmod((folder_ / "keys" / "token-key.pem").c_str(), 0644), 0);
  ASSERT_TRUE(DataFolder::open(folder_, clock_));
  EXPECT_EQ(mode_of(folder_ / "keys" / "token-key.pem"), 0600U);
}

TEST_F(DataFolderTest, RefusesASecondUserAndSaysWhatToDo) {
  {
    const auto first = DataFolder::open(folder_, clock_);
    ASSERT_TRUE(first);
    const auto second = DataFolder::open(folder_, clock_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::conflict);
    EXPECT_EQ(second.error().code, "DataFolderInUse");
    EXPECT_NE(second.error().message.find(folder_.string()), std::string::npos);
    EXPECT_NE(second.error().message.find("--data"), std::string::npos);
  }
  EXPECT_TRUE(DataFolder::open(folder_, clock_));
}

TEST_F(DataFolderTest, KeepsKeysOverRestarts) {
  std::string authority;
  std::string chain;
  Bytes modulus;
  {
    const auto first = DataFolder::open(folder_, clock_);
    ASSERT_TRUE(first);
    authority = first->authority_pem();
    chain = first->server_chain_pem();
    modulus = first->token_key().public_key().modulus();
  }
  const auto again = DataFolder::open(folder_, clock_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->authority_pem(), authority);
  EXPECT_EQ(again->authority_pem(), content_of(again->authority_file()));
  EXPECT_EQ(again->server_chain_pem(), chain);
  EXPECT_EQ(again->token_key().public_key().modulus(), modulus);
}

TEST_F(DataFolderTest, RenewsTheServersCertificateInTime) {
  std::string authority;
  std::string chain;
  {
    const auto first = DataFolder::open(folder_, clock_);
    ASSERT_TRUE(first);
    authority = first->authority_pem();
    chain = first->server_chain_pem();
  }
  const auto expiry = http::certificate_expiry(chain);
  ASSERT_TRUE(expiry);
  clock_.jump(*expiry - clock_.now() - std::chrono::days{31});
  {
    const auto early = DataFolder::open(folder_, clock_);
    ASSERT_TRUE(early);
    EXPECT_EQ(early->server_chain_pem(), chain);
  }
  clock_.jump(std::chrono::days{2});
  const auto renewed = DataFolder::open(folder_, clock_);
  ASSERT_TRUE(renewed);
  EXPECT_NE(renewed->server_chain_pem(), chain);
  EXPECT_EQ(renewed->authority_pem(), authority);
  const auto later = http::certificate_expiry(renewed->server_chain_pem());
  ASSERT_TRUE(later);
  EXPECT_GT(*later, *expiry);
}

TEST_F(DataFolderTest, MakesWhatACrashLeftOut) {
  // Each file alone may be missing after a crash during the first start.
  for (const auto* name : {"ca.pem", "keys/ca-key.pem", "keys/server.pem", "keys/server-key.pem",
                           "keys/token-key.pem"}) {
    ASSERT_TRUE(DataFolder::open(folder_, clock_));
    std::filesystem::remove(folder_ / name);
    const auto again = DataFolder::open(folder_, clock_);
    ASSERT_TRUE(again) << name;
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
    // Whatever was made anew, the server's chain ends in the authority that clients read.
    EXPECT_TRUE(again->server_chain_pem().ends_with(content_of(folder_ / "ca.pem"))) << name;
  }
}

TEST_F(DataFolderTest, SaysWhichFileIsBroken) {
  ASSERT_TRUE(DataFolder::open(folder_, clock_));
  std::ofstream(folder_ / "keys" / "token-key.pem") << "not a key";
  const auto opened = DataFolder::open(folder_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::storage);
  EXPECT_NE(opened.error().message.find("token-key.pem"), std::string::npos);
}

TEST_F(DataFolderTest, NamesAFolderThatCannotBeMade) {
  const auto opened = DataFolder::open("/proc/nowhere/data", clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::storage);
  EXPECT_NE(opened.error().message.find("/proc/nowhere/data"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
