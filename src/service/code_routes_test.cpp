#include "service/code_routes.hpp"

#include "service/testing/api_fixture.hpp"

namespace latchkey::service {
namespace {

using std::chrono::seconds;
using testing::ApiTest;

constexpr const char* kUnknownId = "/api/v1/codes/019a0b5e-9f30-7c1d-8a44-0d6f3b1c2e75";

TEST_F(ApiTest, ACodesStateIsShownAndNeverTheCode) {
  const auto issued = issue(R"({"subject":"a\"da","purpose":"sign-in","lifetime":60})");
  const std::string path = "/api/v1/codes/" + text(issued, "id");
  const auto pending = get(path);
  EXPECT_EQ(pending.status, 200);
  EXPECT_EQ(pending.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(boost::json::parse(pending.body).as_object().size(), 6U);
  for (const char* same : {"id", "timestamp", "expires"}) {
    EXPECT_EQ(text(pending, same), text(issued, same));
  }
  EXPECT_EQ(text(pending, "subject"), "a\"da");
  EXPECT_EQ(text(pending, "purpose"), "sign-in");
  EXPECT_EQ(text(pending, "state"), "pending");
  EXPECT_EQ(pending.body.find(text(issued, "code")), std::string::npos);
  watch();
  EXPECT_EQ(text(get(path), "state"), "valid");
  EXPECT_EQ(text(get(path), "state"), "valid") << "looking uses nothing up";
  clock_.advance(seconds{60});
  EXPECT_EQ(text(get(path), "state"), "expired");
}

TEST_F(ApiTest, AUsedCodeIsShownAsUsed) {
  const auto issued = issue();
  watch();
  verify(text(issued, "code"));
  EXPECT_EQ(text(get("/api/v1/codes/" + text(issued, "id")), "state"), "used");
}

TEST_F(ApiTest, AnUnknownIdIsNotFound) {
  for (const std::string& path :
       {std::string(kUnknownId), std::string("/api/v1/codes/x"),
        std::string("/api/v1/codes/%00%27--"), std::string("/api/v1/codes/revoke")}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(problem(answer), "no-such-code");
  }
  EXPECT_EQ(problem(post(std::string(kUnknownId) + "/revoke")), "no-such-code");
}

TEST_F(ApiTest, ARevokedCodeIsRefusedAndMayBeRevokedAgain) {
  const auto issued = issue();
  watch();
  const std::string path = "/api/v1/codes/" + text(issued, "id");
  for (int i = 0; i < 2; ++i) {
    const auto answer = post(path + "/revoke");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"id":")" + text(issued, "id") + R"(","state":"revoked"})");
  }
  EXPECT_EQ(verify(text(issued, "code")).status, 403);
  EXPECT_EQ(text(get(path), "state"), "revoked");
}

TEST_F(ApiTest, AUsedCodeCannotBeRevoked) {
  const auto issued = issue();
  watch();
  verify(text(issued, "code"));
  const auto answer = post("/api/v1/codes/" + text(issued, "id") + "/revoke");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(problem(answer), "code-already-used");
}

TEST_F(ApiTest, AllCodesOfASubjectAreRevokedOrThoseOfOnePurpose) {
  const auto sign_in = issue(R"({"subject":"ada","purpose":"sign-in"})");
  const auto pay = issue(R"({"subject":"ada","purpose":"pay"})");
  const auto other = issue(R"({"subject":"bob","purpose":"pay"})");
  watch();
  const auto one = post("/api/v1/codes/revoke", R"({"subject":"ada","purpose":"pay"})");
  EXPECT_EQ(one.body, R"({"revoked":1})");
  EXPECT_EQ(one.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(text(get("/api/v1/codes/" + text(sign_in, "id")), "state"), "valid");
  EXPECT_EQ(post("/api/v1/codes/revoke", R"({"subject":"ada"})").body, R"({"revoked":1})");
  EXPECT_EQ(post("/api/v1/codes/revoke", R"({"subject":"ada"})").body, R"({"revoked":0})");
  EXPECT_EQ(verify(text(sign_in, "code"), R"(,"subject":"ada","purpose":"sign-in")").status, 403);
  EXPECT_EQ(verify(text(other, "code"), R"(,"subject":"bob","purpose":"pay")").status, 200);
}

TEST_F(ApiTest, WithoutASubjectNothingIsRevoked) {
  const auto issued = issue();
  watch();
  EXPECT_EQ(problem(post("/api/v1/codes/revoke", "{}")), "bad-body");
  EXPECT_EQ(verify(text(issued, "code")).status, 200);
}

TEST_F(ApiTest, ATableThatDoesNotAnswerIsUnavailableToAdministrators) {
  table_.failure = fail(ErrorKind::storage, "Disk", "said by a test").value();
  EXPECT_EQ(problem(get(kUnknownId)), "table-unavailable");
  EXPECT_EQ(problem(post(std::string(kUnknownId) + "/revoke")), "table-unavailable");
  EXPECT_EQ(problem(post("/api/v1/codes/revoke", R"({"subject":"ada"})")), "table-unavailable");
}

/// Each call asks for its own role.
class RolesTest : public ApiTest {
 protected:
  int status(http::Method method, const std::string& path, std::string_view roles) {
    GatekeeperOptions options;
    options.bearer = [roles](Secret) { return claims(std::string(roles)); };
    Gatekeeper gatekeeper(std::move(options), audit_);
    Api api({issuer_, verifier_, directory_, idempotency_, gatekeeper, readiness_});
    http::Request request;
    request.method = method;
    request.target = path;
    request.headers = {{"Authorization", "Bearer x"}};
    const http::Handler handler = api.handler();
    return latchkey::testing::await(context_, handler(request)).status;
  }
  static Task<Result<BearerClaims>> claims(std::string role) {
    co_return BearerClaims{.client_id = "app-1", .roles = {role}};
  }
};

TEST_F(RolesTest, EachCallAsksForItsOwnRoleBeforeItLooksAtTheBody) {
  using http::Method;
  const std::tuple<Method, std::string, std::string_view, int> rows[] = {
      {Method::get, "/api/v1/getcode", "Codes.Issue", 200},
      {Method::post, "/api/v1/codes", "Codes.Issue", 411},
      {Method::post, "/api/v1/verify", "Codes.Verify", 411},
      {Method::post, "/api/v1/codes/revoke", "Codes.Admin", 411},
      {Method::get, kUnknownId, "Codes.Admin", 404},
      {Method::post, std::string(kUnknownId) + "/revoke", "Codes.Admin", 404},
  };
  for (const auto& [method, path, needed, allowed] : rows) {
    for (const auto& [role, name] : kRoleNames) {
      EXPECT_EQ(status(method, path, name), name == needed ? allowed : 403) << path << ' ' << name;
    }
  }
  for (const char* open : {"/", "/openapi.json", "/healthz", "/readyz"}) {
    EXPECT_EQ(status(Method::get, open, "none"), 200) << open;
  }
}

}  // namespace
}  // namespace latchkey::service
