#include "wire/connection_string.hpp"

#include <gtest/gtest.h>

namespace latchkey::wire {
namespace {

TEST(ConnectionString, ReadsEveryFormThatAzureHandsOut) {
  struct Row {
    std::string_view text, endpoint, account, key, sas;
  };
  const Row rows[] = {
      {"UseDevelopmentStorage=true", "http://127.0.0.1:10001/devstoreaccount1", "devstoreaccount1",
       kDevelopmentKey, ""},
      {"usedevelopmentstorage=TRUE;", "http://127.0.0.1:10001/devstoreaccount1", "devstoreaccount1",
       kDevelopmentKey, ""},
      {"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://emulator/",
       "http://emulator:10001/devstoreaccount1", "devstoreaccount1", kDevelopmentKey, ""},
      {"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5;"
       "EndpointSuffix=core.windows.net",
       "https://acc.queue.core.windows.net", "acc", "a2V5", ""},
      {"AccountName=acc;AccountKey=a2V5", "https://acc.queue.core.windows.net", "acc", "a2V5", ""},
      {"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=a2V5;EndpointSuffix=local:10001",
       "http://acc.queue.local:10001", "acc", "a2V5", ""},
      {" AccountName = acc ; AccountKey = a2V5= ; ;", "", "", "", ""},
      {"AccountName=acc;AccountKey=a2U=;QueueEndpoint=https://localhost:8443/acc/",
       "https://localhost:8443/acc", "acc", "a2U=", ""},
      {"BlobEndpoint=https://acc.blob.core.windows.net/;"
       "QueueEndpoint=https://acc.queue.core.windows.net/"
       ";SharedAccessSignature=?sv=1&ss=q&sig=x%3D",
       "https://acc.queue.core.windows.net", "", "", "sv=1&ss=q&sig=x%3D"},
      {"AccountName=acc;SharedAccessSignature=sv=1&sig=x", "https://acc.queue.core.windows.net", "",
       "", "sv=1&sig=x"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_connection_string(row.text);
    if (row.endpoint.empty()) {
      EXPECT_FALSE(parsed) << row.text;
      continue;
    }
    ASSERT_TRUE(parsed) << row.text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->endpoint, row.endpoint) << row.text;
    EXPECT_EQ(parsed->account, row.account) << row.text;
    EXPECT_EQ(parsed->account_key.reveal(), row.key) << row.text;
    EXPECT_EQ(parsed->sas, row.sas) << row.text;
  }
}

TEST(ConnectionString, ReadsTheTablesEndpoint) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"UseDevelopmentStorage=true", "http://127.0.0.1:10002/devstoreaccount1"},
      {"AccountName=acc;AccountKey=a2V5", "https://acc.table.core.windows.net"},
      {"AccountName=acc;AccountKey=a2V5;QueueEndpoint=http://q;TableEndpoint=http://t/acc/",
       "http://t/acc"},
  };
  for (const auto& [text, endpoint] : rows) {
    const auto parsed = parse_connection_string(text, StorageService::table);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(parsed->endpoint, endpoint) << text;
  }
  const auto missing = parse_connection_string(
      "QueueEndpoint=https://h;SharedAccessSignature=sig=x", StorageService::table);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("TableEndpoint"), std::string::npos);
}

TEST(ConnectionString, NamesThePartThatIsMissingOrWrong) {
  struct Row {
    std::string_view text, named;
  };
  const Row rows[] = {
      {"", "AccountKey or SharedAccessSignature is missing"},
      {"nonsense", "no '='"},
      {"UseDevelopmentStorage=yes", "UseDevelopmentStorage"},
      {"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=emulator",
       "DevelopmentStorageProxyUri"},
      {"AccountKey=a2V5", "AccountName"},
      {"AccountKey=a2V5;QueueEndpoint=https://h", "AccountName"},
      {"AccountName=acc", "AccountKey"},
      {"AccountName=acc;AccountName=acc;AccountKey=a2V5", "AccountName stands twice"},
      {"AccountName=acc;AccountKey=", "AccountKey is empty"},
      {"AccountName=a/b;AccountKey=a2V5", "AccountName"},
      {"AccountName=a.b;AccountKey=a2V5", "AccountName"},
      {"AccountName=acc;AccountKey=a2V5;DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol"},
      {"AccountName=acc;AccountKey=a2V5;EndpointSuffix=a/b", "EndpointSuffix"},
      {"AccountName=acc;AccountKey=a2V5;QueueEndpoint=acc.queue", "QueueEndpoint"},
      {"AccountName=acc;AccountKey=a2V5;QueueEndpoint=https://", "QueueEndpoint"},
      {"AccountName=acc;AccountKey=a2V5;QueueEndpoint=https://h/?a=b", "QueueEndpoint"},
      {"AccountName=acc;AccountKey=a2V5;SharedAccessSignature=sig=x", "not both"},
      {"SharedAccessSignature=sig=x", "QueueEndpoint"},
      {"AccountName=acc;SharedAccessSignature=sv=1", "no sig"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_connection_string(row.text);
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(parsed.error().code, "InvalidConnectionString");
    EXPECT_NE(parsed.error().message.find(row.named), std::string::npos)
        << row.text << ": " << parsed.error().message;
  }
}

TEST(ConnectionString, NeverShowsTheKeyInAnError) {
  for (std::string_view text : {"AccountName=acc;AccountKey=hunter2!", "AccountName=acc;hunter2",
                                "AccountName=a/b;AccountKey=hunter2=",
                                "QueueEndpoint=x;SharedAccessSignature=sig=hunter2"}) {
    const auto parsed = parse_connection_string(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace latchkey::wire
