#include "cloud/functions/functions_host.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace latchkey::cloud
