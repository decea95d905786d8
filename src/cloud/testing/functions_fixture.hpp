#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/testing/seeded_random.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/settings.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/temporary_folder.hpp"

namespace latchkey::cloud::testing {

/// A functions host with a function of each level, asked without sockets.
class FunctionsFixture : public ::testing::Test {
 protected:
  FunctionsFixture() { open(); }

  sqlite::Database database() {
    return std::move(sqlite::Database::open(folder_.path() / "cloud.db").value());
  }
  /// Reads the database again, as a new process would.
  void open() {
    host_.reset();
    writer_.reset();
    auto opened = database();
    EXPECT_TRUE(prepare_settings(opened));
    keys_ = std::move(FunctionKeys::load(opened, store_key_, random_).value());
    writer_ = std::make_unique<sqlite::Writer>(std::move(opened));
    keys_->use_writer(*writer_);
    host_ = std::make_unique<FunctionsHost>(*keys_);
    add("RandomNumber", AuthLevel::function);
    add("Other", AuthLevel::function);
    add("Open", AuthLevel::anonymous);
    add("Webhook", AuthLevel::system);
    add("Secured", AuthLevel::admin);
  }
  void add(std::string name, AuthLevel level) {
    host_->add({.name = std::move(name),
                .methods = {http::Method::get, http::Method::post},
                .level = level,
                .handler = [this](const http::Request& request) { return called(request.body); }});
  }
  Task<http::Response> called(std::string body) {
    last_body_ = std::move(body);
    co_return http::json_response(200, R"({"value":7})");
  }
  std::string key(const KeyOwner& owner, std::string_view name) {
    const auto* found = keys_->find(owner, name);
    return found == nullptr ? "" : std::string(found->value.reveal());
  }
  std::string key(std::string_view function, std::string_view name = "default") {
    return key(KeyOwner::function(function), name);
  }
  /// The status; what is refused must have no body.
  int call(std::string target, const HeaderFields& fields = {},
           http::Method method = http::Method::get) {
    const auto response = ask(host_->handler(), method, std::move(target), fields);
    if (response.status != 200) {
      EXPECT_EQ(response.body, "");
    }
    return response.status;
  }
  void set_key(KeyOwner owner, std::string name, std::string value) {
    IoContext context;
    run_to_end(context, [](FunctionKeys& keys, KeyOwner o, std::string n, Secret v) -> Task<> {
      auto set = co_await keys.set(std::move(o), std::move(n), std::move(v));
      EXPECT_TRUE(set);
    }(*keys_, std::move(owner), std::move(name), Secret(std::move(value))));
  }

  TemporaryFolder folder_;
  latchkey::testing::SeededRandom random_{1};
  StoreKey store_key_{Sha256{4, 5, 6}, random_};
  std::string last_body_;  ///< that a function was called with
  std::unique_ptr<FunctionKeys> keys_;
  std::unique_ptr<sqlite::Writer> writer_;
  std::unique_ptr<FunctionsHost> host_;
};

}  // namespace latchkey::cloud::testing
