#include "azure/table_client.hpp"

#include <gtest/gtest.h>

#include "azure/testing/client_fixture.hpp"
#include "azure/testing/fake_credential.hpp"
#include "base/time_text.hpp"
#include "wire/shared_key.hpp"

namespace latchkey::azure {
namespace {
using testing::answer;

constexpr const char* kTable = "https://acct.table.core.windows.net/codes";
constexpr const char* kEtag = "W/\"datetime'2020-04-15T16%3A54%3A48.8165Z'\"";

http::Response failure(int status, const std::string& code) {
  return answer(status, R"({"odata.error":{"code":")" + code +
                            R"(","message":{"lang":"en-US","value":"What is wrong.\nTime:x"}}})");
}

Result<http::Response> no_answer() {
  return fail(ErrorKind::timeout, "ResponseTimeout", "acct: no answer");
}

wire::TableEntity entity() {
  return {.partition_key = "c-ab", .row_key = "ab01", .etag = kEtag, .properties = {{"a", "b"}}};
}

struct TableClientTest : testing::ClientFixture {
  TableClient client() {
    return TableClient(table_address_from_url(kTable, &credential).value(), http, clock, random);
  }

  testing::FakeCredential credential;
};

TEST_F(TableClientTest, InsertsAnEntityWithoutHavingItSentBack) {
  http.queue(answer(204));
  TableClient table = client();
  const Trace trace = make_trace(random, true);
  const auto written = run(table.insert(entity(), trace));
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_TRUE(written->done);
  EXPECT_FALSE(written->repeated);
  EXPECT_EQ(call().method, http::Method::post);
  EXPECT_EQ(call().url.to_string(), kTable);
  EXPECT_EQ(call().body, R"({"PartitionKey":"c-ab","RowKey":"ab01","a":"b"})");
  EXPECT_EQ(call().trace, trace);
  EXPECT_EQ(header("Prefer"), "return-no-content");
  EXPECT_EQ(header("If-Match"), "none");
  EXPECT_EQ(header("Accept"), "application/json;odata=nometadata");
  EXPECT_EQ(header("DataServiceVersion"), "3.0;NetFx");
  EXPECT_EQ(header("x-ms-version"), TableClient::kApiVersion);
  EXPECT_EQ(header("x-ms-date"), to_rfc1123(clock.now()));
  EXPECT_EQ(header("Authorization"), "Bearer token-1");
  EXPECT_EQ(credential.resources, std::vector<std::string>{"https://storage.azure.com"});
}

TEST_F(TableClientTest, WritesOnlyWhatIsAsItWasRead) {
  const std::string path = std::string(kTable) + "(PartitionKey='c-ab',RowKey='ab01')";
  TableClient table = client();
  http.queue(answer(204));
  ASSERT_TRUE(run(table.update(entity()))->done);
  http.queue(answer(204));
  ASSERT_TRUE(run(table.remove("c-ab", "ab01", kEtag))->done);
  const http::Method methods[] = {http::Method::put, http::Method::delete_};
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(call(i).method, methods[i]);
    EXPECT_EQ(call(i).url.to_string(), path);
    EXPECT_EQ(header("If-Match", i), kEtag);
    EXPECT_EQ(call(i).replayable, false);
  }
}

TEST_F(TableClientTest, ThatSomebodyElseWasFirstIsAnAnswer) {
  TableClient table = client();
  http.queue(failure(409, "EntityAlreadyExists"));
  EXPECT_FALSE(run(table.insert(entity()))->done);
  for (const auto& gone :
       {failure(412, "UpdateConditionNotSatisfied"), failure(404, "ResourceNotFound")}) {
    http.queue(gone);
    EXPECT_FALSE(run(table.update(entity()))->done);
    http.queue(gone);
    EXPECT_FALSE(run(table.remove("c-ab", "ab01", kEtag))->done);
  }
}

TEST_F(TableClientTest, SaysWhenAnEarlierTryMayHaveDoneIt) {
  TableClient table = client();
  http.queue(no_answer());
  http.queue(failure(412, "UpdateConditionNotSatisfied"));
  const auto written = run(table.update(entity()));
  ASSERT_TRUE(written);
  EXPECT_FALSE(written->done);
  EXPECT_TRUE(written->repeated);
  EXPECT_EQ(header("x-ms-client-request-id", 0), header("x-ms-client-request-id", 1));
}

TEST_F(TableClientTest, ARefusedTokenIsNoTryThatMayHaveDoneIt) {
  TableClient table = client();
  http.queue(failure(401, "InvalidAuthenticationInfo"));
  http.queue(failure(409, "EntityAlreadyExists"));
  const auto written = run(table.insert(entity()));
  ASSERT_TRUE(written);
  EXPECT_FALSE(written->repeated);
  EXPECT_EQ(header("Authorization", 1), "Bearer token-2");
}

TEST_F(TableClientTest, GetsAnEntityWithItsEtag) {
  TableClient table = client();
  http.queue(answer(200, R"({"PartitionKey":"p","RowKey":"r","Timestamp":"2020","n":"7"})",
                    {{"ETag", kEtag}}));
  const auto got = run(table.get("p'q", "r"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ((*got)->etag, kEtag);
  EXPECT_EQ((*got)->number("n"), 7);
  EXPECT_EQ(call().url.to_string(), std::string(kTable) + "(PartitionKey='p%27%27q',RowKey='r')");
  http.queue(failure(404, "ResourceNotFound"));
  EXPECT_FALSE(run(table.get("p", "r")).value());
}

TEST_F(TableClientTest, AnEntityWithoutEtagCannotBeUsed) {
  TableClient table = client();
  http.queue(answer(200, R"({"PartitionKey":"p","RowKey":"r"})"));
  EXPECT_EQ(run(table.get("p", "r")).error().kind, ErrorKind::protocol);
}

TEST_F(TableClientTest, QueriesPageByPage) {
  TableClient table = client();
  http.queue(answer(200,
                    R"({"odata.metadata":"x","value":[{"odata.etag":"e","PartitionKey":"p",)"
                    R"("RowKey":"r"}]})",
                    {{"x-ms-continuation-NextPartitionKey", "1!8!cA--"},
                     {"x-ms-continuation-NextRowKey", "1!8!cg--"}}));
  const auto page = run(table.query({.filter = "PartitionKey eq 'p'", .top = 7}));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->entities.size(), 1U);
  EXPECT_EQ(page->entities[0].etag, "e");
  EXPECT_EQ(call().url.to_string(),
            std::string(kTable) + "()?$filter=PartitionKey%20eq%20%27p%27&$top=7");
  http.queue(answer(200, R"({"value":[]})"));
  const auto last = run(table.query({.filter = "f", .top = 7, .from = page->next}));
  EXPECT_TRUE(
      call(1).url.query.ends_with("&NextPartitionKey=1%218%21cA--&NextRowKey=1%218%21cg--"));
  EXPECT_FALSE(last->next);
}

TEST_F(TableClientTest, MakesTheTableThatIsMissing) {
  TableClient table = client();
  http.queue(failure(404, "TableNotFound"));
  http.queue(failure(409, "TableAlreadyExists"));  // Another copy was first.
  http.queue(answer(204));
  EXPECT_TRUE(run(table.insert(entity()))->done);
  EXPECT_EQ(call(1).url.to_string(), "https://acct.table.core.windows.net/Tables");
  EXPECT_EQ(call(1).body, R"({"TableName":"codes"})");
  EXPECT_EQ(call(2).body, call(0).body);
}

TEST_F(TableClientTest, FailuresNameTheTableAndTheRemedy) {
  TableClient table = client();
  http.queue(failure(403, "AuthorizationPermissionMismatch"));
  const auto denied = run(table.get("p", "r"));
  EXPECT_EQ(denied.error().kind, ErrorKind::denied);
  EXPECT_NE(denied.error().message.find("table codes: What is wrong."), std::string::npos);
  EXPECT_NE(denied.error().message.find("Storage Table Data Contributor"), std::string::npos);
  http.answer_with([](const http::ClientRequest&) { return failure(503, "ServerBusy"); });
  const auto busy = run(table.get("p", "r"));
  EXPECT_EQ(busy.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(busy.error().code, "ServerBusy");
}

TEST_F(TableClientTest, SignsWithTheAccountsKey) {
  const auto address = table_address_from_connection_string("UseDevelopmentStorage=true", "codes");
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->url.to_string(), "http://127.0.0.1:10002/devstoreaccount1/codes");
  TableClient table(*address, http, clock, random);
  http.queue(answer(204));
  ASSERT_TRUE(run(table.insert(entity())));
  const std::string date = to_rfc1123(clock.now());
  const std::string text =
      "POST\n\napplication/json\n" + date + "\n/devstoreaccount1/devstoreaccount1/codes";
  EXPECT_EQ(header("Authorization"),
            "SharedKey devstoreaccount1:" +
                wire::sign_with_key(text, Secret(std::string(wire::kDevelopmentKey))));
}

TEST_F(TableClientTest, ASignatureInTheUrlGoesAlong) {
  const auto address = table_address_from_url(std::string(kTable) + "?sv=1&sig=x%3D", nullptr);
  ASSERT_TRUE(address);
  TableClient table(*address, http, clock, random);
  http.queue(answer(204));
  ASSERT_TRUE(run(table.insert(entity())));
  EXPECT_EQ(call().url.query, "sv=1&sig=x%3D");
  EXPECT_EQ(header("Authorization"), "none");
}

TEST_F(TableClientTest, RefusesAddressesThatNameNoTable) {
  for (const char* text :
       {"https://acct.table.core.windows.net/", "https://acct.table.core.windows.net/1codes",
        "https://acct.table.core.windows.net/my-codes",
        "https://acct.table.core.windows.net/tables", "http://acct.table.core.windows.net/codes"}) {
    EXPECT_FALSE(table_address_from_url(text, &credential)) << text;
  }
}

}  // namespace
}  // namespace latchkey::azure
