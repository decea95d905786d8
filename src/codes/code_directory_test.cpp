#include "codes/code_directory.hpp"

#include <gtest/gtest.h>

#include "codes/testing/world.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using testing::await;
using Standing = CodeDirectory::Standing;
using Revoked = CodeDirectory::Revoked;

class CodeDirectoryTest : public ::testing::Test {
 protected:
  std::optional<CodeDirectory::View> look(const std::string& id) {
    return await(world.context, directory.look(id)).value();
  }
  Standing standing(const IssuedCode& code) { return look(code.id).value().standing; }
  Revoked revoke(const std::string& id) {
    return await(world.context, directory.revoke(id, "admin")).value();
  }
  IssuedCode issue(Binding binding = {"ada", "sign-in"}) {
    return world.issue(std::move(binding)).value();
  }
  IssuedCode issue_valid(Binding binding = {"ada", "sign-in"}) {
    auto code = issue(std::move(binding));
    world.watch(watcher);
    return code;
  }

  testing::World world;
  Watcher watcher{world.for_watcher(), {}};
  CodeDirectory directory{world.table, world.audit, world.clock};
};

TEST_F(CodeDirectoryTest, LooksWithoutUsingTheCodeUp) {
  const auto code = issue();
  const auto view = look(code.id).value();
  EXPECT_EQ(view.id, code.id);
  EXPECT_EQ(view.standing, Standing::pending);
  EXPECT_EQ(view.binding, (Binding{"ada", "sign-in"}));
  EXPECT_EQ(view.issued, code.issued);
  EXPECT_EQ(view.expires, code.expires);
  world.watch(watcher);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(standing(code), Standing::valid);
  EXPECT_EQ(world.verify(code.code, {"ada", "sign-in"}), Verdict::accepted);
  EXPECT_EQ(standing(code), Standing::used);
  EXPECT_FALSE(look("unknown"));
}

TEST_F(CodeDirectoryTest, SaysExpiredFromTheEndOn) {
  const auto pending = issue({"eve", ""});
  world.messages().clear();
  const auto valid = issue_valid();
  const auto used = issue_valid({});
  ASSERT_EQ(world.verify(used.code), Verdict::accepted);
  world.clock.advance(600s - 1us);
  EXPECT_EQ(standing(valid), Standing::valid);
  world.clock.advance(1us);
  EXPECT_EQ(standing(valid), Standing::expired);
  EXPECT_EQ(standing(pending), Standing::expired);
  EXPECT_EQ(standing(used), Standing::used);
}

// I2
TEST_F(CodeDirectoryTest, ARevokedCodeIsNeverAccepted) {
  const auto code = issue_valid();
  EXPECT_EQ(revoke(code.id), Revoked::yes);
  EXPECT_EQ(standing(code), Standing::revoked);
  EXPECT_EQ(revoke(code.id), Revoked::already);
  world.queues.add(testing::kQueue, world.messages().at(0).text);
  world.watch(watcher);
  EXPECT_EQ(world.verify(code.code, {"ada", "sign-in"}), Verdict::refused);
  EXPECT_EQ(world.audit.count("code_revoked " + code.id + " ada sign-in admin requested"), 1);
}

TEST_F(CodeDirectoryTest, TellsAUsedCodeFromAnUnknownOne) {
  const auto code = issue_valid();
  ASSERT_EQ(world.verify(code.code, {"ada", "sign-in"}), Verdict::accepted);
  EXPECT_EQ(revoke(code.id), Revoked::used);
  EXPECT_EQ(revoke("unknown"), Revoked::unknown);
  EXPECT_EQ(world.audit.count("code_revoked"), 0);
}

TEST_F(CodeDirectoryTest, RevokesAllOfASubject) {
  const auto one = issue_valid();
  const auto two = issue({"ada", "payment"});
  const auto other = issue_valid({"eve", "sign-in"});
  const auto count = await(world.context, directory.revoke_subject("ada", {}, "admin")).value();
  EXPECT_EQ(count, 2);
  EXPECT_EQ(standing(one), Standing::revoked);
  EXPECT_EQ(standing(two), Standing::revoked);
  EXPECT_EQ(standing(other), Standing::valid);
  EXPECT_EQ(world.audit.count("admin requested"), 2);
}

TEST_F(CodeDirectoryTest, AFailingTableIsAnError) {
  world.table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  EXPECT_FALSE(await(world.context, directory.look("x")));
  EXPECT_FALSE(await(world.context, directory.revoke("x", "admin")));
  EXPECT_FALSE(await(world.context, directory.revoke_subject("ada", {}, "admin")));
}

}  // namespace
}  // namespace latchkey::codes
