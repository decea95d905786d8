#include "app/code_table_settings.hpp"

#include <gtest/gtest.h>

namespace latchkey::app {
namespace {

Result<CodeTableSettings> read(const char* url, const char* file = "", const char* secret = "") {
  Environment environment;
  environment.set("CODE_TABLE_URL", url);
  environment.set("CODE_TABLE_FILE", file);
  environment.set("CODE_TABLE_SECRET_NAME", secret);
  return read_code_table_settings(environment, "/data");
}

TEST(CodeTableSettings, NameAFile) {
  EXPECT_EQ(read("")->file, "/data/codes.db");
  EXPECT_EQ(read("", "/x/y.db")->file, "/x/y.db");
  EXPECT_EQ(read("sqlite:/x/y.db")->file, "/x/y.db");
}

TEST(CodeTableSettings, NameARedis) {
  const auto with_token = read("rediss://object-id@cache.redis.azure.net:10000");
  ASSERT_TRUE(with_token) << with_token.error().message;
  EXPECT_TRUE(with_token->file.empty());
  EXPECT_EQ(with_token->redis->user, "object-id");
  EXPECT_EQ(with_token->shown(), "Redis at cache.redis.azure.net:10000");
  EXPECT_EQ(read("redis://u@cache.example", "", "redis-password")->secret_name, "redis-password");
  EXPECT_TRUE(read("redis://u:pass-word@localhost:6400/1"));
  EXPECT_TRUE(read("redis://cache.example"));
}

TEST(CodeTableSettings, NameATableOfAzure) {
  const auto by_url = read("https://acct.table.core.windows.net/codes?sv=1&sig=pass-word");
  ASSERT_TRUE(by_url) << by_url.error().message;
  EXPECT_TRUE(by_url->is_azure_table());
  EXPECT_TRUE(by_url->file.empty());
  EXPECT_EQ(by_url->shown(), "Azure table at https://acct.table.core.windows.net/codes");
  Environment environment;
  environment.set("CODE_TABLE_URL", "azure-table:codes");
  environment.set("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true");
  const auto by_key = read_code_table_settings(environment, "/data");
  ASSERT_TRUE(by_key) << by_key.error().message;
  EXPECT_EQ(by_key->azure_name, "codes");
  EXPECT_EQ(by_key->shown(), "Azure table codes");
}

TEST(CodeTableSettings, ThatAreWrongGiveOneLineWithoutThePassword) {
  struct Row {
    const char* url;
    const char* file;
    const char* secret;
    const char* expected;
  };
  const Row rows[] = {
      {"sqlite:/x.db", "/y.db", "", "CODE_TABLE_FILE is set as well"},
      {"sqlite:", "", "", "it begins with"},
      {"/x.db", "", "", "it begins with"},
      {"redis://localhost:x", "", "", "CODE_TABLE_URL is \"redis://localhost:x\""},
      {"rediss://u:pass-word@cache.example", "", "", "a password is no setting"},
      {"rediss://u:pass-word/@cache.example", "", "", "CODE_TABLE_URL is "},
      {"rediss://:pass-word@localhost", "", "redis-password", "a password is no setting"},
      {"redis://object-id@cache.example", "", "", "goes through TLS only"},
      {"rediss://cache.example?key=pass-word", "", "", "the only option is replicas"},
      {"ftp://u:pass-word@cache.example", "", "", "it begins with"},
      {"https://a.table.core.windows.net/codes?sig=pass-word", "", "x", "has no password for"},
      {"azure-table:codes", "", "", "AZURE_STORAGE_CONNECTION_STRING is not set"},
  };
  for (const Row& row : rows) {
    const auto settings = read(row.url, row.file, row.secret);
    ASSERT_FALSE(settings) << row.url;
    EXPECT_NE(settings.error().message.find(row.expected), std::string::npos)
        << settings.error().message;
    EXPECT_EQ(settings.error().message.find("pass-word"), std::string::npos)
        << settings.error().message;
  }
}

}  // namespace
}  // namespace latchkey::app
