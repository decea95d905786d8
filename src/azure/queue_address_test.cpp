#include <gtest/gtest.h>

#include "azure/queue_client.hpp"
#include "azure/testing/fake_credential.hpp"

namespace latchkey::azure {
namespace {

TEST(QueueAddress, ReadsHostStyleAndPathStyleUrls) {
  testing::FakeCredential credential;
  struct Row {
    const char* text;
    const char* url;
  };
  const std::vector<Row> rows = {
      {"https://acct.queue.core.windows.net/code-requests",
       "https://acct.queue.core.windows.net/code-requests"},
      {"https://acct.queue.core.windows.net/code-requests/",
       "https://acct.queue.core.windows.net/code-requests"},
      {"https://localhost:10001/devstoreaccount1/code-requests",
       "https://localhost:10001/devstoreaccount1/code-requests"},
      {"https://127.0.0.1:10001/devstoreaccount1/code-requests",
       "https://127.0.0.1:10001/devstoreaccount1/code-requests"},
      {"https://[::1]:10001/devstoreaccount1/code-requests",
       "https://[::1]:10001/devstoreaccount1/code-requests"},
      {"https://azurite/devstoreaccount1/code-requests",
       "https://azurite/devstoreaccount1/code-requests"},
      {"https://host.docker.internal:10001/devstoreaccount1/code-requests",
       "https://host.docker.internal:10001/devstoreaccount1/code-requests"},
      {"https://acct.queue.localhost:8443/code-requests",
       "https://acct.queue.localhost:8443/code-requests"}};
  for (const Row& row : rows) {
    const auto address = queue_address_from_url(row.text, &credential);
    ASSERT_TRUE(address) << row.text << ": " << address.error().message;
    EXPECT_EQ(address->url.to_string(), row.url);
    EXPECT_EQ(address->credential, &credential);
  }
}

TEST(QueueAddress, RefusesWhatNamesNoQueueOrWouldSendATokenInClear) {
  testing::FakeCredential credential;
  for (const char* text :
       {"", "acct.queue.core.windows.net/q", "https://acct.queue.core.windows.net",
        "https://acct.queue.core.windows.net/", "https://acct.queue.core.windows.net/ab",
        "https://acct.queue.core.windows.net/Code-Requests",
        "https://acct.queue.core.windows.net/code--requests",
        "https://acct.queue.core.windows.net/-code", "https://acct.queue.core.windows.net/code-",
        "https://acct.queue.core.windows.net/code%2Drequests",
        "https://acct.queue.core.windows.net/code-requests/messages",
        "https://acct.queue.localhost:8443/acct/code-requests",
        "https://localhost:10001/devstoreaccount1", "https://localhost:10001//code-requests",
        "https://localhost:10001/a/devstoreaccount1/code-requests",
        "https://acct.queue.core.windows.net/code-requests?timeout=3",
        "http://acct.queue.core.windows.net/code-requests",
        "http://localhost:10001/devstoreaccount1/code-requests"}) {
    const auto address = queue_address_from_url(text, &credential);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().kind, ErrorKind::invalid_argument) << text;
  }
}

TEST(QueueAddress, ASignatureInTheUrlStandsForTheCredential) {
  testing::FakeCredential credential;
  constexpr const char* kUrl =
      "http://acct.queue.core.windows.net/code-requests?sv=2024-11-04&sig=abc%3D";
  const auto address = queue_address_from_url(kUrl, &credential);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->credential, nullptr);
  EXPECT_EQ(address->url.to_string(), kUrl);
}

TEST(QueueAddress, WithoutSignatureAndCredentialThereIsNoAddress) {
  const auto address =
      queue_address_from_url("https://acct.queue.core.windows.net/code-requests", nullptr);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, "NoCredential");
}

TEST(QueueAddress, MessagesNeverShowTheSignature) {
  for (const char* text :
       {"https://acct.queue.core.windows.net/?sig=s3cret", "https://a b/?sig=s3cret",
        "ftp://acct.queue.core.windows.net/code?sig=s3cret",
        "https://acct.queue.core.windows.net/BAD?sig=s3cret"}) {
    const auto address = queue_address_from_url(text, nullptr);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().message.find("s3cret"), std::string::npos) << text;
  }
}

TEST(QueueAddress, FromAConnectionStringWithAKey) {
  const auto address = queue_address_from_connection_string(
      "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=c2VjcmV0;"
      "EndpointSuffix=core.windows.net",
      "code-requests");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->url.to_string(), "https://acct.queue.core.windows.net/code-requests");
  EXPECT_EQ(address->account, "acct");
  EXPECT_EQ(address->account_key.reveal(), "c2VjcmV0");
  EXPECT_EQ(address->credential, nullptr);
}

TEST(QueueAddress, FromAConnectionStringOfTheEmulator) {
  const auto address =
      queue_address_from_connection_string("UseDevelopmentStorage=true", "code-requests");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->url.to_string(), "http://127.0.0.1:10001/devstoreaccount1/code-requests");
  EXPECT_EQ(address->account_key.reveal(), wire::kDevelopmentKey);
}

TEST(QueueAddress, FromAConnectionStringWithASignature) {
  const auto address = queue_address_from_connection_string(
      "QueueEndpoint=https://acct.queue.core.windows.net;SharedAccessSignature=sv=1&sig=x%3D",
      "code-requests");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->url.query, "sv=1&sig=x%3D");
  EXPECT_TRUE(address->account_key.empty());
}

TEST(QueueAddress, FromAConnectionStringRefusesABadNameOrText) {
  EXPECT_FALSE(queue_address_from_connection_string("UseDevelopmentStorage=true", "No_Queue"));
  EXPECT_FALSE(queue_address_from_connection_string("nonsense", "code-requests"));
}

}  // namespace
}  // namespace latchkey::azure
