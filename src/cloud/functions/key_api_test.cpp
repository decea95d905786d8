#include "cloud/functions/key_api.hpp"

#include <fmt/format.h>

#include "cloud/testing/functions_fixture.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;
using testing::ask;
using testing::HeaderFields;
using testing::json_member;

/// As the tables of before were.
constexpr const char* kOldTables =
    "CREATE TABLE functions_host(seed TEXT NOT NULL);"
    "INSERT INTO functions_host VALUES('plain-seed-of-the-keys');"
    "CREATE TABLE function_keys(function TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY(function, name));"
    "INSERT INTO function_keys VALUES('other', 'second', 'plain-function-key');";

class KeyApiTest : public testing::FunctionsFixture {
 protected:
  std::string master() { return key(KeyOwner::master(), "_master"); }
  http::Response send(Method method, std::string path, std::string body = {}) {
    return ask(host_->handler(), method, "/admin" + std::move(path),
               {{"x-functions-key", master()}, {"Host", "localhost:7071"}}, std::move(body));
  }
};

TEST_F(KeyApiTest, IsForTheMasterKeyAlone) {
  set_key(KeyOwner::system(), "extension", "a-system-key");
  struct Row {
    Method method;
    const char* path;
  };
  const Row rows[] = {{Method::get, "/admin/functions/Other/keys"},
                      {Method::get, "/admin/functions/Nothing/keys"},
                      {Method::get, "/admin/host/keys"},
                      {Method::get, "/admin/host/systemkeys/_master"},
                      {Method::put, "/admin/host/functionkeys/n"},
                      {Method::post, "/admin/functions/Other/keys/n"},
                      {Method::delete_, "/admin/functions/Other/keys/default"},
                      {Method::get, "/admin/host/status"},
                      {Method::post, "/admin/functions/Other"},
                      {Method::get, "/admin/nothing"},
                      {Method::get, "/admin/host/nothing"}};
  for (const auto& row : rows) {
    for (const auto& wrong : {std::string(), std::string("wrong"), std::string("a-system-key"),
                              key("Other"), key(KeyOwner::host(), "default")}) {
      EXPECT_EQ(call(row.path, {{"x-functions-key", wrong}}, row.method), 401) << row.path;
      EXPECT_EQ(call(row.path + ("?code=" + wrong), {}, row.method), 401) << row.path;
    }
    const auto master_in_query = row.path + ("?code=" + master());
    EXPECT_EQ(call(master_in_query, {{"x-functions-key", "wrong"}}, row.method), 401) << row.path;
    EXPECT_NE(ask(host_->handler(), row.method, master_in_query).status, 401) << row.path;
  }
  EXPECT_EQ(call("/admin/host/ping"), 200);
}

TEST_F(KeyApiTest, SetsGetsListsAndDeletesKeysOfEachOwner) {
  struct Row {
    const char* list;
    const char* opens;  ///< what a key of it opens
  };
  const Row rows[] = {{"/functions/Other/keys", "/api/Other"},
                      {"/host/keys", "/api/RandomNumber"},
                      {"/host/functionkeys", "/api/RandomNumber"},
                      {"/host/systemkeys", "/api/Webhook"}};
  for (const auto& row : rows) {
    const auto path = std::string(row.list) + "/Mine";
    EXPECT_EQ(send(Method::get, path).status, 404) << path;
    const auto made = send(Method::put, path, R"({"name":"Mine","value":"chosen-1"})");
    EXPECT_EQ(made.status, 201) << path;
    EXPECT_EQ(json_member(made.body, "name"), "Mine");
    EXPECT_EQ(json_member(made.body, "value"), "chosen-1");
    EXPECT_EQ(json_member(made.body, "links.0.href"), "http://localhost:7071/admin" + path);
    EXPECT_EQ(json_member(made.body, "links.0.rel"), "self");
    EXPECT_EQ(call(row.opens, {{"x-functions-key", "chosen-1"}}), 200) << path;
    EXPECT_EQ(send(Method::put, path, R"({"name":"Mine","value":"chosen-2"})").status, 200);
    EXPECT_EQ(call(row.opens, {{"x-functions-key", "chosen-1"}}), 401) << path;
    open();
    EXPECT_EQ(call(row.opens, {{"x-functions-key", "chosen-2"}}), 200) << path;
    EXPECT_EQ(send(Method::get, path).body, send(Method::get, path).body);
    EXPECT_EQ(json_member(send(Method::get, path).body, "value"), "chosen-2");
    const auto all = send(Method::get, row.list);
    EXPECT_NE(all.body.find(R"({"name":"Mine","value":"chosen-2"})"), std::string::npos);
    EXPECT_EQ(json_member(all.body, "links.0.href"),
              std::string("http://localhost:7071/admin") + row.list);
    const auto gone = send(Method::delete_, path);
    EXPECT_EQ(gone.status, 204) << path;
    EXPECT_EQ(gone.body, "");
    EXPECT_EQ(send(Method::delete_, path).status, 404) << path;
    EXPECT_EQ(send(Method::get, row.list).body.find("Mine"), std::string::npos);
    EXPECT_EQ(call(row.opens, {{"x-functions-key", "chosen-2"}}), 401) << path;
  }
}

TEST_F(KeyApiTest, MakesAValueOnRequest) {
  const auto made = send(Method::post, "/functions/Other/keys/n");
  EXPECT_EQ(made.status, 201);
  const auto first = json_member(made.body, "value");
  EXPECT_GE(first.size(), 40U);
  const auto again = send(Method::post, "/functions/Other/keys/n");
  EXPECT_EQ(again.status, 200);
  EXPECT_NE(json_member(again.body, "value"), first);
  EXPECT_EQ(call("/api/Other", {{"x-functions-key", json_member(again.body, "value")}}), 200);
}

TEST_F(KeyApiTest, TheMasterKeyCanBeChangedAndNotDeleted) {
  const auto old = master();
  EXPECT_EQ(json_member(send(Method::get, "/host/systemkeys/_master").body, "value"), old);
  EXPECT_EQ(send(Method::delete_, "/host/systemkeys/_master").status, 400);
  EXPECT_EQ(send(Method::put, "/host/systemkeys/_master", R"({"value":"new-master"})").status, 200);
  EXPECT_EQ(call("/admin/host/keys", {{"x-functions-key", old}}), 401);
  EXPECT_EQ(call("/api/Secured", {{"x-functions-key", "new-master"}}), 200);
  EXPECT_EQ(send(Method::get, "/host/keys").body.find("new-master"), std::string::npos);
  EXPECT_EQ(send(Method::get, "/host/systemkeys").body.find("new-master"), std::string::npos);
}

TEST_F(KeyApiTest, RefusalsRowByRow) {
  EXPECT_EQ(send(Method::put, "/host/keys/n", "{").status, 400);
  EXPECT_EQ(send(Method::put, "/host/keys/n", R"({"name":"n"})").status, 400);
  EXPECT_EQ(send(Method::put, "/host/keys/n", R"({"value":""})").status, 400);
  EXPECT_EQ(send(Method::get, "/host/otherkeys").status, 404);
  EXPECT_EQ(send(Method::get, "/functions/Nothing/keys").status, 404);
  EXPECT_EQ(send(Method::put, "/functions/Nothing/keys/n", R"({"value":"v"})").status, 404);
  EXPECT_EQ(send(Method::patch, "/host/keys/n").status, 405);
  EXPECT_EQ(send(Method::get, "/nothing").status, 404);
}

TEST_F(KeyApiTest, ADeletedDefaultKeyStaysDeleted) {
  const auto made = key("Other");
  EXPECT_EQ(send(Method::delete_, "/functions/other/keys/Default").status, 204);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(call("/api/Other", {{"x-functions-key", made}}), 401);
    EXPECT_EQ(call("/api/Other", {{"x-functions-key", ""}}), 401);
    EXPECT_EQ(json_member(send(Method::get, "/functions/Other/keys").body, "keys"), "[]");
    open();
  }
}

TEST_F(KeyApiTest, RunsAFunctionByHandAndTellsTheStatus) {
  EXPECT_EQ(send(Method::post, "/functions/other", R"({"input":"hello"})").status, 202);
  EXPECT_EQ(last_body_, "hello");
  EXPECT_EQ(send(Method::post, "/functions/other", "hello").status, 400);
  EXPECT_EQ(send(Method::post, "/functions/nothing", "{}").status, 404);
  EXPECT_EQ(json_member(send(Method::get, "/host/status").body, "state"), "Running");
}

TEST_F(KeyApiTest, KeysAreSealedAlsoThoseOfBefore) {
  EXPECT_EQ(send(Method::put, "/host/keys/n", R"({"value":"a-chosen-key"})").status, 201);
  host_.reset();
  writer_.reset();
  {
    auto old = database();
    ASSERT_TRUE(old.execute(std::string("DELETE FROM settings;") + kOldTables));
  }
  open();
  EXPECT_TRUE(keys_->had_plain());
  EXPECT_EQ(key("Other", "second"), "plain-function-key");
  EXPECT_EQ(key(KeyOwner::host(), "n"), "a-chosen-key");
  const auto made = key("Other");
  open();
  EXPECT_FALSE(keys_->had_plain());
  EXPECT_EQ(key("Other"), made);
  host_.reset();
  writer_.reset();  // The last connection: the write-ahead log is taken in.
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    for (const auto* text : {"plain-seed", "plain-function-key", "a-chosen-key"}) {
      EXPECT_FALSE(testing::file_holds(entry.path(), text)) << entry.path() << " " << text;
    }
  }
}

}  // namespace
}  // namespace latchkey::cloud
