#include "service/sign_in/user_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/testing/await.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/testing/temporary_folder.hpp"
#include "service/sign_in/private_file.hpp"

namespace latchkey::service::sign_in {
namespace {

using latchkey::testing::await;
using Names = std::vector<std::string>;

class UserStoreTest : public ::testing::Test {
 protected:
  Result<> add(std::string_view name, const char* password) {
    return add_user(file_, name, Secret(password), random_, {.log2_n = 4, .r = 1, .p = 1});
  }
  bool is_user(std::string name, const char* password) {
    const auto answer = await(context_, store_.check(std::move(name), Secret(password)));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer && *answer;
  }

  IoContext context_;
  latchkey::testing::SeededRandom random_{1};
  codes::testing::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "new" / "users.json";
  UserStore store_{file_};
};

TEST_F(UserStoreTest, KnowsItsUsersByTheirPasswords) {
  ASSERT_TRUE(add("alice", "correct horse"));
  ASSERT_TRUE(add("bob@example.com", "battery staple"));
  EXPECT_TRUE(is_user("alice", "correct horse"));
  EXPECT_FALSE(is_user("alice", "battery staple"));
  EXPECT_FALSE(is_user("Alice", "correct horse"));
  EXPECT_EQ(user_names(file_), (Names{"alice", "bob@example.com"}));
}

TEST_F(UserStoreTest, SeesChangesWithoutARestart) {
  EXPECT_FALSE(is_user("alice", "correct horse")) << "no file yet";
  ASSERT_TRUE(add("alice", "correct horse"));
  EXPECT_TRUE(is_user("alice", "correct horse"));
  ASSERT_TRUE(add("alice", "battery staple"));
  EXPECT_FALSE(is_user("alice", "correct horse"));
  EXPECT_TRUE(is_user("alice", "battery staple"));
  ASSERT_TRUE(remove_user(file_, "alice"));
  EXPECT_FALSE(is_user("alice", "battery staple"));
  EXPECT_EQ(remove_user(file_, "alice").error().kind, ErrorKind::not_found);
}

// The stand-in's hash must be one, and of the default cost, or unknown users were answered at once.
TEST_F(UserStoreTest, AnUnknownUserCostsAsMuchAsAKnownOne) {
  ASSERT_TRUE(add_user(file_, "alice", Secret("correct horse"), random_));
  const auto time_of = [this](const char* name) {
    const auto begin = std::clock();
    EXPECT_FALSE(is_user(name, "wrong password"));
    return static_cast<double>(std::clock() - begin);
  };
  const double known = time_of("alice");
  const double unknown = time_of("nobody");
  EXPECT_GT(unknown, known / 4);
  EXPECT_LT(unknown, known * 4);
}

TEST_F(UserStoreTest, TheFileIsForItsOwnerAlone) {
  ASSERT_TRUE(add("alice", "correct horse"));
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(file_.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  EXPECT_EQ((**read_private_file(file_)).find("correct"), std::string::npos);

  ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
  const auto answer = await(context_, store_.check("alice", Secret("correct horse")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "FileNotPrivate");
  EXPECT_FALSE(add("bob", "battery staple")) << "it would be lost what the file holds";
}

TEST_F(UserStoreTest, ABrokenFileIsAnErrorAndIsNotReplaced) {
  for (const char* content :
       {"", "[]", "{\"alice\":1}", "{\"alice\":\"plain password\"}", "{\"a b\":\"x\"}"}) {
    ASSERT_TRUE(write_private_file(file_, content));
    EXPECT_FALSE(await(context_, store_.check("alice", Secret("x")))) << content;
    EXPECT_EQ(add("alice", "correct horse").error().code, "UsersFileError");
    EXPECT_EQ(**read_private_file(file_), content);
  }
}

TEST_F(UserStoreTest, NamesAndPasswordsHaveLimits) {
  for (const auto& name : {std::string(), std::string("a b"), std::string("a/b"),
                           std::string("\xC3\xB6"), std::string(65, 'a')}) {
    EXPECT_EQ(add(name, "correct horse").error().code, "BadUserName") << name;
  }
  EXPECT_TRUE(add(std::string(64, 'a'), "correct horse"));
  for (const auto& password :
       {std::string("seven 7"), std::string("with\nline"), std::string(257, 'x'),
        std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")}) {
    EXPECT_EQ(add("alice", password.c_str()).error().code, "BadPassword");
  }
}

}  // namespace
}  // namespace latchkey::service::sign_in
