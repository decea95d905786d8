#include "cloud/functions/functions_host.hpp"

#include <gtest/gtest.h>

#include "base/testing/seeded_random.hpp"
#include "cloud/testing/ask.hpp"
#include "cloud/testing/temporary_folder.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::HeaderFields;

class FunctionsHostTest : public ::testing::Test {
 protected:
  FunctionsHostTest() { open(); }
  void open() {
    host_.reset();
    writer_.reset();
    auto database = sqlite::Database::open(folder_.path() / "cloud.db");
    host_ = std::move(FunctionsHost::load(*database, random_).value());
    writer_ = std::make_unique<sqlite::Writer>(std::move(*database));
    host_->use_writer(*writer_);
    add("RandomNumber", AuthLevel::function);
    add("Other", AuthLevel::function);
    add("Open", AuthLevel::anonymous);
    add("Secured", AuthLevel::admin);
  }
  void add(std::string name, AuthLevel level) {
    host_->add({.name = std::move(name),
                .methods = {Method::get, Method::post},
                .level = level,
                .handler = [](const http::Request&) -> Task<http::Response> {
                  co_return http::json_response(200, R"({"value":7})");
                }});
  }
  std::string key(std::string_view function, std::string_view name = "default") {
    const auto found = host_->function_key(function, name);
    return found ? std::string(found->reveal()) : "";
  }
  int call(std::string target, const HeaderFields& fields = {}, Method method = Method::get) {
    const auto response = ask(host_->handler(), method, std::move(target), fields);
    if (response.status != 200) {
      EXPECT_EQ(response.body, "");
    }
    return response.status;
  }
  void set_key(std::string function, std::string name, std::string value) {
    IoContext context;
    run_to_end(context, [](FunctionsHost& host, std::string f, std::string n, Secret v) -> Task<> {
      auto set = co_await host.set_function_key(std::move(f), std::move(n), std::move(v));
      EXPECT_TRUE(set);
    }(*host_, std::move(function), std::move(name), Secret(std::move(value))));
  }

  testing::TemporaryFolder folder_;
  latchkey::testing::SeededRandom random_{1};
  std::unique_ptr<sqlite::Writer> writer_;
  std::unique_ptr<FunctionsHost> host_;
};

TEST_F(FunctionsHostTest, WhoMayCallRowByRow) {
  const auto mine = key("RandomNumber");
  const auto other = key("Other");
  const auto master = key("", "_master");
  const auto host = key("", "default");
  const auto header = [](const std::string& value) {
    return HeaderFields{{"x-functions-key", value}};
  };
  struct Row {
    const char* name;
    std::string target;
    HeaderFields fields;
    int status;
  };
  const Row rows[] = {
      {"no key", "/api/RandomNumber", {}, 401},
      {"key in the header", "/api/RandomNumber", header(mine), 200},
      {"key in the query", "/api/RandomNumber?code=" + mine, {}, 200},
      {"wrong key", "/api/RandomNumber", header(mine + "x"), 401},
      {"empty key", "/api/RandomNumber", header(""), 401},
      {"a part of the key", "/api/RandomNumber", header(mine.substr(0, 10)), 401},
      {"key of another function", "/api/RandomNumber", header(other), 401},
      {"key of the host", "/api/RandomNumber", header(host), 200},
      {"master key", "/api/RandomNumber", header(master), 200},
      {"the header goes before the query", "/api/RandomNumber?code=" + mine, header("wrong"), 401},
      {"an empty header too", "/api/RandomNumber?code=" + mine, header(""), 401},
      {"right header, wrong query", "/api/RandomNumber?code=wrong", header(mine), 200},
      {"name without case", "/API/randomNUMBER", header(mine), 200},
      {"slash at the end", "/api/RandomNumber/", header(mine), 200},
      {"anonymous", "/api/Open", {}, 200},
      {"anonymous with a wrong key", "/api/Open", header("wrong"), 200},
      {"admin with the function's key", "/api/Secured", header(key("Secured")), 401},
      {"admin with the host's key", "/api/Secured", header(host), 401},
      {"admin with the master key", "/api/Secured", header(master), 200},
      {"unknown function", "/api/Nothing", header(master), 404},
      {"no function", "/api/", header(master), 404},
      {"elsewhere", "/RandomNumber", header(master), 404},
      {"root", "/", {}, 404},
  };
  for (const auto& row : rows) EXPECT_EQ(call(row.target, row.fields), row.status) << row.name;
}

TEST_F(FunctionsHostTest, AMethodThatTheTriggerLacksIs404) {
  const HeaderFields fields{{"x-functions-key", key("RandomNumber")}};
  EXPECT_EQ(call("/api/RandomNumber", fields, Method::post), 200);
  EXPECT_EQ(call("/api/RandomNumber", fields, Method::put), 404);
  EXPECT_EQ(call("/api/RandomNumber", {}, Method::delete_), 404);
}

TEST_F(FunctionsHostTest, MadeKeysAreLongDifferentAndStay) {
  const auto first = key("RandomNumber");
  EXPECT_GE(first.size(), 40U);
  EXPECT_TRUE(first.ends_with("LkFn"));
  EXPECT_NE(first, key("Other"));
  EXPECT_NE(first, key("", "default"));
  EXPECT_NE(key("", "default"), key("", "_master"));
  EXPECT_EQ(key("Nothing"), "");
  EXPECT_EQ(key("RandomNumber", "nothing"), "");
  open();
  EXPECT_EQ(key("RandomNumber"), first);
}

TEST_F(FunctionsHostTest, ASetKeyReplacesTheMadeOneAndStays) {
  const auto made = key("RandomNumber");
  set_key("RandomNumber", "default", "chosen");
  set_key("randomnumber", "second", "another");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("RandomNumber"), "chosen");
    EXPECT_EQ(call("/api/RandomNumber?code=chosen"), 200);
    EXPECT_EQ(call("/api/RandomNumber?code=another"), 200);
    EXPECT_EQ(call("/api/RandomNumber?code=" + made), 401);
    EXPECT_EQ(call("/api/Other?code=chosen"), 401);
    open();
  }
}

}  // namespace
}  // namespace latchkey::cloud
