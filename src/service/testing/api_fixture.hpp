#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "azure/queue_shards.hpp"
#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/fake_queues.hpp"
#include "codes/testing/fake_vault.hpp"
#include "codes/testing/table_wrapper.hpp"
#include "codes/watcher.hpp"
#include "http/testing/fake_http_client.hpp"
#include "service/api.hpp"

namespace latchkey::service::testing {

/// The whole API over real issuer, watcher, verifier and tables; number API, vault and queue are
/// the world's edge.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    queues_.messages("code-requests");  // makes the queue
    number_http_.answer_with([](const http::ClientRequest&) -> Result<http::Response> {
      return http::json_response(200, R"({"value":161})");
    });
  }

  http::Response call(http::Method method, std::string target, std::string body = {},
                      http::Headers headers = {}) {
    http::Request request;
    request.method = method;
    request.method_name = http::to_string(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Content-Length", std::to_string(body.size()));
    request.body = std::move(body);
    request.peer_address = "192.0.2.7";
    const http::Handler handler = api_.handler();
    return latchkey::testing::await(context_, handler(request));
  }
  http::Response get(std::string target) { return call(http::Method::get, std::move(target)); }
  http::Response post(std::string target, std::string body = {}, http::Headers headers = {}) {
    return call(http::Method::post, std::move(target), std::move(body), std::move(headers));
  }

  static std::string text(const http::Response& response, std::string_view member) {
    const auto document = boost::json::parse(response.body);
    return std::string(std::string_view(document.at(member).as_string()));
  }
  /// The last part of the problem's type.
  static std::string problem(const http::Response& response) {
    EXPECT_EQ(response.headers.find("Content-Type"), "application/problem+json") << response.body;
    EXPECT_EQ(response.headers.find("Cache-Control"), "no-store");
    return text(response, "type").substr(std::string_view("urn:latchkey:problem:").size());
  }

  /// A new code's answer; it is not active yet.
  http::Response issue(std::string body = "{}") {
    auto response = post("/api/v1/codes", std::move(body));
    EXPECT_EQ(response.status, 201) << response.body;
    return response;
  }
  /// The watcher's turn: what has been issued becomes active.
  void watch() {
    const auto messages = latchkey::testing::await(context_, watcher_.run_once());
    EXPECT_TRUE(messages) << messages.error().message;
  }
  http::Response verify(const std::string& code, const std::string& more = {},
                        http::Headers headers = {}) {
    return post("/api/v1/verify", R"({"code":")" + code + "\"" + more + "}", std::move(headers));
  }

  static azure::QueueAddress queue_address() {
    return azure::queue_address_from_url(
               "https://store.queue.core.windows.net/code-requests?sv=x&sig=y", nullptr)
        .value();
  }

  class Notes final : public codes::Audit {
   public:
    void record(const codes::AuditEvent& event) override { callers.emplace_back(event.caller); }
    std::vector<std::string> callers;
  };

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  Notes audit_;
  codes::testing::FakeQueues queues_{clock_, random_};
  azure::QueueClient queue_{queue_address(), queues_, clock_, random_, {.attempts_max = 1}};
  azure::QueueShards queues_of_issuer_{{queue_}, clock_};
  http::testing::FakeHttpClient number_http_;
  codes::testing::FakeVault vault_{"function-key"};
  azure::CachedSecret number_key_{vault_, "third-party-api-key", clock_, context_.get_executor()};
  codes::NumberApi number_api_{http::parse_url("https://numbers.example/api/RandomNumber").value(),
                               number_key_, number_http_};
  codes::CodeTables tables_ = codes::open_sqlite_tables({}).value();
  codes::testing::TableWrapper table_{*tables_.codes};
  codes::CodeHasher hasher_{Secret("pepper"), "v1"};
  codes::RateLimiter issues_{clock_, {}, {}};
  codes::RateLimiter failures_{clock_, {}, {}};
  azure::ServerClock server_clock_{clock_, std::chrono::seconds{1}};
  codes::Limits limits_{};
  codes::Issuer issuer_{
      {number_api_, queues_of_issuer_, table_, hasher_, issues_, audit_, clock_, random_},
      {.rules = {}, .limits = limits_}};
  codes::Verifier verifier_{{table_, hasher_, failures_, audit_, clock_}, limits_};
  codes::Watcher watcher_{
      {queue_, table_, hasher_, server_clock_, audit_, clock_, random_, context_.get_executor()},
      {}};
  codes::CodeDirectory directory_{table_, audit_, clock_};
  codes::Idempotency idempotency_{*tables_.answers, hasher_, clock_, random_};
  Gatekeeper gatekeeper_{{.open = true}, audit_};
  Readiness readiness_{clock_};
  Api api_{{issuer_, verifier_, directory_, idempotency_, gatekeeper_, readiness_}};
};

}  // namespace latchkey::service::testing
