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
      {"http://u:pass-word@cache.example", "", "", "it begins with"},
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
