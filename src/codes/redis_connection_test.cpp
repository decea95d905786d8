#include "codes/redis_connection.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/redis_login.hpp"
#include "codes/run_all.hpp"
#include "codes/testing/fake_redis.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using Words = testing::FakeRedis::Words;

constexpr const char* kGoodInfo =
    "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n"
    "# Replication\r\nrole:master\r\n";

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

class Redis : public ::testing::Test {
 protected:
  Redis() {
    server.answer_with([this](const Words& words) { return answer(words); });
  }

  /// What a server in good health says; a script gives its first argument back.
  std::optional<std::string> answer(const Words& words) {
    if (refuse) {
      if (auto refusal = refuse(words)) return *refusal;
    }
    if (words[0] == "INFO") return bulk(info);
    if (words[0] == "WAIT") return ":" + std::to_string(replicas) + "\r\n";
    if (words[0] != "EVALSHA" && words[0] != "EVAL") return "+OK\r\n";
    return bulk(words.size() > 4 ? words[4] : "");
  }
  /// Ends the connection at the next script.
  void break_once() {
    server.answer_with([this](const Words& words) -> std::optional<std::string> {
      if (words[0] != "EVALSHA") return answer(words);
      server.answer_with([this](const Words& later) { return answer(later); });
      return std::nullopt;
    });
  }
  void connect(RedisLoginSource login = login_of({}), int wanted_replicas = 0) {
    redis.reset();
    redis = std::make_unique<RedisConnection>(
        RedisAddress{.peer = {"127.0.0.1", server.port(), false}, .replicas = wanted_replicas},
        std::move(login), RedisWorld{context.get_executor(), trust, clock, random});
  }
  Result<RedisReply> run(const std::string& argument = "x") {
    return latchkey::testing::await(context, redis->run(script, {argument}));
  }
  std::string code_of_failure() {
    const auto done = run();
    EXPECT_TRUE(done || done.error().kind == ErrorKind::unavailable);
    return done ? "" : done.error().code;
  }
  static Task<> run_one(RedisConnection& redis, const RedisScript& script, std::string argument,
                        int& right) {
    std::vector<std::string> arguments{argument};
    auto reply = co_await redis.run(script, std::move(arguments));
    if (reply && reply->text == argument) ++right;
  }

  static Task<> fail_one(RedisConnection& redis, const RedisScript& script,
                         std::map<std::string, std::size_t>& failures) {
    std::vector<std::string> no_arguments;
    auto reply = co_await redis.run(script, std::move(no_arguments));
    ++failures[reply ? "none" : reply.error().code];
  }
  static Task<int> joined(TaskGroup& group) {
    co_await group.join();
    co_return 0;
  }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  http::TlsClientContext trust = http::TlsClientContext::system_trust().value();
  RedisScript script{"return ARGV[1]"};
  std::string info = kGoodInfo;
  int replicas = 0;
  std::function<std::optional<std::string>(const Words&)> refuse;
  testing::FakeRedis server{context.get_executor()};
  std::unique_ptr<RedisConnection> redis;
};

TEST_F(Redis, GetsAScriptInFullOnlyWhenItDoesNotKnowIt) {
  bool known = false;
  refuse = [&](const Words& words) -> std::optional<std::string> {
    if (words[0] == "EVALSHA" && !known) return "-NOSCRIPT No matching script.\r\n";
    if (words[0] == "EVAL") known = true;
    return std::nullopt;
  };
  connect();
  EXPECT_EQ(run("first")->text, "first");
  EXPECT_EQ(run("second")->text, "second");
  EXPECT_EQ(server.count("EVALSHA " + script.sha + " 1 {latchkey}:expiries"), 2);
  EXPECT_EQ(server.count("EVAL return ARGV[1] 1 {latchkey}:expiries first"), 1);
}

TEST_F(Redis, AnswersEachOfManyOverOneConnection) {
  connect();
  int right = 0;
  std::vector<Task<>> tasks;
  for (int i = 0; i < 2'000; ++i) {
    tasks.push_back(run_one(*redis, script, std::to_string(i), right));
  }
  run_to_end(context, run_all(context.get_executor(), "redis", std::move(tasks)));
  EXPECT_EQ(right, 2'000);
  EXPECT_EQ(server.connections(), 1);
}

// Whether it was done nobody knows: it is the caller's to ask again, not ours.
TEST_F(Redis, ThatBreaksOffIsReachedAnewAndNothingIsSentTwice) {
  connect();
  ASSERT_TRUE(run("before"));
  break_once();
  const auto broken = run("during");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, ErrorKind::unavailable);
  EXPECT_NE(broken.error().message.find("unknown"), std::string::npos) << broken.error().message;
  EXPECT_EQ(run("after")->text, "after");
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.count("EVALSHA"), 3);
}

TEST_F(Redis, ThatCannotServeIsAskedAgainAfterAWhile) {
  info = "# Replication\r\nrole:slave\r\n";
  connect();
  EXPECT_EQ(code_of_failure(), "TableReadOnly");
  EXPECT_EQ(code_of_failure(), "TableReadOnly");
  EXPECT_EQ(server.connections(), 1);
  info = kGoodInfo;
  clock.advance(RedisConnection::kRetryMin);
  EXPECT_TRUE(run());
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(Redis, ThatBecomesAReplicaIsReachedAnew) {
  connect();
  refuse = [&](const Words& words) -> std::optional<std::string> {
    if (words[0] != "EVALSHA") return std::nullopt;
    return "-READONLY You can't write against a read only replica.\r\n";
  };
  EXPECT_EQ(code_of_failure(), "TableRefused");
  refuse = nullptr;
  EXPECT_TRUE(run());
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(Redis, ThatSpeaksSomethingElseIsAnError) {
  refuse = [](const Words&) { return "HTTP/1.1 400 Bad Request\r\n"; };
  connect();
  EXPECT_EQ(code_of_failure(), "MalformedAnswer");
}

// Its answer comes all the same, and is nobody else's.
TEST_F(Redis, IsNotConfusedByACallerWhoGoesAway) {
  connect();
  int right = 0;
  TaskGroup gone(context.get_executor());
  for (int i = 0; i < 3; ++i) gone.spawn("gone", run_one(*redis, script, "gone", right));
  server.answer_with([&](const Words& words) {
    if (words[0] == "EVALSHA") gone.cancel();
    return answer(words);
  });
  EXPECT_EQ(run("here")->text, "here");
  latchkey::testing::await(context, joined(gone));
  EXPECT_EQ(right, 0);
  EXPECT_EQ(run("again")->text, "again");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Redis, ThatDoesNotAnswerIsAskedSoMuchOnlyAndThenGivenUp) {
  refuse = [](const Words& words) -> std::optional<std::string> {
    if (words[0] == "EVALSHA") return "";
    return std::nullopt;
  };
  connect();
  std::map<std::string, std::size_t> failures;
  TaskGroup callers(context.get_executor());
  for (std::size_t i = 0; i < RedisConnection::kWaitingMax + 2; ++i) {
    callers.spawn("caller", fail_one(*redis, script, failures));
  }
  context.restart();
  for (int turns = 0; turns < 1'000 && failures["TableBusy"] < 2; ++turns) context.poll();
  redis.reset();
  latchkey::testing::await(context, joined(callers));
  EXPECT_EQ(failures["TableBusy"], 2U);
  EXPECT_EQ(failures["TableClosed"], RedisConnection::kWaitingMax);
}

TEST_F(Redis, MustHaveEveryChangeOnItsReplicasWhenToldSo) {
  connect(login_of({}), 2);
  replicas = 2;
  EXPECT_TRUE(run());
  EXPECT_EQ(server.commands().back(), "WAIT 2 1000");
  replicas = 1;
  EXPECT_EQ(code_of_failure(), "TableNotReplicated");
  replicas = 2;
  EXPECT_TRUE(run());
  EXPECT_EQ(server.connections(), 1);
}

/// Tokens "t1", "t2"... of so many hours each, or none.
class Tokens final : public azure::TokenCredential {
 public:
  explicit Tokens(Clock& clock) : clock_(clock) {}
  Task<Result<azure::AccessToken>> get_token(std::string resource) override {
    asked_for = std::move(resource);
    if (fails) co_return fail(ErrorKind::unavailable, "NoToken", "said by a test");
    if (!held || fresh) {
      held = azure::AccessToken{.value = Secret("t" + std::to_string(++given)),
                                .expires_on = clock_.now() + 1h};
      fresh = false;
    }
    co_return *held;
  }
  void forget(const std::string&) override { fresh = true; }
  std::string name() const override { return "a test's"; }

  std::string asked_for;
  std::optional<azure::AccessToken> held;
  int given = 0;
  bool fresh = false;  ///< the next token is a new one
  bool fails = false;

 private:
  Clock& clock_;
};

class RedisToken : public Redis {
 protected:
  Tokens tokens{clock};
};

TEST_F(RedisToken, IsRenewedOnTheSameConnectionBeforeItEnds) {
  connect(login_by_token("object-id", tokens));
  ASSERT_TRUE(run());
  EXPECT_EQ(tokens.asked_for, "https://redis.azure.com");
  EXPECT_EQ(server.commands().front(), "AUTH object-id t1");
  clock.advance(54min);
  tokens.fresh = true;
  ASSERT_TRUE(run());
  EXPECT_EQ(server.count("AUTH"), 1);
  clock.advance(1min);
  ASSERT_TRUE(run("later"));
  ASSERT_EQ(server.count("AUTH object-id t2"), 1);
  const auto& commands = server.commands();
  EXPECT_EQ(commands[commands.size() - 2], "AUTH object-id t2");
  EXPECT_TRUE(commands.back().ends_with("later"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(RedisToken, ThatIsStillTheOldOneIsAskedForAgainSoonAndNotSaidTwice) {
  connect(login_by_token("object-id", tokens));
  ASSERT_TRUE(run());
  clock.advance(56min);
  ASSERT_TRUE(run());
  tokens.fresh = true;
  ASSERT_TRUE(run());
  EXPECT_EQ(server.count("AUTH"), 1);
  clock.advance(RedisConnection::kRenewAgain);
  ASSERT_TRUE(run());
  EXPECT_EQ(server.count("AUTH object-id t2"), 1);
}

TEST_F(RedisToken, ServesToItsEndWhileThereIsNoNewOne) {
  connect(login_by_token("object-id", tokens));
  ASSERT_TRUE(run());
  tokens.fails = true;
  clock.advance(59min);
  EXPECT_TRUE(run());
  clock.advance(1min);
  EXPECT_EQ(code_of_failure(), "NoToken");
  tokens.fails = false;
  tokens.fresh = true;
  clock.advance(RedisConnection::kRetryMax);
  EXPECT_TRUE(run());
}

TEST_F(RedisToken, ThatIsRefusedIsForgottenOnce) {
  refuse = [](const Words& words) -> std::optional<std::string> {
    if (words[0] != "AUTH" || words.back() == "t2") return std::nullopt;
    return "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  };
  connect(login_by_token("object-id", tokens));
  EXPECT_TRUE(run());
  refuse = [](const Words& words) -> std::optional<std::string> {
    if (words[0] != "AUTH") return std::nullopt;
    return "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  };
  connect(login_by_token("object-id", tokens));
  EXPECT_EQ(code_of_failure(), "TableDenied");
  EXPECT_EQ(server.count("AUTH"), 4);
}

}  // namespace
}  // namespace latchkey::codes
