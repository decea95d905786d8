#include "azure/queue_client.hpp"

#include <gtest/gtest.h>

#include "azure/testing/client_fixture.hpp"
#include "azure/testing/fake_credential.hpp"
#include "azure/testing/slow_http_client.hpp"
#include "azure/token_cache.hpp"
#include "base/time_text.hpp"
#include "wire/shared_key.hpp"
#include "wire/storage_error.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using testing::answer;

constexpr const char* kQueue = "https://acct.queue.core.windows.net/code-requests";
constexpr const char* kStorage = "https://storage.azure.com";

wire::QueueMessage message(std::string id, std::string text = {}) {
  wire::QueueMessage out;
  out.id = std::move(id);
  out.insertion_time = from_epoch_seconds(1'600'000'000);
  out.expiration_time = from_epoch_seconds(1'600'003'600);
  out.pop_receipt = "r+/=";
  out.time_next_visible = from_epoch_seconds(1'600'000'030);
  out.dequeue_count = 1;
  out.text = std::move(text);
  return out;
}

struct QueueClientTest : testing::ClientFixture {
  QueueClient client(RetryOptions retry = {}) {
    return QueueClient(queue_address_from_url(kQueue, &credential).value(), http, clock, random,
                       retry);
  }
  http::Response failure(std::string_view code) {
    return wire::render_storage_error(wire::storage_error(code), "request-1", clock.now());
  }

  testing::FakeCredential credential;
};

TEST_F(QueueClientTest, PutsAMessage) {
  http.queue(answer(201, wire::render_messages(wire::MessageAnswer::put, {message("m1")})));
  QueueClient queue = client();
  const auto put = run(
      queue.put("a < b", {.visibility_timeout = 600s, .time_to_live = std::chrono::seconds{3600}}));
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ(put->id, "m1");
  EXPECT_EQ(put->pop_receipt, "r+/=");
  EXPECT_EQ(call().method, http::Method::post);
  EXPECT_EQ(call().url.to_string(),
            std::string(kQueue) + "/messages?visibilitytimeout=600&messagettl=3600");
  EXPECT_EQ(call().body, wire::render_message_request("a < b"));
  EXPECT_EQ(header("Content-Type"), "application/xml");
  EXPECT_EQ(header("x-ms-version"), QueueClient::kApiVersion);
  EXPECT_EQ(header("x-ms-date"), to_rfc1123(clock.now()));
  EXPECT_EQ(header("x-ms-client-request-id").size(), 36U);
  EXPECT_EQ(header("Authorization"), "Bearer token-1");
  EXPECT_EQ(call().replayable, false);
  EXPECT_EQ(credential.resources, std::vector<std::string>{kStorage});
}

TEST_F(QueueClientTest, PutLeavesOutWhatIsNotSaid) {
  http.queue(answer(201, wire::render_messages(wire::MessageAnswer::put, {message("m1")})));
  QueueClient queue = client();
  ASSERT_TRUE(run(queue.put("x")));
  EXPECT_EQ(call().url.to_string(), std::string(kQueue) + "/messages");
}

TEST_F(QueueClientTest, GetsMessages) {
  http.queue(answer(200, wire::render_messages(wire::MessageAnswer::get,
                                               {message("m1", "one"), message("m2", "two")})));
  QueueClient queue = client();
  const auto got = run(queue.get({.count = 32, .visibility_timeout = 5s}));
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ((*got)[1].text, "two");
  EXPECT_EQ(call().method, http::Method::get);
  EXPECT_EQ(call().url.to_string(),
            std::string(kQueue) + "/messages?numofmessages=32&visibilitytimeout=5");
  EXPECT_EQ(call().replayable, false);
  EXPECT_EQ(header("Content-Type"), "none");
}

TEST_F(QueueClientTest, PeeksWithoutHiding) {
  http.queue(answer(200, wire::render_messages(wire::MessageAnswer::peek, {message("m1", "one")})));
  QueueClient queue = client();
  const auto got = run(queue.peek(7));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->at(0).text, "one");
  EXPECT_EQ(call().url.to_string(),
            std::string(kQueue) + "/messages?peekonly=true&numofmessages=7");
  EXPECT_EQ(call().replayable, true);
}

TEST_F(QueueClientTest, ListsTheAccountsQueuesPageByPage) {
  wire::QueueListing page;
  page.queues = {{.name = "code-requests", .metadata = {}}};
  page.next_marker = "/acct/d";
  http.queue(answer(200, wire::render_queue_listing(page)));
  QueueClient queue = client();
  const auto listed = run(queue.list_queues("co&", "/acct/c"));
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->queues.size(), 1U);
  EXPECT_EQ(listed->queues[0].name, "code-requests");
  EXPECT_EQ(listed->next_marker, "/acct/d");
  EXPECT_EQ(call().url.to_string(),
            "https://acct.queue.core.windows.net/?comp=list&prefix=co%26&marker=%2Facct%2Fc");
}

TEST_F(QueueClientTest, AListingThatIsNoneIsAProtocolError) {
  http.queue(answer(200, "<html>"));
  QueueClient queue = client();
  const auto listed = run(queue.list_queues(""));
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, ErrorKind::protocol);
}

TEST_F(QueueClientTest, UpdatesVisibilityAndTextWithThePercentEncodedReceipt) {
  const UtcTime next = from_epoch_seconds(1'600'000'600);
  for (const bool with_text : {false, true}) {
    http.calls.clear();
    http.queue(answer(
        204, "", {{"x-ms-popreceipt", "new+/="}, {"x-ms-time-next-visible", to_rfc1123(next)}}));
    QueueClient queue = client();
    const auto updated = run(queue.update(
        "m1", "r+/=", 600s, with_text ? std::optional<std::string>("text") : std::nullopt));
    ASSERT_TRUE(updated) << updated.error().message;
    EXPECT_EQ(updated->pop_receipt, "new+/=");
    EXPECT_EQ(updated->time_next_visible, next);
    EXPECT_EQ(call().method, http::Method::put);
    EXPECT_EQ(call().url.to_string(),
              std::string(kQueue) + "/messages/m1?popreceipt=r%2B%2F%3D&visibilitytimeout=600");
    EXPECT_EQ(call().body, with_text ? wire::render_message_request("text") : "");
  }
}

TEST_F(QueueClientTest, AnUpdateWithoutNewReceiptIsAProtocolError) {
  http.queue(answer(204));
  QueueClient queue = client();
  const auto updated = run(queue.update("m1", "r", 1s));
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, ErrorKind::protocol);
}

TEST_F(QueueClientTest, RemovesAMessage) {
  http.queue(answer(204));
  QueueClient queue = client();
  ASSERT_TRUE(run(queue.remove_message("m/1", "r+/=")));
  EXPECT_EQ(call().method, http::Method::delete_);
  EXPECT_EQ(call().url.to_string(), std::string(kQueue) + "/messages/m%2F1?popreceipt=r%2B%2F%3D");
}

TEST_F(QueueClientTest, ClearsCreatesAndRemovesAQueue) {
  struct Row {
    Task<Result<>> (*what)(QueueClient&);
    http::Method method;
    int status;
    const char* target;
  };
  const std::vector<Row> rows = {
      {[](QueueClient& q) { return q.clear(); }, http::Method::delete_, 204,
       "/code-requests/messages"},
      {[](QueueClient& q) { return q.create(); }, http::Method::put, 201, "/code-requests"},
      {[](QueueClient& q) { return q.create(); }, http::Method::put, 204, "/code-requests"},
      {[](QueueClient& q) { return q.remove(); }, http::Method::delete_, 204, "/code-requests"},
      {[](QueueClient& q) { return q.set_metadata({}); }, http::Method::put, 204,
       "/code-requests?comp=metadata"}};
  for (const Row& row : rows) {
    http.calls.clear();
    http.queue(answer(row.status));
    QueueClient queue = client();
    const auto done = run(row.what(queue));
    ASSERT_TRUE(done) << row.target << ": " << done.error().message;
    EXPECT_EQ(call().method, row.method) << row.target;
    EXPECT_EQ(call().url.target(), row.target);
  }
}

TEST_F(QueueClientTest, AQueueThatExistsIsAsGoodAsCreatedButOneBeingDeletedIsNot) {
  http.queue(failure("QueueAlreadyExists"));
  QueueClient queue = client();
  EXPECT_TRUE(run(queue.create({{"a", "b"}})));
  EXPECT_EQ(header("x-ms-meta-a"), "b");
  http.queue(failure("QueueBeingDeleted"));
  const auto created = run(queue.create());
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::conflict);
}

TEST_F(QueueClientTest, ReadsProperties) {
  http.queue(answer(200, "",
                    {{"x-ms-approximate-messages-count", "42"},
                     {"x-ms-meta-Owner", "me"},
                     {"X-Ms-Meta-b", "2"},
                     {"x-ms-version", "2024-11-04"}}));
  QueueClient queue = client();
  const auto properties = run(queue.properties());
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->approximate_message_count, 42);
  EXPECT_EQ(properties->metadata, (wire::Metadata{{"Owner", "me"}, {"b", "2"}}));
  EXPECT_EQ(call().url.target(), "/code-requests?comp=metadata");

  http.queue(answer(200));
  EXPECT_EQ(run(queue.properties()).error().kind, ErrorKind::protocol);
}

TEST_F(QueueClientTest, MetadataThatWouldBreakAHeaderIsNotSent) {
  QueueClient queue = client();
  for (const auto& [name, value] : wire::Metadata{
           {"a:b", "v"}, {"", "v"}, {"1a", "v"}, {"a b", "v"}, {"a", "x\r\nAuthorization: y"}}) {
    const auto set = run(queue.set_metadata({{name, value}}));
    ASSERT_FALSE(set) << name;
    EXPECT_EQ(set.error().code, "InvalidMetadata");
    EXPECT_FALSE(run(queue.create({{name, value}})));
  }
  EXPECT_TRUE(http.calls.empty());
}

TEST_F(QueueClientTest, AnswersThatAreNoMessagesAreProtocolErrors) {
  QueueClient queue = client();
  for (const char* body : {"", "not XML", "<Error/>"}) {
    http.queue(answer(200, body));
    const auto got = run(queue.get());
    ASSERT_FALSE(got) << body;
    EXPECT_EQ(got.error().kind, ErrorKind::protocol) << body;
    EXPECT_NE(got.error().message.find("code-requests"), std::string::npos);
  }
  http.queue(answer(201, wire::render_messages(wire::MessageAnswer::put, {})));
  EXPECT_EQ(run(queue.put("x")).error().kind, ErrorKind::protocol);
  http.queue(answer(200, wire::render_messages(wire::MessageAnswer::put, {message("m")})));
  EXPECT_EQ(run(queue.put("x")).error().kind, ErrorKind::protocol) << "201 is what Put answers";
}

TEST_F(QueueClientTest, ErrorsKeepTheServicesCodeAndNameTheQueue) {
  const std::vector<std::pair<const char*, ErrorKind>> rows = {
      {"QueueNotFound", ErrorKind::not_found},
      {"MessageNotFound", ErrorKind::not_found},
      {"PopReceiptMismatch", ErrorKind::invalid_argument},
      {"AuthenticationFailed", ErrorKind::denied},
      {"ServerBusy", ErrorKind::unavailable}};
  for (const auto& [code, kind] : rows) {
    http.answer_with([response = failure(code)](const http::ClientRequest&) { return response; });
    QueueClient queue = client();
    const auto removed = run(queue.remove_message("m", "r"));
    ASSERT_FALSE(removed) << code;
    EXPECT_EQ(removed.error().kind, kind) << code;
    EXPECT_EQ(removed.error().code, code);
    EXPECT_NE(removed.error().message.find("queue code-requests"), std::string::npos);
    EXPECT_EQ(removed.error().message.find("token-"), std::string::npos);
  }
}

TEST_F(QueueClientTest, ADeniedCallNamesTheRoleToAssign) {
  struct Row {
    const char* role;
    Task<Result<>> (*what)(QueueClient&);
  };
  const std::vector<Row> rows = {
      {"Storage Queue Data Message Processor",
       [](QueueClient& q) { return q.remove_message("m", "r"); }},
      {"Storage Queue Data Contributor", [](QueueClient& q) { return q.clear(); }}};
  http.answer_with([response = failure("AuthorizationPermissionMismatch")](
                       const http::ClientRequest&) { return response; });
  QueueClient queue = client();
  for (const Row& row : rows) {
    const auto done = run(row.what(queue));
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message.find(std::string("Assign a role such as \"") + row.role +
                                        "\" on the queue to the identity"),
              std::string::npos)
        << done.error().message;
  }
  const auto put = run(queue.put("x"));
  EXPECT_EQ(put.error().kind, ErrorKind::denied);
  EXPECT_EQ(put.error().code, "AuthorizationPermissionMismatch");
  EXPECT_NE(put.error().message.find("\"Storage Queue Data Message Sender\""), std::string::npos);
  EXPECT_NE(run(queue.get()).error().message.find("\"Storage Queue Data Message Processor\""),
            std::string::npos);
  EXPECT_NE(run(queue.peek()).error().message.find("\"Storage Queue Data Reader\""),
            std::string::npos);
}

TEST_F(QueueClientTest, ARefusedTokenIsForgottenAndTheCallTriedOnceMore) {
  http.queue(failure("InvalidAuthenticationInfo"));
  http.queue(answer(204));
  QueueClient queue = client();
  ASSERT_TRUE(run(queue.clear()));
  EXPECT_EQ(credential.forgotten, std::vector<std::string>{kStorage});
  EXPECT_EQ(header("Authorization", 1), "Bearer token-2");

  http.calls.clear();
  http.answer_with([response = failure("InvalidAuthenticationInfo")](const http::ClientRequest&) {
    return response;
  });
  const auto refused = run(queue.clear());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(QueueClientTest, RetriesPutAndGetAfterLostAnswersWithANewDateAndOneId) {
  http.queue(fail(ErrorKind::unavailable, "ConnectionReset", "reset"));
  http.queue(failure("ServerBusy"));
  http.queue(answer(201, wire::render_messages(wire::MessageAnswer::put, {message("m1")})));
  QueueClient queue = client({.first_delay = 2s});
  ASSERT_TRUE(run(queue.put("x")));
  ASSERT_EQ(http.calls.size(), 3U);
  EXPECT_NE(header("x-ms-date", 0), header("x-ms-date", 2));
  EXPECT_EQ(header("x-ms-client-request-id", 0), header("x-ms-client-request-id", 2));
  EXPECT_EQ(call(2).body, wire::render_message_request("x"));

  http.calls.clear();
  http.queue(fail(ErrorKind::timeout, "ResponseTimeout", "late"));
  http.queue(answer(200, wire::render_messages(wire::MessageAnswer::get, {})));
  ASSERT_TRUE(run(queue.get()));
  EXPECT_EQ(http.calls.size(), 2U);
}

TEST_F(QueueClientTest, AFaultThatStaysIsReportedWithTheQueuesName) {
  http.answer_with([](const http::ClientRequest&) {
    return Result<http::Response>(fail(ErrorKind::unavailable, "ConnectionRefused", "refused"));
  });
  QueueClient queue = client();
  const auto got = run(queue.get());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "ConnectionRefused");
  EXPECT_EQ(got.error().message, "queue code-requests: refused");
}

TEST_F(QueueClientTest, TakesItsTokenFromACacheThatHasOne) {
  auto source = std::make_unique<testing::FakeCredential>();
  const testing::FakeCredential& asked = *source;
  TokenCache cache(std::move(source), clock, context.get_executor());
  QueueClient queue(queue_address_from_url(kQueue, &cache).value(), http, clock, random);
  http.answer_with([](const http::ClientRequest&) { return answer(204); });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(queue.clear()));
  EXPECT_EQ(header("Authorization", 0), "Bearer token-1");
  EXPECT_EQ(header("Authorization", 2), "Bearer token-1");
  EXPECT_EQ(asked.resources, std::vector<std::string>{kStorage});
}

TEST_F(QueueClientTest, WithoutATokenNothingIsSent) {
  credential.failure = Error{};
  credential.failure->code = "NoCredential";
  QueueClient queue = client();
  EXPECT_EQ(run(queue.get()).error().code, "NoCredential");
  EXPECT_TRUE(http.calls.empty());
}

TEST_F(QueueClientTest, SignsWithTheAccountKey) {
  http.answer_with([](const http::ClientRequest&) { return answer(204); });
  QueueClient queue(
      queue_address_from_connection_string("UseDevelopmentStorage=true", "code-requests").value(),
      http, clock, random);
  ASSERT_FALSE(run(queue.update("m1", "r+/=", 600s, "text"))) << "no receipt in this answer";
  const http::Query query = {{"popreceipt", "r+/="}, {"visibilitytimeout", "600"}};
  http::Headers headers = call().headers;
  headers.remove("Authorization");
  const wire::SignedRequest to_sign{.method = http::Method::put,
                                    .path = "/devstoreaccount1/code-requests/messages/m1",
                                    .query = &query,
                                    .headers = &headers,
                                    .content_length = call().body.size()};
  EXPECT_EQ(
      header("Authorization"),
      "SharedKey devstoreaccount1:" +
          wire::sign_with_key(wire::shared_key_string_to_sign(to_sign, wire::kDevelopmentAccount),
                              Secret(std::string(wire::kDevelopmentKey))));
  EXPECT_TRUE(credential.resources.empty());

  // A refused key is not tried again.
  http.calls.clear();
  http.answer_with([](const http::ClientRequest&) { return answer(401); });
  ASSERT_FALSE(run(queue.clear()));
  EXPECT_EQ(http.calls.size(), 1U);
}

TEST_F(QueueClientTest, ASignatureInTheUrlStaysInEveryQueryAndOutOfMessages) {
  QueueClient queue(
      queue_address_from_url(std::string(kQueue) + "?sv=1&sig=s3cret%3D", nullptr).value(), http,
      clock, random);
  http.queue(answer(204));
  ASSERT_TRUE(run(queue.remove_message("m", "r")));
  EXPECT_EQ(call().url.query, "popreceipt=r&sv=1&sig=s3cret%3D");
  EXPECT_EQ(header("Authorization"), "none");
  http.queue(failure("AuthorizationPermissionMismatch"));
  const auto refused = run(queue.clear());
  ASSERT_FALSE(refused);
  EXPECT_EQ(call(1).url.query, "sv=1&sig=s3cret%3D");
  EXPECT_EQ(refused.error().message.find("s3cret"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("to the identity"), std::string::npos);
  EXPECT_NE(refused.error().message.find("Give the shared access signature that permission"),
            std::string::npos);
}

TEST_F(QueueClientTest, ASiblingIsAnotherQueueOfTheSameAccount) {
  http.answer_with([](const http::ClientRequest&) { return answer(204); });
  QueueClient poison = client().sibling("code-requests-poison");
  EXPECT_EQ(poison.name(), "code-requests-poison");
  ASSERT_TRUE(run(poison.clear()));
  EXPECT_EQ(call().url.to_string(), std::string(kQueue) + "-poison/messages");
  EXPECT_EQ(header("Authorization"), "Bearer token-1");

  QueueClient signed_poison =
      QueueClient(queue_address_from_url("https://localhost:1/acct/code?sig=x", nullptr).value(),
                  http, clock, random)
          .sibling("code-poison");
  ASSERT_TRUE(run(signed_poison.clear()));
  EXPECT_EQ(call(1).url.to_string(), "https://localhost:1/acct/code-poison/messages?sig=x");
}

TEST_F(QueueClientTest, AnswersAtOnceWhenTheAskedWaitPassesTheDeadline) {
  http::Response busy = failure("ServerBusy");
  busy.headers.set("Retry-After", "60");
  http.answer_with([busy](const http::ClientRequest&) { return busy; });
  QueueClient queue = client();
  const SteadyTime start = clock.steady_now();
  const auto got = run(queue.get());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().retry_after, 60s);
  EXPECT_EQ(clock.steady_now(), start);
}

TEST_F(QueueClientTest, CallsRunBesideEachOther) {
  http.answer_with([](const http::ClientRequest&) { return answer(204); });
  testing::SlowHttpClient slow(http, clock, 100ms);
  QueueClient queue(queue_address_from_url(kQueue, &credential).value(), slow, clock, random);
  testing::Running<Result<>> first(context, queue.clear());
  testing::Running<Result<>> second(context, queue.clear());
  testing::settle(context);
  EXPECT_EQ(clock.sleepers(), 2U);
  clock.advance(100ms);
  testing::settle(context);
  ASSERT_TRUE(first.done());
  ASSERT_TRUE(second.done());
  EXPECT_TRUE(first.take());
  EXPECT_TRUE(second.take());
}

}  // namespace
}  // namespace latchkey::azure
