#include "cloud/queues/queue_service.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/time_text.hpp"
#include "cloud/queues/testing/queue_world.hpp"
#include "cloud/testing/test_tokens.hpp"
#include "wire/queue_xml.hpp"

namespace latchkey::cloud {
namespace {
using namespace std::chrono_literals;
using enum http::Method;
using Call = testing::QueueWorld::Call;

class QueueServiceTest : public ::testing::Test {
 protected:
  http::Response call(http::Method method, std::string target, std::string body = {},
                      http::Headers headers = {}) {
    return world_.signed_send({.method = method,
                               .target = std::move(target),
                               .body = std::move(body),
                               .headers = std::move(headers)});
  }
  static std::string outcome(const http::Response& response) {
    return std::to_string(response.status) + " " +
           std::string(response.headers.find("x-ms-error-code").value_or(""));
  }
  void make_queue() { EXPECT_EQ(call(put, "/acc/orders").status, 201); }
  wire::QueueMessage put_message(std::string_view text, std::string query = {}) {
    const auto answer = call(post, "/acc/orders/messages" + query, world_.put_body(text));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return wire::parse_messages(answer.body)->at(0);
  }
  std::vector<wire::QueueMessage> messages(std::string query = {}) {
    const auto answer = call(get, "/acc/orders/messages" + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return *wire::parse_messages(answer.body);
  }
  static std::string of(const wire::QueueMessage& message, std::string_view receipt) {
    return "/acc/orders/messages/" + message.id + "?popreceipt=" + percent_encode(receipt);
  }

  testing::QueueWorld world_;
};

TEST_F(QueueServiceTest, AMessageLivesItsLife) {
  make_queue();
  const auto sent = put_message("hello <&> \xC3\xA9");
  EXPECT_FALSE(sent.pop_receipt.empty());
  EXPECT_EQ(sent.expiration_time - sent.insertion_time, 604'800s);

  const auto peeked = messages("?peekonly=true");
  ASSERT_EQ(peeked.size(), 1U);
  EXPECT_EQ(peeked[0].text, "hello <&> \xC3\xA9");
  EXPECT_EQ(peeked[0].pop_receipt, "");
  EXPECT_EQ(peeked[0].dequeue_count, 0);

  const auto taken = messages();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].id, sent.id);
  EXPECT_EQ(taken[0].dequeue_count, 1);
  EXPECT_EQ(taken[0].time_next_visible,
            std::chrono::floor<std::chrono::seconds>(world_.clock.now() + 30s));
  EXPECT_TRUE(messages().empty());

  const auto updated = call(put, of(taken[0], taken[0].pop_receipt) + "&visibilitytimeout=600",
                            world_.put_body("changed"));
  EXPECT_EQ(updated.status, 204);
  EXPECT_EQ(updated.headers.find("x-ms-time-next-visible"), to_rfc1123(world_.clock.now() + 600s));
  const std::string receipt(*updated.headers.find("x-ms-popreceipt"));
  world_.clock.advance(600s);
  EXPECT_EQ(messages("?peekonly=true").at(0).text, "changed");
  EXPECT_EQ(outcome(call(delete_, of(taken[0], taken[0].pop_receipt))), "404 MessageNotFound");
  EXPECT_EQ(call(delete_, of(taken[0], receipt)).status, 204);
  EXPECT_TRUE(messages("?peekonly=true").empty());
}

TEST_F(QueueServiceTest, APutOrPostWithoutALengthGets411) {
  make_queue();
  for (const auto method : {put, post}) {
    http::Request request = world_.prepare({.method = method, .target = "/acc/orders/messages"});
    request.headers.remove("Content-Length");
    EXPECT_EQ(outcome(world_.answer(request)), "411 MissingContentLengthHeader");
  }
}

TEST_F(QueueServiceTest, UpdateWithoutBodyKeepsTheText) {
  make_queue();
  put_message("same");
  const auto taken = messages();
  EXPECT_EQ(call(put, of(taken[0], taken[0].pop_receipt) + "&visibilitytimeout=0").status, 204);
  EXPECT_EQ(messages("?peekonly=true").at(0).text, "same");
}

TEST_F(QueueServiceTest, TheSizeLimitIsAzures) {
  make_queue();
  put_message("");
  put_message(std::string(65'536, 'x'));
  const auto answer = call(post, "/acc/orders/messages", world_.put_body(std::string(65'537, 'x')));
  EXPECT_EQ(outcome(answer), "413 RequestBodyTooLarge");
  EXPECT_NE(answer.body.find("<MaxLimit>65536</MaxLimit>"), std::string::npos);
  const auto taken = messages();
  EXPECT_EQ(outcome(call(put, of(taken[0], taken[0].pop_receipt) + "&visibilitytimeout=0",
                         world_.put_body(std::string(65'537, 'x')))),
            "413 RequestBodyTooLarge");
}

TEST_F(QueueServiceTest, NeverExpiringMessagesSaySo) {
  make_queue();
  for (const char* life : {"-1", "9223372036854775807", "999999999999"}) {
    EXPECT_EQ(put_message("x", std::string("?messagettl=") + life).expiration_time,
              wire::never_expires());
  }
  EXPECT_EQ(put_message("x", "?messagettl=63072000").expiration_time,
            std::chrono::floor<std::chrono::seconds>(world_.clock.now() + 63'072'000s));
}

struct ErrorRow {
  http::Method method;
  std::string target;
  std::string body;
  std::string expected;
};

TEST_F(QueueServiceTest, ErrorsAreAzures) {
  make_queue();
  put_message("a");
  put_message("b");
  const auto taken = messages("?numofmessages=2");
  const std::string good = wire::render_message_request("x");
  const std::string m = "/acc/orders/messages";
  const std::string bad_receipt = "?popreceipt=AAAA";
  const ErrorRow kRows[] = {
      {post, m, "", "400 InvalidXmlDocument"},
      {post, m, "<QueueMessage>", "400 InvalidXmlDocument"},
      {post, m, "<Other><MessageText>x</MessageText></Other>", "400 InvalidXmlDocument"},
      {post, m, "<QueueMessage><MessageText>\x01</MessageText></QueueMessage>",
       "400 InvalidXmlDocument"},
      {post, "/acc/missing/messages", "<bad", "400 InvalidXmlDocument"},
      {post, "/acc/missing/messages", good, "404 QueueNotFound"},
      {post, m + "?visibilitytimeout=-1", good, "400 OutOfRangeQueryParameterValue"},
      {post, m + "?visibilitytimeout=604801", good, "400 OutOfRangeQueryParameterValue"},
      {post, m + "?visibilitytimeout=x", good, "400 InvalidQueryParameterValue"},
      {post, m + "?visibilitytimeout=5&messagettl=5", good, "400 InvalidQueryParameterValue"},
      {post, m + "?messagettl=0", good, "400 OutOfRangeQueryParameterValue"},
      {post, m + "?messagettl=-2", good, "400 OutOfRangeQueryParameterValue"},
      {post, m + "?messagettl=x", good, "400 InvalidQueryParameterValue"},
      {post, m + "?timeout=soon", good, "400 InvalidQueryParameterValue"},
      {get, m + "?numofmessages=0", "", "400 OutOfRangeQueryParameterValue"},
      {get, m + "?numofmessages=33", "", "400 OutOfRangeQueryParameterValue"},
      {get, m + "?numofmessages=two", "", "400 InvalidQueryParameterValue"},
      {get, m + "?visibilitytimeout=0", "", "400 OutOfRangeQueryParameterValue"},
      {get, m + "?visibilitytimeout=604801", "", "400 OutOfRangeQueryParameterValue"},
      {get, m + "?peekonly=true&numofmessages=33", "", "400 OutOfRangeQueryParameterValue"},
      {get, "/acc/missing/messages?peekonly=true", "", "404 QueueNotFound"},
      {delete_, "/acc/missing/messages", "", "404 QueueNotFound"},
      {delete_, m + "/" + taken[0].id, "", "400 MissingRequiredQueryParameter"},
      {delete_, m + "/" + taken[0].id + bad_receipt, "", "400 InvalidQueryParameterValue"},
      {delete_, of(taken[0], taken[1].pop_receipt), "", "400 PopReceiptMismatch"},
      {delete_, m + "/nonsense?popreceipt=" + percent_encode(taken[0].pop_receipt), "",
       "404 MessageNotFound"},
      {delete_, "/acc/missing/messages/x?popreceipt=" + percent_encode(taken[0].pop_receipt), "",
       "404 QueueNotFound"},
      {put, of(taken[0], taken[0].pop_receipt), "", "400 MissingRequiredQueryParameter"},
      {put, of(taken[0], taken[0].pop_receipt) + "&visibilitytimeout=-1", "",
       "400 OutOfRangeQueryParameterValue"},
      {put, of(taken[0], taken[0].pop_receipt) + "&visibilitytimeout=1", "<bad",
       "400 InvalidXmlDocument"},
      {put, "/acc/UPPER", "", "400 InvalidResourceName"},
      {put, "/acc/ab", "", "400 OutOfRangeInput"},
      {put, "/acc/a%7Cb", "", "400 InvalidResourceName"},
      {delete_, "/acc/missing", "", "404 QueueNotFound"},
      {get, "/acc/missing?comp=metadata", "", "404 QueueNotFound"},
      {put, "/acc/missing?comp=metadata", "", "404 QueueNotFound"},
      {patch, "/acc/orders", "", "405 UnsupportedHttpVerb"},
      {get, "/acc?comp=list&maxresults=0", "", "400 OutOfRangeQueryParameterValue"},
      {get, "/acc?comp=list&maxresults=x", "", "400 InvalidQueryParameterValue"},
      {get, "/acc?comp=list&include=everything", "", "400 InvalidQueryParameterValue"},
      {get, "/acc?comp=list&marker=nonsense", "", "400 InvalidMarker"},
      {get, "/acc?restype=service&comp=stats", "", "400 InvalidQueryParameterValue"},
  };
  for (const auto& row : kRows) {
    const auto answer = call(row.method, row.target, row.body);
    EXPECT_EQ(outcome(answer), row.expected)
        << http::to_string(row.method) << " " << row.target << "\n"
        << answer.body;
    EXPECT_FALSE(answer.reason.empty());
  }
}

TEST_F(QueueServiceTest, MalformedUrlsAreRefusedBeforeAnythingElse) {
  for (const char* target : {"/acc/orders?x=%zz", "/acc/%zz", "/acc//x"}) {
    EXPECT_EQ(outcome(world_.send({.target = target})), "400 InvalidUri") << target;
  }
}

TEST_F(QueueServiceTest, BadXmlIsLocated) {
  const auto answer = call(post, "/acc/orders/messages", "<QueueMessage>\n<oops");
  EXPECT_NE(answer.body.find("<LineNumber>2</LineNumber>"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("<Reason>"), std::string::npos);
}

TEST_F(QueueServiceTest, QueuesAreMadeOnceAndKeepTheirMetadata) {
  EXPECT_EQ(call(put, "/acc/orders", "", {{"x-ms-meta-Colour", "red"}}).status, 201);
  EXPECT_EQ(call(put, "/acc/orders", "", {{"x-ms-meta-colour", "red"}}).status, 204);
  EXPECT_EQ(outcome(call(put, "/acc/orders")), "409 QueueAlreadyExists");
  put_message("x");
  for (const auto method : {get, head}) {
    const auto answer = call(method, "/acc/orders?comp=metadata");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.find("x-ms-meta-Colour"), "red");
    EXPECT_EQ(answer.headers.find("x-ms-approximate-messages-count"), "1");
    EXPECT_TRUE(answer.body.empty());
  }
  EXPECT_EQ(call(put, "/acc/orders?comp=metadata").status, 204);
  EXPECT_FALSE(call(get, "/acc/orders?comp=metadata").headers.contains("x-ms-meta-Colour"));
  EXPECT_EQ(outcome(call(put, "/acc/orders?comp=metadata", "", {{"x-ms-meta-a-b", "c"}})),
            "400 InvalidMetadata");
  EXPECT_EQ(call(delete_, "/acc/orders").status, 204);
  EXPECT_EQ(outcome(call(get, "/acc/orders?comp=metadata")), "404 QueueNotFound");
}

TEST_F(QueueServiceTest, ListsInPagesWithWhatWasAskedFor) {
  for (const char* name : {"z3", "z1", "z2"}) {
    ASSERT_EQ(call(put, std::string("/acc/q-") + name, "", {{"x-ms-meta-n", name}}).status, 201);
  }
  const auto all = call(get, "/acc?comp=list");
  EXPECT_EQ(all.body.find("<Prefix"), std::string::npos);
  EXPECT_EQ(all.body.find("<MaxResults"), std::string::npos);
  EXPECT_NE(all.body.find("ServiceEndpoint=\"http://localhost:10001/acc\""), std::string::npos)
      << all.body;

  std::vector<std::string> names;
  std::string marker;
  for (int page = 0; page < 5; ++page) {
    const auto answer =
        call(get, "/acc?comp=list&maxresults=1&prefix=q-&include=metadata" + marker);
    const auto listing = wire::parse_queue_listing(answer.body);
    ASSERT_TRUE(listing) << answer.body;
    for (const auto& queue : listing->queues) {
      names.push_back(queue.name);
      EXPECT_EQ(queue.metadata.at(0).second, queue.name.substr(2));
    }
    if (listing->next_marker.empty()) break;
    EXPECT_TRUE(listing->next_marker.starts_with("/acc/"));
    marker = "&marker=" + percent_encode(listing->next_marker);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"q-z1", "q-z2", "q-z3"}));
}

TEST_F(QueueServiceTest, ClearEmptiesTheQueue) {
  make_queue();
  for (int i = 0; i < 3; ++i) put_message("x");
  EXPECT_EQ(call(delete_, "/acc/orders/messages").status, 204);
  EXPECT_TRUE(messages("?peekonly=true").empty());
  EXPECT_EQ(call(get, "/acc/orders?comp=metadata").headers.find("x-ms-approximate-messages-count"),
            "0");
}

TEST_F(QueueServiceTest, EveryAnswerHasTheCommonHeaders) {
  const auto answer = call(get, "/acc?comp=list", "", {{"x-ms-client-request-id", "my id"}});
  EXPECT_EQ(answer.headers.find("x-ms-version"), "2026-04-06");
  EXPECT_EQ(answer.headers.find("x-ms-client-request-id"), "my id");
  EXPECT_EQ(answer.headers.find("Cache-Control"), "no-cache");
  EXPECT_EQ(answer.headers.find("Content-Type"), "application/xml");
  EXPECT_TRUE(answer.headers.contains("Server"));
  EXPECT_EQ(answer.headers.find("x-ms-request-id")->size(), 36U);
  EXPECT_TRUE(answer.chunked);

  const auto refused = world_.send({.target = "/acc?comp=list"});
  const std::string id(*refused.headers.find("x-ms-request-id"));
  EXPECT_NE(id, *answer.headers.find("x-ms-request-id"));
  EXPECT_NE(refused.body.find("RequestId:" + id), std::string::npos);
  EXPECT_FALSE(refused.chunked);
  EXPECT_FALSE(refused.headers.contains("x-ms-client-request-id"));
  const auto long_id =
      call(get, "/acc?comp=list", "", {{"x-ms-client-request-id", std::string(1025, 'x')}});
  EXPECT_FALSE(long_id.headers.contains("x-ms-client-request-id"));
}

TEST_F(QueueServiceTest, NewerVersionsAreNeverRefusedAndMalformedOnesAlways) {
  const auto newer = call(get, "/acc?comp=list", "", {{"x-ms-version", "2099-01-01"}});
  EXPECT_EQ(newer.status, 200);
  EXPECT_EQ(newer.headers.find("x-ms-version"), "2099-01-01");
  const auto malformed = call(get, "/acc?comp=list", "", {{"x-ms-version", "latest"}});
  EXPECT_EQ(outcome(malformed), "400 InvalidHeaderValue");
  EXPECT_NE(malformed.body.find("<HeaderName>x-ms-version</HeaderName>"), std::string::npos);
  wire::Sas sas;
  sas.version = "2021-02-12";
  sas.services = "q";
  sas.resources = "s";
  sas.permissions = "l";
  sas.expiry = to_iso8601(world_.clock.now() + 1h);
  const auto by_sas =
      world_.send({.target = "/acc?comp=list&" + wire::make_account_sas(sas, "acc", world_.key1),
                   .headers = {{"x-ms-version", ""}}});
  EXPECT_EQ(by_sas.status, 200);
  EXPECT_EQ(by_sas.headers.find("x-ms-version"), "2021-02-12");
}

TEST_F(QueueServiceTest, HostStyleReachesTheSameQueue) {
  make_queue();
  const auto answer = call(get, "/orders?comp=metadata", "", {{"Host", "acc.queue.localhost:1"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST_F(QueueServiceTest, ProvisioningAQueueTwiceIsFine) {
  const auto ensure = [this](std::string account, std::string queue) -> std::string {
    const auto done = testing::await(world_.context, world_.service->ensure_queue(account, queue));
    return done ? "" : done.error().code;
  };
  EXPECT_EQ(ensure("acc", "orders"), "");
  EXPECT_EQ(ensure("acc", "orders"), "");
  EXPECT_EQ(ensure("acc", "NO"), "OutOfRangeInput");
  EXPECT_EQ(ensure("nobody", "orders"), "ResourceNotFound");
}

TEST_F(QueueServiceTest, ExpiredMessagesAreNeverShown) {
  make_queue();
  put_message("x", "?messagettl=6");
  world_.clock.advance(6s);
  EXPECT_TRUE(messages().empty());
  EXPECT_EQ(call(get, "/acc/orders?comp=metadata").headers.find("x-ms-approximate-messages-count"),
            "0");
}

TEST(QueueServiceOpening, KeysThatAreNotBase64AreRefused) {
  testing::QueueWorld world;  // For an authenticator's neighbours: clock, random, context.
  auto database = sqlite::Database::open({});
  auto roles = RoleAssignments::load(*database);
  const SigningKeys keys(testing::test_key(), world.clock);
  Authenticator authenticator(keys, "i", world.clock);
  QueueServiceOptions options;
  options.accounts = {{.name = "acc", .key1 = Secret("not base64!"), .key2 = Secret()}};
  const auto opened = QueueService::open(std::move(options), authenticator, **roles, world.clock,
                                         world.random, world.context.get_executor());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(opened.error().message.find("not base64!"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::cloud
