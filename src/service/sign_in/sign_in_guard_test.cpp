// What somebody meets who is not who they say.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "service/sign_in/sign_in.hpp"
#include "service/sign_in/testing/sign_in_world.hpp"

namespace latchkey::service::sign_in {
namespace {

using std::chrono::seconds;
using testing::Browser;
using testing::contains;
using testing::Fields;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SignInWorld;

/// A page without what differs from session to session.
std::string without_token(const http::Response& page, const Browser& browser) {
  std::string text = page.body;
  for (auto at = text.find(browser.token); at != std::string::npos; at = text.find(browser.token)) {
    text.replace(at, browser.token.size(), "TOKEN");
  }
  return text;
}

TEST(SignInGuard, AWrongFirstFactorLooksLikeARightOne) {
  SignInWorld world;
  std::vector<std::string> seen;
  // Right, wrong and unknown; names of one length, because pages show them.
  for (const auto& [name, password] :
       {std::pair{"alice", SignInWorld::kPassword}, std::pair{"alice", "wrong password"},
        std::pair{"nobod", "wrong password"}}) {
    Browser browser(world);
    const auto form = browser.get("/sign-in");
    const auto posted = browser.post("/sign-in", {{"name", name}, {"password", password}});
    const auto page = browser.follow(posted);
    const auto refused = browser.post("/sign-in/code", {{"code", "abC-1-dEf"}});
    auto text =
        fmt::format("{} {} {} {} {} {} {}", posted.status, *posted.headers.find("Location"),
                    browser.cookies.begin()->second.size(), page.status,
                    without_token(page, browser), refused.status, without_token(refused, browser));
    while (text.find("nobod") != std::string::npos) text.replace(text.find("nobod"), 5, "alice");
    seen.push_back(std::move(text));
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_EQ(world.delivery.messages.size(), 1U) << "only the right one issues";
  EXPECT_EQ(world.number_http.calls.size(), 1U);
}

TEST(SignInGuard, TheAnswerToARightFirstFactorDoesNotWaitForTheCode) {
  SignInWorld world;
  Browser browser(world);
  browser.get("/sign-in");
  int begun_at_answer = 99;
  struct Poster {
    static Task<> run(SignInWorld& world, http::Request request, int& begun) {
      const auto answer = co_await world.router.route(request);
      EXPECT_EQ(answer.status, 303);
      begun = world.vault.reads;  // The issuer's first step.
    }
  };
  http::Request request;
  request.method = http::Method::post;
  request.target = "/sign-in";
  request.peer_address = "127.0.0.1";
  request.headers = {{"Host", "localhost:8080"},
                     {"Content-Type", "application/x-www-form-urlencoded"},
                     {"Cookie", "latchkey-session=" + browser.cookies["latchkey-session"]}};
  request.body = "name=alice&password=correct+horse&csrf=" + browser.token;
  run_to_end(world.context, Poster::run(world, request, begun_at_answer));
  EXPECT_EQ(begun_at_answer, 0);
  run_to_end(world.context, world.sign_in.finish());
  EXPECT_EQ(world.delivery.messages.size(), 1U);
}

TEST(SignInGuard, WithoutThePasswordNotEvenTheRightCodeGetsIn) {
  SignInWorld world;
  Browser alice(world);
  alice.claim("alice", SignInWorld::kPassword);
  const auto code = world.code();
  Browser thief(world);
  thief.claim("alice", "wrong password");
  EXPECT_EQ(thief.post("/sign-in/code", {{"code", code}}).status, 403);
  EXPECT_FALSE(thief.is_signed_in());
  EXPECT_EQ(alice.post("/sign-in/code", {{"code", code}}).status, 303);
}

TEST(SignInGuard, WithoutThePasswordNobodyCanUseUpAnothersAttempts) {
  SignInWorld world;
  Browser alice(world);
  alice.claim("alice", SignInWorld::kPassword);
  Browser pest(world);
  pest.claim("alice", "wrong password");
  for (int i = 0; i < 10; ++i) pest.post("/sign-in/code", {{"code", "abC-1-dEf"}});
  EXPECT_EQ(alice.post("/sign-in/code", {{"code", world.code()}}).status, 303);
}

TEST(SignInGuard, NobodyIsSignedInByAForgedFirstFactorForTheUnprovenName) {
  // Somebody who may issue codes by the API makes one for the name that wrong first factors ask
  // for.
  SignInWorld world;
  Browser thief(world);
  thief.claim("alice", "wrong password");
  const auto code = world.issue({"unproven alice", "sign-in"});
  world.watch(world.watcher);
  EXPECT_EQ(thief.post("/sign-in/code", {{"code", std::string(code->code.reveal())}}).status, 403);
  EXPECT_FALSE(thief.is_signed_in());
}

TEST(SignInGuard, FiveWrongCodesEndACode) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  for (int i = 0; i < 5; ++i) browser.post("/sign-in/code", {{"code", "abC-1-dEf"}});
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", world.code()}}).status, 403);
}

TEST(SignInGuard, TriesAreLimitedByNameAndAddressWhetherTheNameIsKnownOrNot) {
  SignInWorld world;
  for (const char* name : {"alice", "nobody"}) {
    Browser browser(world);
    for (int i = 0; i < 5; ++i) browser.claim(name, "wrong password");
    browser.get("/sign-in");
    const auto answer = browser.post("/sign-in", {{"name", name}, {"password", "wrong password"}});
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.headers.find("Retry-After"), "120");
    EXPECT_THAT(answer.body, HasSubstr("Try again in 2 minutes."));
    EXPECT_FALSE(contains(answer, name));
  }
  Browser elsewhere(world);  // No weapon against alice herself.
  elsewhere.address = "127.0.0.2";
  elsewhere.sign_in("alice");
  EXPECT_TRUE(elsewhere.is_signed_in());
}

TEST(SignInGuard, NewCodesAreLimited) {
  SignInWorld world;
  Browser browser(world);
  browser.claim("alice", SignInWorld::kPassword);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(browser.post("/sign-in/resend", {}).status, 303);
  const auto answer = browser.post("/sign-in/resend", {});
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.find("Retry-After"), "120");
  EXPECT_THAT(answer.body, HasSubstr("href=\"/sign-in/code\""));
  EXPECT_EQ(world.delivery.messages.size(), 5U);
}

TEST(SignInGuard, OneAddressCannotTryManyNames) {
  SignInWorld world({.per_address = {.count = 2}});
  Browser browser(world);
  browser.claim("alice", "wrong password");
  browser.claim("bob", "wrong password");
  browser.get("/sign-in");
  EXPECT_EQ(browser.post("/sign-in", {{"name", "carol"}, {"password", "x"}}).status, 429);
}

TEST(SignInGuard, APostNeedsTheTokenOfItsOwnSession) {
  SignInWorld world;
  Browser browser(world);
  Browser other(world);
  browser.get("/sign-in");
  other.get("/sign-in");
  const Fields form = {{"name", "alice"}, {"password", SignInWorld::kPassword}};
  for (const auto& token : {std::string(), other.token, std::string(32, '0')}) {
    auto copy = browser;
    copy.token = token;
    EXPECT_EQ(copy.post("/sign-in", form).status, 403) << token;
  }
  auto without_cookie = browser;
  without_cookie.cookies.clear();
  EXPECT_EQ(without_cookie.post("/sign-in", form).status, 403);
  EXPECT_TRUE(world.delivery.messages.empty());
  EXPECT_EQ(browser.post("/sign-in", form).status, 303);
}

TEST(SignInGuard, EveryPostIsGuarded) {
  SignInWorld world;
  Browser pending(world);
  pending.claim("alice", SignInWorld::kPassword);
  Browser signed_in(world);
  signed_in.sign_in("bob");
  for (auto& [browser, target] :
       {std::pair{&pending, "/sign-in"}, std::pair{&pending, "/sign-in/code"},
        std::pair{&pending, "/sign-in/resend"}, std::pair{&signed_in, "/sign-out"}}) {
    Browser copy = *browser;
    copy.with_token = false;
    EXPECT_EQ(copy.post(target, {{"code", "x"}}).status, 403) << target;
  }
}

TEST(SignInGuard, APostFromAnotherSiteIsRefused) {
  SignInWorld world;
  Browser browser(world);
  browser.get("/sign-in");
  const std::tuple<const char*, const char*, int> rows[] = {
      {"Sec-Fetch-Site", "cross-site", 403},     {"Sec-Fetch-Site", "same-site", 403},
      {"Sec-Fetch-Site", "same-origin", 422},    {"Sec-Fetch-Site", "none", 422},
      {"Origin", "https://evil.example", 403},   {"Origin", "null", 403},
      {"Origin", "https://localhost:8080", 403}, {"Origin", "http://localhost:8081", 403},
      {"Origin", "http://localhost:8080", 422}};
  for (const auto& [header, value, status] : rows) {
    Browser copy = browser;
    copy.more.add(header, value);
    EXPECT_EQ(copy.post("/sign-in", {}).status, status) << header << ": " << value;
  }
}

TEST(SignInGuard, NoStageReachesTheNextWithoutItsFactor) {
  SignInWorld world;
  Browser browser(world);
  browser.get("/sign-in");
  const auto visitor = browser.cookies;
  EXPECT_EQ(browser.get("/sign-in/code").headers.find("Location"), "/sign-in?ended");
  EXPECT_EQ(browser.post("/sign-in/code", {{"code", "x"}}).status, 303);
  browser.claim("alice", SignInWorld::kPassword);
  EXPECT_NE(browser.cookies, visitor) << "a session set by somebody else would become alice's";
  EXPECT_FALSE(browser.is_signed_in());
  const auto pending = browser.cookies;
  browser.post("/sign-in/code", {{"code", world.code()}});
  EXPECT_NE(browser.cookies, pending);
  EXPECT_TRUE(browser.is_signed_in());
}

TEST(SignInGuard, AnAlteredSessionIsNone) {
  SignInWorld world;
  Browser browser(world);
  browser.sign_in("alice");
  auto& cookie = browser.cookies["latchkey-session"];
  const auto good = cookie;
  for (std::size_t at = 0; at < good.size(); at += 7) {
    cookie = good;
    cookie[at] = cookie[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(browser.is_signed_in()) << at;
  }
  cookie = good;
  EXPECT_TRUE(browser.is_signed_in());
}

TEST(SignInGuard, OverTlsTheCookieIsSecureAndOfThisHostAlone) {
  SignInWorld world;
  Browser browser(world);
  browser.tls = true;
  browser.address = "203.0.113.9";
  browser.host = "app.example";
  const auto page = browser.get("/sign-in");
  EXPECT_THAT(browser.last_set_cookie, ::testing::StartsWith("__Host-latchkey-session="));
  EXPECT_THAT(browser.last_set_cookie,
              ::testing::EndsWith("; Path=/; HttpOnly; SameSite=Lax; Secure"));
  EXPECT_TRUE(page.headers.contains("Strict-Transport-Security"));
  browser.sign_in("alice");
  EXPECT_EQ(world.delivery.messages.back().not_me_url.reveal(), "")
      << "anybody may send any Host: no link without a public URL";
}

TEST(SignInGuard, WithinOneMachineTheCookieIsNotSecureBecauseBrowsersWouldDropIt) {
  SignInWorld world;
  Browser browser(world);
  EXPECT_FALSE(browser.get("/sign-in").headers.contains("Strict-Transport-Security"));
  EXPECT_THAT(browser.last_set_cookie, ::testing::StartsWith("latchkey-session="));
  EXPECT_THAT(browser.last_set_cookie, ::testing::EndsWith("; Path=/; HttpOnly; SameSite=Lax"));
}

TEST(SignInGuard, PlainHttpFromAnotherMachineIsRefused) {
  SignInWorld world;
  Browser browser(world);
  browser.address = "203.0.113.9";
  browser.more.add("X-Forwarded-Proto", "https");
  browser.more.add("X-Forwarded-For", "127.0.0.1");
  for (const char* target : {"/sign-in", "/sign-in/not-me?token=x"}) {
    const auto page = browser.get(target);
    EXPECT_EQ(page.status, 403);
    EXPECT_THAT(page.body, HasSubstr("needs HTTPS"));
  }
  EXPECT_EQ(browser.post("/sign-in", {}).status, 403);
  EXPECT_TRUE(browser.cookies.empty());
}

TEST(SignInGuard, BehindAFrontEndItsWordCountsForAddressAndTls) {
  SignInWorld world({.behind_proxy = true, .public_url = "https://app.example"});
  Browser browser(world);
  browser.address = "10.0.0.1";
  browser.host = "app.example";
  browser.more.add("X-Forwarded-Proto", "https");
  browser.more.add("X-Forwarded-For", "198.51.100.1, 203.0.113.9:55001");
  browser.sign_in("alice");
  EXPECT_THAT(browser.last_set_cookie, HasSubstr("Secure"));
  EXPECT_EQ(world.audit.count("signed_in"), 1);
  EXPECT_GT(world.audit.count("sign-in:203.0.113.9 "), 0);
  EXPECT_TRUE(world.delivery.messages.back().not_me_url.reveal().starts_with(
      "https://app.example/sign-in/not-me?token="));
}

TEST(SignInGuard, WhatPeopleTypeIsNeverMarkup) {
  SignInWorld world;
  Browser browser(world);
  const auto page = browser.claim("<script>alert(1)</script>\"'", "wrong password");
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;"));
  EXPECT_THAT(page.body, Not(HasSubstr("<script>alert")));
}

TEST(SignInGuard, EveryPageHasItsSecurityHeaders) {
  SignInWorld world;
  Browser browser(world);
  std::vector<http::Response> pages = {browser.get("/sign-in"), browser.get("/account"),
                                       browser.get("/sign-in/not-me?token=x"),
                                       browser.post("/sign-in", {})};
  pages.push_back(browser.claim("alice", SignInWorld::kPassword));
  pages.push_back(browser.post("/sign-in/code", {{"code", "x"}}));
  browser.post("/sign-in/code", {{"code", world.code()}});
  pages.push_back(browser.get("/account"));
  for (const auto& page : pages) {
    EXPECT_THAT(*page.headers.find("Content-Security-Policy"),
                HasSubstr("default-src 'none'; style-src 'self'; script-src 'self'"));
    EXPECT_EQ(page.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(page.headers.find("Referrer-Policy"), "same-origin");
    EXPECT_EQ(page.headers.find("Cache-Control"), "no-store");
    EXPECT_THAT(page.body, Not(HasSubstr("style=\""))) << "the policy forbids it";
    EXPECT_THAT(page.body, Not(HasSubstr("{{")));
  }
}

TEST(SignInGuard, AssetsAreOnlyTheOnesThatPagesUse) {
  SignInWorld world;
  Browser browser(world);
  for (const char* name : {"style.css", "code.js", "key.svg"}) {
    const auto found = browser.get(fmt::format("/assets/{}?v=1", name));
    EXPECT_EQ(found.status, 200);
    EXPECT_THAT(*found.headers.find("Cache-Control"), HasSubstr("immutable"));
  }
  for (const char* name : {"sign_in.html", "openapi.json", "..%2Fusers.json", ""}) {
    EXPECT_EQ(browser.get(fmt::format("/assets/{}", name)).status, 404) << name;
  }
}

TEST(SignInGuard, AUsersFileThatOthersMayReadIsNotUsed) {
  SignInWorld world;
  std::filesystem::permissions(world.users_file, std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  Browser browser(world);
  browser.get("/sign-in");
  const auto answer =
      browser.post("/sign-in", {{"name", "alice"}, {"password", SignInWorld::kPassword}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(contains(answer, "users.json"));
}

}  // namespace
}  // namespace latchkey::service::sign_in
