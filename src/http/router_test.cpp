#include "http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

Task<Response> ok_with(std::string body) {
  co_return text_response(200, std::move(body));
}

// Answers with the name it was given and what the pattern caught, so that a test sees who answered.
RouteHandler says(std::string name) {
  return [name](const Request&, const Match& match) {
    std::string body = name;
    for (const auto& parameter : match.parameters) body += "|" + parameter;
    for (const auto& [key, value] : match.query) body += "&" + key + "=" + value;
    return ok_with(std::move(body));
  };
}

Task<> keep_answer(Handler handler, const Request& request, Response* answer) {
  *answer = co_await handler(request);
}

class RouterTest : public ::testing::Test {
 protected:
  Response ask(std::string_view method, std::string target) {
    Request request;
    request.method = method_from(method);
    request.method_name = method;
    request.target = std::move(target);
    Response answer;
    IoContext context;
    run_to_end(context, keep_answer(router.handler(), request, &answer));
    return answer;
  }
  std::string body(std::string_view method, std::string target) {
    const Response answer = ask(method, std::move(target));
    return answer.status == 200 ? answer.body : std::to_string(answer.status);
  }
  Router router;
};

TEST_F(RouterTest, PatternsCatchWhatTheySay) {
  router.add(Method::get, "/", says("root"));
  router.add(Method::get, "/secrets", says("list"));
  router.add(Method::get, "/secrets/{name}", says("latest"));
  router.add(Method::get, "/secrets/{name}/versions", says("versions"));
  router.add(Method::get, "/secrets/{name}/{version}", says("version"));
  router.add(Method::get, "/files/{rest*}", says("files"));
  router.add(Method::get, "/{account}/{queue}/messages", says("messages"));
  const std::pair<std::string, std::string> rows[] = {
      {"/", "root"},
      {"/secrets", "list"},
      {"/secrets/", "list"},
      {"/secrets/n", "latest|n"},
      {"/secrets/n/", "latest|n"},
      {"/secrets/n/v", "version|n|v"},
      {"/secrets/n/v/", "version|n|v"},
      {"/secrets/n/versions", "versions|n"},
      {"/secrets/n/versions/", "versions|n"},
      {"/secrets/n/v/w", "404"},
      {"/secrets//v", "404"},
      {"/secrets//", "404"},
      {"//", "404"},
      {"/files", "404"},
      {"/files/", "files|"},
      {"/files/a/b//c/", "files|a/b//c/"},
      {"/acc/q/messages?numofmessages=32", "messages|acc|q&numofmessages=32"},
      {"/Secrets", "404"},
      {"/other", "404"},
      {"", "404"},
      {"*", "404"},
  };
  for (const auto& [target, expected] : rows) EXPECT_EQ(body("GET", target), expected) << target;
}

TEST_F(RouterTest, ParameterMayBeEmptyAtTheEndWhenNobodyElseFits) {
  router.add(Method::get, "/secrets/{name}/{version}", says("version"));
  EXPECT_EQ(body("GET", "/secrets/n/"), "version|n|");
  EXPECT_EQ(body("GET", "/secrets/n"), "404");
}

TEST_F(RouterTest, PathIsSplitBeforeItIsDecoded) {
  router.add(Method::get, "/a/{name}", says("a"));
  router.add(Method::get, "/plain text/{rest*}", says("rest"));
  EXPECT_EQ(body("GET", "/a/x%2Fy"), "a|x/y");
  EXPECT_EQ(body("GET", "/%61/x%20y+z"), "a|x y+z");
  EXPECT_EQ(body("GET", "/plain%20text/b%20c/d"), "rest|b c/d");
}

TEST_F(RouterTest, PlainTextGoesBeforeParametersWhateverTheOrderOfAdding) {
  router.add(Method::get, "/{rest*}", says("rest"));
  router.add(Method::get, "/{a}/{b}", says("two"));
  router.add(Method::get, "/a/{b}", says("a"));
  router.add(Method::get, "/a/b", says("ab"));
  EXPECT_EQ(body("GET", "/a/b"), "ab");
  EXPECT_EQ(body("GET", "/a/c"), "a|c");
  EXPECT_EQ(body("GET", "/c/b"), "two|c|b");
  EXPECT_EQ(body("GET", "/c/b/d"), "rest|c/b/d");
}

TEST_F(RouterTest, PatternWithoutTheMethodStepsAside) {
  router.add(Method::get, "/{name}", says("any"));
  router.add(Method::put, "/a", says("put a"));
  EXPECT_EQ(body("GET", "/a"), "any|a");
  EXPECT_EQ(body("PUT", "/a"), "put a");
  EXPECT_EQ(ask("DELETE", "/a").headers.find("Allow"), "GET, PUT");
}

TEST_F(RouterTest, TargetInAbsoluteFormIsRoutedByItsPath) {
  router.add(Method::get, "/", says("root"));
  router.add(Method::get, "/a", says("a"));
  EXPECT_EQ(body("GET", "http://host:80/a?b=c"), "a&b=c");
  EXPECT_EQ(body("GET", "http://host"), "root");
  EXPECT_EQ(body("GET", "host:443"), "404");
}

TEST_F(RouterTest, RefusalsHaveTheirStatus) {
  router.add(Method::get, "/a/{name}", says("a"));
  struct Row {
    std::string method;
    std::string target;
    int status;
  };
  const Row rows[] = {
      {"GET", "/b", 404},        {"POST", "/a/x", 405},  {"HEAD", "/a/x", 405},
      {"BREW", "/a/x", 501},     {"BREW", "/b", 501},    {"GET", "/a/%zz", 400},
      {"GET", "/unknown%", 400}, {"GET", "/a/x?%", 400},
  };
  for (const auto& [method, target, status] : rows) {
    EXPECT_EQ(ask(method, target).status, status) << method << " " << target;
  }
  EXPECT_EQ(ask("POST", "/a/x").headers.find("Allow"), "GET");
  EXPECT_EQ(ask("GET", "/b").headers.find("Allow"), std::nullopt);
}

TEST_F(RouterTest, ServiceShapesItsRefusals) {
  router.add(Method::get, "/a", says("a"));
  router.on_refusal([](const Request& request, int status) {
    return json_response(status, request.target + std::to_string(status));
  });
  EXPECT_EQ(ask("GET", "/b").body, "/b404");
  const Response refused = ask("PUT", "/a");
  EXPECT_EQ(refused.body, "/a405");
  EXPECT_EQ(refused.headers.find("Allow"), "GET");
}

TEST_F(RouterTest, HandlerSurvivesMoveOfTheRouter) {
  router.add(Method::get, "/a", says("a"));
  Handler handler = router.handler();
  const Router moved = std::move(router);
  Request request;
  request.target = "/a";
  Response answer;
  IoContext context;
  run_to_end(context, keep_answer(handler, request, &answer));
  EXPECT_EQ(answer.body, "a");
}

TEST(RouterDeath, SameRouteTwiceIsADefect) {
  Router router;
  router.add(Method::get, "/a/{x}", says("1"));
  EXPECT_DEATH(router.add(Method::get, "/a/{y}", says("2")), "");
  EXPECT_DEATH(router.add(Method::get, "a", says("3")), "");
  EXPECT_DEATH(router.add(Method::get, "/{rest*}/a", says("4")), "");
}

Task<Response> noting(std::string& notes, const Request& request, Match& match,
                      const RouteHandler& route) {
  match.request_id = "seven";
  Response response = co_await route(request, match);
  notes += std::string(match.route) + " " + std::to_string(response.status) + "\n";
  co_return response;
}

TEST_F(RouterTest, SurroundingsSeeEveryRouteAndRefusalAndGiveTheMatchMore) {
  std::string notes;
  router.around([&](const Request& request, Match& match, const RouteHandler& route) {
    return noting(notes, request, match, route);
  });
  router.add(Method::get, "/codes/{id}",
             [](const Request&, const Match& match) { return ok_with(match.request_id); });
  EXPECT_EQ(body("GET", "/codes/1"), "seven");
  ask("POST", "/codes/1");
  ask("GET", "/none");
  ask("GET", "/%zz");
  ask("GET", "/codes/1?a=%zz");
  EXPECT_EQ(notes, "/codes/{id} 200\n 405\n 404\n 400\n 400\n");
}

}  // namespace
}  // namespace latchkey::http
