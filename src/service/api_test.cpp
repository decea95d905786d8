#include "service/api.hpp"

#include <gtest/gtest.h>

#include "azure/key_vault_client.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/code_hasher.hpp"
#include "codes/sqlite_code_table.hpp"
#include "http/testing/fake_http_client.hpp"
#include "service/problem.hpp"
#include "service/random_number.hpp"

namespace latchkey::service {
namespace {

using http::Method;
using http::Request;
using http::Response;

Error error_of(ErrorKind kind, std::string code, int http_status) {
  return {.kind = kind,
          .code = std::move(code),
          .message = "said by a test",
          .retry_after = {},
          .request_id = {},
          .http_status = http_status};
}

TEST(FailedIssue, GivesTheNumberApisOwnErrorStatusAndTheWalkthroughsSentence) {
  for (const int status : {400, 401, 403, 404, 429, 500, 503}) {
    const auto answer = answer_for_failed_issue(error_of(ErrorKind::unavailable, "X", status));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, "Could not get you a code.");
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
  }
}

TEST(FailedIssue, IsABadGatewayOrATimeoutWhenNoErrorStatusCame) {
  const std::tuple<ErrorKind, int, int> rows[] = {{ErrorKind::unavailable, 0, 502},
                                                  {ErrorKind::protocol, 200, 502},
                                                  {ErrorKind::protocol, 302, 502},
                                                  {ErrorKind::timeout, 0, 504}};
  for (const auto& [kind, upstream, status] : rows) {
    const auto answer = answer_for_failed_issue(error_of(kind, "X", upstream));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, kNoCode);
  }
}

TEST(FailedIssue, OfOurOwnStoresIsUnavailableWithARetryTime) {
  for (const char* code : {"QueueUnavailable", "TableUnavailable"}) {
    const auto answer = answer_for_failed_issue(error_of(ErrorKind::denied, code, 403));
    EXPECT_EQ(answer.status, 503) << code;
    EXPECT_EQ(answer.headers.find("Content-Type"), "application/problem+json");
    EXPECT_TRUE(answer.headers.contains("Retry-After"));
  }
}

/// The API over a real table; the number API and the queue are the world's edge.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    auto table = codes::open_sqlite_code_table("");
    table_ = std::move(*table);
    verifier_ = std::make_unique<codes::Verifier>(*table_, hasher_, clock_);
    credential_ = azure::make_default_credential({}, http_, clock_, context_.get_executor());
    vault_ = std::move(*azure::KeyVaultClient::create("https://v.vault.azure.net", *credential_,
                                                      http_, clock_, random_));
    key_ = std::make_unique<azure::CachedSecret>(*vault_, "key", clock_, context_.get_executor());
    number_ =
        std::make_unique<codes::NumberApi>(*http::parse_url("http://number.test/"), *key_, http_);
    queue_ = std::make_unique<azure::QueueClient>(
        *azure::queue_address_from_url("https://a.queue.core.windows.net/code-requests",
                                       credential_.get()),
        http_, clock_, random_);
    issuer_ = std::make_unique<codes::Issuer>(
        codes::Issuer::Dependencies{*number_, *queue_, *table_, hasher_, clock_, random_},
        codes::LifetimeRules{});
    api_ = std::make_unique<Api>(*issuer_, *verifier_, readiness_);
  }

  Response call(Method method, std::string target, std::string body = {}) {
    Request request;
    request.method = method;
    request.method_name = http::to_string(method);
    request.target = std::move(target);
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Content-Length", std::to_string(body.size()));
    request.body = std::move(body);
    Response response;
    struct Runner {
      static Task<> run(http::Handler handler, const Request& request, Response& response) {
        response = co_await handler(request);
      }
    };
    run_to_end(context_, Runner::run(api_->handler(), request, response));
    return response;
  }

  /// A row as issuer and watcher leave it, without them.
  void put_row(std::string_view code, codes::CodeState state) {
    codes::CodeRow row;
    row.key = hasher_.hash(code);
    row.key_id = hasher_.key_id();
    row.issued = clock_.now();
    row.expires = clock_.now() + std::chrono::seconds{600};
    row.state = state;
    struct Runner {
      static Task<> run(codes::CodeTable& table, codes::CodeRow row) {
        auto done = co_await table.insert(std::move(row));
        EXPECT_TRUE(done && *done);
      }
    };
    run_to_end(context_, Runner::run(*table_, row));
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  http::testing::FakeHttpClient http_;
  codes::CodeHasher hasher_{Secret("pepper"), "1"};
  Readiness readiness_{clock_};
  std::unique_ptr<codes::CodeTable> table_;
  std::unique_ptr<codes::Verifier> verifier_;
  std::unique_ptr<azure::TokenCredential> credential_;
  std::unique_ptr<azure::KeyVaultClient> vault_;
  std::unique_ptr<azure::CachedSecret> key_;
  std::unique_ptr<codes::NumberApi> number_;
  std::unique_ptr<azure::QueueClient> queue_;
  std::unique_ptr<codes::Issuer> issuer_;
  std::unique_ptr<Api> api_;
};

TEST_F(ApiTest, AValidCodeIsAcceptedOnceAndThenRefused) {
  put_row("ojE-161-pTv", codes::CodeState::valid);
  const auto first = call(Method::post, "/api/v1/verify", R"({"code":"ojE-161-pTv"})");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, R"({"accepted":true})");
  const auto second = call(Method::post, "/api/v1/verify", R"({"code":"ojE-161-pTv"})");
  EXPECT_EQ(second.status, 403);
}

TEST_F(ApiTest, UnknownUsedExpiredAndMisformedCodesGetTheSameAnswer) {
  put_row("abC-1-dEf", codes::CodeState::used);
  put_row("abC-2-dEf", codes::CodeState::revoked);
  put_row("abC-3-dEf", codes::CodeState::valid);
  const auto unknown = call(Method::post, "/api/v1/verify", R"({"code":"zzz-9-zzz"})");
  EXPECT_EQ(unknown.status, 403);
  for (const char* body : {R"({"code":"abC-1-dEf"})", R"({"code":"abC-2-dEf"})",
                           R"({"code":"no code"})", R"({"code":""})"}) {
    EXPECT_EQ(call(Method::post, "/api/v1/verify", body).body, unknown.body) << body;
  }
  clock_.advance(std::chrono::seconds{600});
  EXPECT_EQ(call(Method::post, "/api/v1/verify", R"({"code":"abC-3-dEf"})").body, unknown.body);
}

TEST_F(ApiTest, AUserFasterThanTheWatcherIsToldToTryAgain) {
  put_row("ojE-161-pTv", codes::CodeState::pending);
  const auto answer = call(Method::post, "/api/v1/verify", R"({"code":"ojE-161-pTv"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
}

TEST_F(ApiTest, UnknownPathsAndMethodsHaveProblemDetails) {
  EXPECT_EQ(call(Method::get, "/api/v2/getcode").status, 404);
  const auto wrong = call(Method::get, "/api/v1/verify");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.find("Allow"), "POST");
  EXPECT_EQ(wrong.headers.find("Content-Type"), "application/problem+json");
  EXPECT_EQ(call(Method::head, "/api/v1/getcode").status, 405) << "HEAD must not issue a code";
}

TEST_F(ApiTest, AnUnreachableVaultGivesTheSentenceAndNoCode) {
  const auto answer = call(Method::get, "/api/v1/getcode");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.body, kNoCode);
}

TEST_F(ApiTest, HomePageLinksToTheApi) {
  const auto page = call(Method::get, "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("href=\"/api/v1/getcode\""), std::string::npos);
}

Task<Result<>> fine() {
  co_return Result<>{};
}
Task<Result<>> broken(int& asked) {
  ++asked;
  co_return fail(ErrorKind::unavailable, "QueueUnavailable",
                 "queue code-requests cannot be reached");
}

TEST_F(ApiTest, ReadinessNamesWhatIsMissingAndAsksOncePerWhile) {
  int asked = 0;
  readiness_.add("table", [] { return fine(); });
  readiness_.add("queue", [&asked] { return broken(asked); });
  const auto answer = call(Method::get, "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("queue code-requests cannot be reached"), std::string::npos);
  call(Method::get, "/readyz");
  EXPECT_EQ(asked, 1);
  clock_.advance(std::chrono::seconds{2});
  call(Method::get, "/readyz");
  EXPECT_EQ(asked, 2);
}

TEST_F(ApiTest, TheNumberFunctionGivesOneToAThousand) {
  const auto handler = random_number_function(random_);
  bool seen_one = false;
  bool seen_thousand = false;
  for (int i = 0; i < 20'000; ++i) {
    Response response;
    struct Runner {
      static Task<> run(const http::Handler& handler, const Request& request, Response& response) {
        response = co_await handler(request);
      }
    };
    const Request request;
    run_to_end(context_, Runner::run(handler, request, response));
    seen_one |= response.body == R"({"value": 1})";
    seen_thousand |= response.body == R"({"value": 1000})";
    ASSERT_NE(response.body, R"({"value": 0})");
    ASSERT_NE(response.body, R"({"value": 1001})");
  }
  EXPECT_TRUE(seen_one && seen_thousand);
}

}  // namespace
}  // namespace latchkey::service
