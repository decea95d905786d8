#include "service/sign_in/sign_in.hpp"

#include <gmock/gmock.h>

#include "service/sign_in/testing/sign_in_world.hpp"

namespace latchkey::service::sign_in {
namespace {

using std::chrono::seconds;
using testing::Browser;
using testing::contains;
using ::testing::HasSubstr;
using testing::SignInWorld;

TEST(SignIn, NamePasswordAndCodeLeadToTheProtectedPage) {
  SignInWorld world;
  Browser browser(world);
  EXPECT_EQ(browser.get("/account").headers.find("Location"), "/sign-in");
  const auto page = browser.claim("alice", SignInWorld::kPassword);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("autocomplete=\"one-time-code\""));
  EXPECT_THAT(page.body, HasSubstr("Valid until 17:04:48 UTC, <span class=\"left\">10:00 left"));
  ASSERT_EQ(world.delivery.messages.size(), 1U);
  EXPECT_EQ(world.delivery.messages[0].subject, "alice");

  const auto done = browser.post("/sign-in/code", {{"code", " " + world.code() + " "}});
  EXPECT_EQ(done.headers.find("Location"), "/account");
  EXPECT_TRUE(contains(browser.follow(done), "<strong>alice</strong>"));
}

TEST(SignIn, TheCodeIsBoundToThePersonAndThePurpose) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto plain = world.issue();
  const auto bobs = world.issue({"bob", "sign-in"});
  const auto other = world.issue({"alice", "payment"});
  world.watch(world.watcher);
  for (const auto& code : {plain, bobs, other}) {
    const auto answer = browser.post("/sign-in/code", {{"code", std::string(code->code.reveal())}});
    EXPECT_EQ(answer.status, 403);
  }
  EXPECT_FALSE(browser.is_signed_in());
}

TEST(SignIn, AWrongCodeIsToldInlineAndARightOneStillWorks) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto wrong = browser.post("/sign-in/code", {{"code", "abC-1-dEf"}});
  EXPECT_EQ(wrong.status, 403);
  EXPECT_THAT(wrong.body, HasSubstr("role=\"alert\">This code is not right"));
  EXPECT_THAT(wrong.body, HasSubstr("aria-invalid=\"true\""));
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", "  "}}).status, 422);
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", world.code()}}).status, 303);
}

TEST(SignIn, ACodeThatIsOverIsRefused) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto code = world.code();
  world.clock.advance(seconds{600});
  EXPECT_TRUE(contains(browser.get("/sign-in/code"), ">expired</span>"));
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", code}}).status, 403);
}

TEST(SignIn, ANewCodeEndsTheOneBefore) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto old_code = world.code();
  world.clock.advance(seconds{100});
  const auto page = browser.follow(browser.post("/sign-in/resend", {}));
  EXPECT_THAT(page.body, HasSubstr("A new code is on its way"));
  EXPECT_THAT(page.body, HasSubstr("10:00 left"));
  const auto new_code = world.code();
  EXPECT_NE(new_code, old_code);
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", old_code}}).status, 403);
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", new_code}}).status, 303);
}

TEST(SignIn, AFormThatIsSentTwiceGetsInAndTheCodeInAnotherBrowserDoesNot) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto code = world.code();
  Browser twin = browser;
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", code}}).status, 303);
  EXPECT_EQ(twin.post("/sign-in/code", {{"code", code}}).status, 303);
  Browser other(world);
  other.claim("alice", SignInWorld::kPassword);
  EXPECT_EQ(other.post("/sign-in/code", {{"code", code}}).status, 403);
}

TEST(SignIn, SomebodyFasterThanTheWatcherIsAskedToTryAgain) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const std::string code(world.delivery.messages.back().code.reveal());
  struct Mover {
    // Lets the two seconds pass for which the verifier asks again.
    static Task<> run(SignInWorld& world) {
      const auto end = world.clock.now() + SignIn::kWaitForActivation;
      while (world.clock.now() < end) {
        if (world.clock.sleepers() > 0) world.clock.advance(std::chrono::milliseconds{50});
        co_await boost::asio::post(world.context.get_executor(), use_task);
      }
    }
  };
  TaskGroup tasks(world.context.get_executor());
  tasks.spawn("mover", Mover::run(world));
  const auto answer = browser.post("/sign-in/code", {{"code", code}});
  run_to_end(world.context, tasks.join());
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("not active yet"));
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", world.code()}}).status, 303);
}

TEST(SignIn, SigningOutEndsTheSessionInTheBrowser) {
  SignInWorld world;
  Browser browser(world);
  browser.sign_in("alice");
  ASSERT_TRUE(browser.is_signed_in());
  EXPECT_TRUE(contains(browser.follow(browser.post("/sign-out", {})), "You are signed out."));
  EXPECT_FALSE(browser.is_signed_in());
}

TEST(SignIn, ASessionEndsByItself) {
  SignInWorld world;
  Browser browser(world);
  browser.sign_in("alice");
  world.clock.advance(std::chrono::hours{8} - seconds{1});
  EXPECT_TRUE(browser.is_signed_in());
  world.clock.advance(seconds{1});
  EXPECT_FALSE(browser.is_signed_in());
}

TEST(SignIn, WhoeverKeepsAskingForCodesBeginsAgainAfterAnHour) {
  SignInWorld world({.per_name = {.count = 0}});
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(browser.get("/sign-in/code").status, 200) << i;
    browser.post("/sign-in/resend", {});
    world.clock.advance(std::chrono::minutes{10});
  }
  EXPECT_EQ(browser.get("/sign-in/code").headers.find("Location"), "/sign-in?ended");
}

TEST(SignIn, TheLinkOfAMessageAsksAndOnlyItsButtonRevokes) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const auto code = world.code();
  const std::string url(world.delivery.messages.back().not_me_url.reveal());
  ASSERT_TRUE(url.starts_with("http://localhost:8080/sign-in/not-me?token=")) << url;
  const auto token = url.substr(url.find('=') + 1);

  Browser phone(world);  // Another machine, without any session.
  EXPECT_THAT(phone.get(url.substr(url.find("/sign-in"))).body,
              HasSubstr("<strong>alice</strong>"));
  EXPECT_EQ(world.row(Secret(code))->state, codes::CodeState::valid) << "a scanner followed it";
  phone.with_token = false;
  const auto done = phone.post("/sign-in/not-me", {{"token", token}});
  EXPECT_THAT(done.body, HasSubstr("Your codes no longer work"));
  EXPECT_TRUE(phone.cookies.empty()) << "a session elsewhere would be replaced";
  EXPECT_EQ(world.row(Secret(code))->state, codes::CodeState::revoked);
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", code}}).status, 403);
}

TEST(SignIn, ALinkThatIsAlteredOrADayOldDoesNothing) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  const std::string url(world.delivery.messages.back().not_me_url.reveal());
  const auto token = url.substr(url.find('=') + 1);
  const auto session = browser.cookies.begin()->second;
  for (const auto& bad : {std::string(), "x" + token, token.substr(1), session}) {
    EXPECT_EQ(browser.get("/sign-in/not-me?token=" + bad).status, 404);
    EXPECT_EQ(browser.post("/sign-in/not-me", {{"token", bad}}).status, 404);
  }
  EXPECT_EQ(world.audit.count("sign_in_disowned"), 0);
  world.clock.advance(std::chrono::hours{24});
  EXPECT_EQ(browser.get("/sign-in/not-me?token=" + token).status, 404);
}

TEST(SignIn, ACodeThatCannotBeDeliveredIsRevokedAndEverybodyIsTold) {
  SignInWorld world;
  world.delivery.fails = true;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  EXPECT_TRUE(contains(browser.get("/sign-in/code"), "could not be sent"));
  EXPECT_EQ(world.audit.count("code_revoked"), 1);
  Browser stranger(world);
  EXPECT_TRUE(contains(stranger.claim("nobody", "wrong password"), "could not be sent"))
      << "only right passwords would be told";
  world.delivery.fails = false;
  browser.post("/sign-in/resend", {});
  EXPECT_FALSE(contains(browser.get("/sign-in/code"), "could not be sent"));
}

TEST(SignIn, WhenNoCodeCanBeIssuedThePageSaysSo) {
  SignInWorld world;
  world.number_http.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
    return http::Response{500, {}, {}, {}, false};
  });
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  EXPECT_TRUE(contains(browser.get("/sign-in/code"), "could not be sent"));
}

TEST(SignIn, IsAuditedFromEndToEndWithoutTheCode) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", "wrong password");
  browser.sign_in("alice");
  browser.post("/sign-out", {});
  for (const char* event : {"sign_in_first_factor - alice sign-in sign-in:127.0.0.1 refused",
                            "sign_in_first_factor - alice sign-in sign-in:127.0.0.1 accepted",
                            "signed_out - alice sign-in sign-in:127.0.0.1 -"}) {
    EXPECT_EQ(world.audit.count(event), 1) << event;
  }
  EXPECT_EQ(world.audit.count("alice sign-in sign-in:127.0.0.1"), 6);
  EXPECT_EQ(world.audit.count(world.code()), 0);
  EXPECT_EQ(world.audit.count("wrong password"), 0);
}

TEST(AppServiceAuthentication, IsTheFirstFactorWhereItIsToldTo) {
  SignInWorld world({.app_service_authentication = true});
  Browser browser(world);
  EXPECT_EQ(browser.get("/sign-in").status, 401) << "without the header";
  browser.more.add("X-MS-CLIENT-PRINCIPAL-NAME", "ann@example.com");
  EXPECT_THAT(browser.get("/sign-in").body, HasSubstr("<strong>ann@example.com</strong>"));
  browser.follow(browser.post("/sign-in", {{"name", "bob"}}));
  EXPECT_EQ(world.delivery.messages.back().subject, "ann@example.com");
  browser.follow(browser.post("/sign-in/code", {{"code", world.code()}}));
  EXPECT_TRUE(browser.is_signed_in());

  browser.more.set("X-MS-CLIENT-PRINCIPAL-NAME", "eve@example.com");
  EXPECT_FALSE(browser.is_signed_in()) << "the session is another person's";
}

TEST(AppServiceAuthentication, IsNotBelievedElsewhere) {
  SignInWorld world;
  Browser browser(world);
  browser.more.add("X-MS-CLIENT-PRINCIPAL-NAME", "alice");
  browser.more.add("X-MS-CLIENT-PRINCIPAL-ID", "1");
  browser.get("/sign-in");
  EXPECT_EQ(browser.post("/sign-in", {}).status, 422);
  EXPECT_TRUE(world.delivery.messages.empty());
}

}  // namespace
}  // namespace latchkey::service::sign_in
