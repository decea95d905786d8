#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "codes/code_directory.hpp"
#include "codes/testing/temporary_folder.hpp"
#include "codes/testing/world.hpp"
#include "service/sign_in/sign_in.hpp"

namespace latchkey::service::sign_in::testing {

using latchkey::testing::await;

/// Where messages leave the world: kept, or lost when `fails`.
class FakeDelivery final : public Delivery {
 public:
  Task<Result<>> deliver(Message message) override {
    if (fails) co_return fail(ErrorKind::unavailable, "NoGateway", "said by a test");
    messages.push_back(std::move(message));
    co_return Result<>{};
  }
  std::vector<Message> messages;
  bool fails = false;
};

/// Sign-in over real codes, with two users, alice and bob; the password of both is kPassword.
struct SignInWorld : codes::testing::World {
  static constexpr const char* kPassword = "correct horse";

  explicit SignInWorld(SignInOptions sign_in_options = {})
      : sign_in({issuer, verifier, directory, hasher, audit, users, delivery, clock, random,
                 context.get_executor()},
                std::move(sign_in_options)) {
    for (const char* name : {"alice", "bob"}) {
      EXPECT_TRUE(add_user(users_file, name, Secret(kPassword), random, {4, 1, 1}));
    }
    sign_in.add_routes(router);
  }
  ~SignInWorld() { run_to_end(context, sign_in.finish()); }

  /// The newest code that was delivered, made valid by the watcher.
  std::string code() {
    watch(watcher);
    return delivery.messages.empty() ? "none" : std::string(delivery.messages.back().code.reveal());
  }

  codes::testing::TemporaryFolder folder;
  const std::filesystem::path users_file = folder.path() / "users.json";
  UserStore users{users_file};
  FakeDelivery delivery;
  codes::CodeDirectory directory{table, audit, clock};
  codes::Watcher watcher{for_watcher(), {}};
  SignIn sign_in;
  http::Router router;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A browser: keeps cookies, posts the token of the page that it shows.
class Browser {
 public:
  explicit Browser(SignInWorld& world) : world_(world) {}

  http::Response get(std::string target) { return send(http::Method::get, std::move(target), {}); }
  /// With the token of the newest page, unless `fields` name one.
  http::Response post(std::string target, Fields fields) {
    if (with_token) fields.emplace_back("csrf", token);
    std::string body;
    for (const auto& [name, value] : fields) {
      body += (body.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
    }
    return send(http::Method::post, std::move(target), std::move(body));
  }
  /// What `response` leads to.
  http::Response follow(const http::Response& response) {
    EXPECT_EQ(response.status, 303) << response.body;
    return get(std::string(response.headers.find("Location").value_or("/nowhere")));
  }
  /// Up to the page that asks for the code.
  http::Response claim(const std::string& name, const std::string& password) {
    get("/sign-in");
    return follow(post("/sign-in", {{"name", name}, {"password", password}}));
  }
  void sign_in(const std::string& name) {
    claim(name, SignInWorld::kPassword);
    const auto answer = post("/sign-in/code", {{"code", world_.code()}});
    EXPECT_EQ(answer.headers.find("Location"), "/account") << answer.body;
    follow(answer);
  }
  bool is_signed_in() { return get("/account").status == 200; }

  std::map<std::string, std::string> cookies;
  std::string token;
  std::string address = "127.0.0.1";
  std::string host = "localhost:8080";
  bool tls = false;
  bool with_token = true;
  http::Headers more;           ///< sent with every request
  std::string last_set_cookie;  ///< of the newest answer that had one

 private:
  http::Response send(http::Method method, std::string target, std::string body) {
    http::Request request;
    request.method = method;
    request.method_name = to_string(method);
    request.target = std::move(target);
    request.headers = more;
    request.headers.add("Host", host);
    request.peer_address = address;
    request.over_tls = tls;
    if (method == http::Method::post) {
      request.headers.add("Content-Type", "application/x-www-form-urlencoded");
      request.headers.add("Content-Length", std::to_string(body.size()));
    }
    request.body = std::move(body);
    for (const auto& [name, value] : cookies) request.headers.add("Cookie", name + "=" + value);
    auto response = await(world_.context, world_.router.route(request));
    run_to_end(world_.context, world_.sign_in.finish());  // A code on its way arrives.
    keep(response);
    return response;
  }

  void keep(const http::Response& response) {
    for (const auto field : response.headers) {
      if (field.name != "Set-Cookie") continue;
      last_set_cookie = field.value;
      const auto pair = field.value.substr(0, field.value.find(';'));
      const auto equals = pair.find('=');
      const std::string name(pair.substr(0, equals));
      if (field.value.find("Max-Age=0") != std::string_view::npos) {
        cookies.erase(name);
      } else {
        cookies[name] = pair.substr(equals + 1);
      }
    }
    static constexpr std::string_view kToken = "name=\"csrf\" value=\"";
    if (const auto at = response.body.find(kToken); at != std::string::npos) {
      token = response.body.substr(at + kToken.size(), 32);
    }
  }

  SignInWorld& world_;
};

inline bool contains(const http::Response& response, std::string_view words) {
  return response.body.find(words) != std::string::npos;
}

}  // namespace latchkey::service::sign_in::testing
