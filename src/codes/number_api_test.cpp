#include "codes/number_api.hpp"

#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "codes/testing/fake_vault.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;

class NumberApiTest : public ::testing::Test {
 protected:
  Result<std::int64_t> get() { return await(context, api.get_number()); }

  IoContext context;
  latchkey::testing::ManualClock clock;
  testing::FakeVault vault{"key-1"};
  azure::CachedSecret key{vault, "third-party-api-key", clock, context.get_executor()};
  http::testing::FakeHttpClient http;
  NumberApi api{http::parse_url("https://numbers.example/api/RandomNumber?code=geheim").value(),
                key, http};
};

TEST_F(NumberApiTest, SendsTheKeyAsAzureFunctionsExpectsIt) {
  http.queue(http::json_response(200, R"({"value": 161})"));
  EXPECT_EQ(get().value(), 161);
  ASSERT_EQ(http.calls.size(), 1U);
  const auto& call = http.calls[0];
  EXPECT_EQ(call.method, http::Method::get);
  EXPECT_EQ(call.url.target(), "/api/RandomNumber?code=geheim");
  EXPECT_EQ(call.headers.find("x-functions-key"), "key-1");
  EXPECT_EQ(call.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(call.timeout, 5s);
}

TEST_F(NumberApiTest, ReadsTheKeyOnce) {
  for (int i = 0; i < 3; ++i) http.queue(http::json_response(200, R"({"value":1})"));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(get());
  EXPECT_EQ(vault.reads, 1);
}

TEST_F(NumberApiTest, ARotatedKeyCostsOneMoreCallAndNoRestart) {
  http.answer_with([](const http::ClientRequest& request) -> Result<http::Response> {
    const bool fresh = request.headers.find("x-functions-key") == "key-2";
    return fresh ? http::json_response(200, R"({"value":7})") : http::text_response(401, "");
  });
  EXPECT_EQ(get().error().http_status, 401);
  EXPECT_EQ(http.calls.size(), 1U);  // The vault was read a moment ago: the same key is no use.
  vault.value = "key-2";
  clock.advance(60s);
  EXPECT_EQ(get().value(), 7);
  EXPECT_EQ(http.calls.size(), 3U);
  EXPECT_EQ(get().value(), 7);
  EXPECT_EQ(http.calls.size(), 4U);
}

TEST_F(NumberApiTest, KeepsTheStatusOfARefusal) {
  struct Row {
    int status;
    ErrorKind kind;
  };
  const Row rows[] = {
      {400, ErrorKind::protocol},  {401, ErrorKind::denied},      {403, ErrorKind::denied},
      {404, ErrorKind::not_found}, {408, ErrorKind::timeout},     {429, ErrorKind::throttled},
      {204, ErrorKind::protocol},  {500, ErrorKind::unavailable}, {503, ErrorKind::unavailable},
      {302, ErrorKind::protocol},  {504, ErrorKind::timeout},
  };
  for (const Row& row : rows) {
    auto response = http::text_response(row.status, "geheim");
    response.headers.add("Retry-After", "7");
    http.answer_with(
        [&](const http::ClientRequest&) -> Result<http::Response> { return response; });
    const auto number = get();
    ASSERT_FALSE(number) << row.status;
    EXPECT_EQ(number.error().kind, row.kind) << row.status;
    EXPECT_EQ(number.error().code, "NumberApiStatus");
    EXPECT_EQ(number.error().http_status, row.status);
    EXPECT_EQ(number.error().retry_after, 7s);
    EXPECT_NE(number.error().message.find("numbers.example"), std::string::npos);
    EXPECT_EQ(number.error().message.find("geheim"), std::string::npos);
    EXPECT_EQ(number.error().message.find("key-1"), std::string::npos);
  }
}

TEST_F(NumberApiTest, NoAnswerIsUnreachable) {
  for (const auto kind : {ErrorKind::unavailable, ErrorKind::timeout, ErrorKind::protocol}) {
    http.queue(fail(kind, "ConnectionRefused", "numbers.example:443 refused"));
    const auto number = get();
    ASSERT_FALSE(number);
    EXPECT_EQ(number.error().kind, kind);
    EXPECT_EQ(number.error().code, "NumberApiUnreachable");
    EXPECT_EQ(number.error().http_status, 0);
  }
}

TEST_F(NumberApiTest, AVaultThatRefusesTheKeyIsNoAnswerOfTheNumberApi) {
  vault.failure =
      fail(ErrorKind::denied, "ForbiddenByRbac", "assign Key Vault Secrets User").value();
  vault.failure->http_status = 403;
  const auto number = get();
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().kind, ErrorKind::denied);
  EXPECT_EQ(number.error().code, "NumberApiKey");
  EXPECT_EQ(number.error().http_status, 0);
  EXPECT_NE(number.error().message.find("Key Vault Secrets User"), std::string::npos);
  EXPECT_TRUE(http.calls.empty());
}

TEST_F(NumberApiTest, AnAnswerWithoutANumberIsAProtocolError) {
  http.queue(http::json_response(200, R"({"number":1})"));
  const auto number = get();
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().kind, ErrorKind::protocol);
  EXPECT_EQ(number.error().code, "NumberApiAnswer");
  EXPECT_EQ(number.error().http_status, 0);
}

TEST(NumberAnswer, IsAWholeNumberOrATextOfOne) {
  struct Row {
    std::string body;
    std::optional<std::int64_t> number;
  };
  const Row rows[] = {
      {R"({"value":161})", 161},
      {R"( {"x": [1], "value" : 0} )", 0},
      {R"({"value":9999999999999})", 9'999'999'999'999},
      {R"({"value":"161"})", 161},
      {R"({"value":10000000000000})", std::nullopt},
      {R"({"value":18446744073709551615})", std::nullopt},
      {R"({"value":-1})", std::nullopt},
      {R"({"value":"-1"})", std::nullopt},
      {R"({"value":" 1"})", std::nullopt},
      {R"({"value":""})", std::nullopt},
      {R"({"value":1.5})", std::nullopt},
      {R"({"value":1e3})", std::nullopt},
      {R"({"value":true})", std::nullopt},
      {R"({"value":null})", std::nullopt},
      {R"({"value":[1]})", std::nullopt},
      {R"({"Value":1})", std::nullopt},
      {R"({})", std::nullopt},
      {R"(161)", std::nullopt},
      {R"([161])", std::nullopt},
      {R"()", std::nullopt},
      {R"({"value":161)", std::nullopt},
      {R"({"value":1,"x":)" + std::string(20'000, '['), std::nullopt},
      {R"({"value":1})" + std::string(64 * 1024, ' '), std::nullopt},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(parse_number_answer(row.body), row.number) << row.body.substr(0, 60);
  }
}

}  // namespace
}  // namespace latchkey::codes
