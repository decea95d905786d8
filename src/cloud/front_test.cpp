#include "cloud/front.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "cloud/testing/ask.hpp"

namespace latchkey::cloud {
namespace {

http::Handler saying(const char* name) {
  return [name](const http::Request&) {
    const auto answer = [](std::string text) -> Task<http::Response> {
      co_return http::text_response(200, std::move(text));
    };
    return answer(name);
  };
}

TEST(Front, ChoosesByHostElseByPath) {
  const auto front = make_front({saying("vault"), saying("login"), saying("management")});
  struct Row {
    const char* host;
    const char* target;
    const char* service;
  };
  const Row rows[] = {
      {"latchkey.vault.localhost:8443", "/secrets/n?api-version=7.4", "vault"},
      {"latchkey.vault.localhost:8443", "/anything", "vault"},
      {"vault.localhost", "/secrets", "vault"},
      {"localhost:8443", "/secrets", "vault"},
      {"localhost:8443", "/secrets/n/", "vault"},
      {"127.0.0.1:8443", "/deletedsecrets?api-version=7.4", "vault"},
      {"localhost:8443", "/secretsauce/oauth2/token", "login"},
      {"localhost:8443", "/tenant/oauth2/v2.0/token", "login"},
      {"localhost:8443", "/common/discovery/instance", "login"},
      {"login.localhost:8443", "/secrets/oauth2/token", "login"},
      {"management.localhost:8443", "/anything", "management"},
      {"localhost:8443", "/subscriptions/s/resourceGroups", "management"},
      {"localhost:8443", "/providers/Microsoft.Authorization/roleAssignments", "management"},
      {"localhost", "/", "login"},
  };
  for (const auto& row : rows) {
    const auto response = testing::ask(front, http::Method::get, row.target, {{"Host", row.host}});
    EXPECT_EQ(response.body, row.service) << row.host << row.target;
  }
}

std::string& last_line() {
  static std::string line;
  return line;
}

TEST(RequestLog, SaysWhatWasAskedButNotTheQuery) {
  log::configure(log::Level::debug, log::Format::text);
  log::set_sink([](std::string_view line) { last_line() = line; });
  const auto logged = with_request_log("functions", saying("x"));
  testing::ask(logged, http::Method::get, "/api/RandomNumber?code=hidden");
  log::set_sink(nullptr);
  log::configure(log::Level::info, log::Format::text);
  EXPECT_NE(last_line().find("/api/RandomNumber"), std::string::npos);
  EXPECT_NE(last_line().find("200"), std::string::npos);
  EXPECT_EQ(last_line().find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
