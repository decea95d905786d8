#include "cloud/functions/functions_host.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "cloud/testing/functions_fixture.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::HeaderFields;

using FunctionsHostTest = testing::FunctionsFixture;

TEST_F(FunctionsHostTest, WhoMayCallRowByRow) {
  const auto mine = key("RandomNumber");
  const auto other = key("Other");
  const auto master = key(KeyOwner::master(), "_master");
  const auto host = key(KeyOwner::host(), "default");
  set_key(KeyOwner::system(), "extension", "a-system-key");
  const std::string system = "a-system-key";
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
      {"admin with a system key", "/api/Secured", header(system), 401},
      {"system with the function's key", "/api/Webhook", header(key("Webhook")), 401},
      {"system with the host's key", "/api/Webhook", header(host), 401},
      {"system with a system key", "/api/Webhook", header(system), 200},
      {"system with the master key", "/api/Webhook", header(master), 200},
      {"function with a system key", "/api/RandomNumber", header(system), 200},
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
  EXPECT_NE(first, key(KeyOwner::host(), "default"));
  EXPECT_NE(key(KeyOwner::host(), "default"), key(KeyOwner::master(), "_master"));
  EXPECT_EQ(key("Nothing"), "");
  EXPECT_EQ(key("RandomNumber", "nothing"), "");
  open();
  EXPECT_EQ(key("RandomNumber"), first);
}

TEST_F(FunctionsHostTest, ASetKeyReplacesTheMadeOneAndStays) {
  const auto made = key("RandomNumber");
  set_key(KeyOwner::function("RandomNumber"), "default", "chosen");
  set_key(KeyOwner::function("randomnumber"), "second", "another");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(key("RandomNumber"), "chosen");
    EXPECT_EQ(call("/api/RandomNumber?code=chosen"), 200);
    EXPECT_EQ(call("/api/RandomNumber?code=another"), 200);
    EXPECT_EQ(call("/api/RandomNumber?code=" + made), 401);
    EXPECT_EQ(call("/api/Other?code=chosen"), 401);
    open();
  }
}

TEST_F(FunctionsHostTest, RoutesMethodsAndDisabledFunctions) {
  const auto add_route = [this](std::string name, std::vector<Method> methods, std::string route,
                                bool is_disabled = false) {
    host_->add({.name = name,
                .methods = std::move(methods),
                .level = AuthLevel::anonymous,
                .handler = [this, name](const http::Request&) { return called(name); },
                .route = std::move(route),
                .is_disabled = is_disabled});
  };
  add_route("any", {Method::get}, "api/v1/{id}");
  add_route("exact", {Method::get}, "api/v1/verify");
  add_route("posted", {Method::post}, "api/v1/{id}");
  add_route("off", {Method::get}, "api/v1/verify/off", true);
  add_route("triggered", {}, "");
  add_route("root", {Method::get}, "plain");
  const std::tuple<Method, const char*, const char*> rows[] = {
      {Method::get, "/api/v1/7", "any"},       {Method::get, "/api/v1/verify", "exact"},
      {Method::post, "/api/v1/7", "posted"},   {Method::post, "/api/v1/verify", "posted"},
      {Method::get, "/api/v1/verify/off", ""}, {Method::get, "/api/triggered", ""},
      {Method::get, "/plain", "root"},         {Method::get, "/api/plain", ""}};
  for (const auto& [method, path, function] : rows) {
    last_body_ = "";
    EXPECT_EQ(call(path, {}, method), *function == '\0' ? 404 : 200) << path;
    EXPECT_EQ(last_body_, function) << path;
  }
  add_route("exact", {Method::get}, "api/other");
  EXPECT_EQ(call("/api/other"), 200) << "it made way";
  call("/api/v1/verify");
  EXPECT_EQ(last_body_, "any");
}

}  // namespace
}  // namespace latchkey::cloud
