#include "cloud/queues/queue_addressing.hpp"

#include <gtest/gtest.h>

#include "cloud/queues/queue_operation.hpp"

namespace latchkey::cloud {
namespace {

bool is_account(std::string_view name) {
  return name == "devstoreaccount1" || name == "acc";
}

http::Request request(std::string host, std::string target) {
  http::Request request;
  request.headers.set("Host", host);
  request.target = std::move(target);
  return request;
}

struct AddressRow {
  std::string host;
  std::string target;
  std::string expected;  ///< account[+][ path] : queue : id, or the error's code
};

std::string text_of(const Served<QueueAddress>& address) {
  if (!address) return address.error().code;
  return address->account + (address->secondary ? "+" : "") +
         (address->path_style ? " path:" : " host:") + address->queue + ":" + address->message_id;
}

TEST(QueueAddress, IsFoundInPathOrHost) {
  const AddressRow kRows[] = {
      {"127.0.0.1:10001", "/acc/q1/messages?x=/y", "acc path:q1:"},
      {"localhost:10001", "/acc", "acc path::"},
      {"localhost:10001", "/acc/?comp=list", "acc path::"},
      {"[::1]:10001", "/acc/q1", "acc path:q1:"},
      {"queues:10001", "/acc/q1/", "acc path:q1:"},
      {"host.docker.internal:10001", "/acc/q1", "acc path:q1:"},
      {"", "/acc/q1", "acc path:q1:"},
      {"localhost", "/acc-secondary/q1", "acc+ path:q1:"},
      {"localhost", "/acc/q1/messages/ID%2D1", "acc path:q1:ID-1"},
      {"localhost", "/acc/q%2F1", "acc path:q/1:"},
      {"acc.queue.core.windows.net", "/q1/messages/id", "acc host:q1:id"},
      {"ACC.queue.localhost:10001", "/q1", "acc host:q1:"},
      {"acc-secondary.queue.example.net", "/", "acc+ host::"},
      {"machine.local:10001", "/acc/q1", "acc path:q1:"},
      {"machine.local:10001", "/other/q1", "ResourceNotFound"},
      {"localhost", "/other/q1", "ResourceNotFound"},
      {"localhost", "/", "InvalidUri"},
      {"localhost", "*", "InvalidUri"},
      {"localhost", "/acc/q1/%zz", "InvalidUri"},
      {"localhost", "/acc//messages", "InvalidUri"},
      {"localhost", "/acc/q1/letters", "InvalidUri"},
      {"localhost", "/acc/q1/messages/id/more", "InvalidUri"},
  };
  for (const auto& row : kRows) {
    const auto address = parse_queue_address(request(row.host, row.target), is_account);
    EXPECT_EQ(text_of(address), row.expected) << row.host << " " << row.target;
  }
}

TEST(QueueHost, IsOneUnderWhichTheServiceIsAddressed) {
  for (const char* host : {"localhost:10001", "127.0.0.1", "[::1]:1", "acc.queue.localhost",
                           "acc-secondary.queue.core.windows.net", "queues"}) {
    EXPECT_TRUE(is_queue_host(request(host, "/"), "acc")) << host;
  }
  for (const char* host : {"", "latchkey.vault.localhost:8443", "acc.vault.azure.net",
                           "other.queue.core.windows.net", "evil.example"}) {
    EXPECT_FALSE(is_queue_host(request(host, "/"), "acc")) << host;
  }
}

TEST(QueueOperation, IsFoundByMethodPathAndQuery) {
  using enum QueueOperation;
  using enum http::Method;
  struct Row {
    http::Method method;
    std::string target;
    QueueOperation expected;
  };
  const Row kRows[] = {
      {get, "/acc?comp=list", list_queues},
      {get, "/acc?COMP=list&prefix=a&restype=", list_queues},
      {get, "/acc?restype=service&comp=properties", get_service_properties},
      {put, "/acc?restype=service&comp=properties", set_service_properties},
      {get, "/acc?restype=service&comp=stats", get_service_stats},
      {post, "/acc?restype=service&comp=userdelegationkey", get_user_delegation_key},
      {put, "/acc/q", create_queue},
      {put, "/acc/q?timeout=30&unknown=1", create_queue},
      {delete_, "/acc/q", delete_queue},
      {get, "/acc/q?comp=metadata", get_metadata},
      {head, "/acc/q?comp=metadata", get_metadata},
      {put, "/acc/q?comp=metadata", set_metadata},
      {head, "/acc/q?comp=acl", get_acl},
      {put, "/acc/q?comp=acl", set_acl},
      {post, "/acc/q/messages", put_message},
      {get, "/acc/q/messages?numofmessages=2", get_messages},
      {get, "/acc/q/messages?peekonly=False", get_messages},
      {get, "/acc/q/messages?peekonly=true", peek_messages},
      {delete_, "/acc/q/messages", clear_messages},
      {put, "/acc/q/messages/id?popreceipt=x", update_message},
      {delete_, "/acc/q/messages/id?popreceipt=x", delete_message},
  };
  for (const auto& row : kRows) {
    auto asked = request("localhost", row.target);
    asked.method = row.method;
    const auto address = parse_queue_address(asked, is_account);
    ASSERT_TRUE(address) << row.target;
    const auto operation = find_operation(asked, *address, *http::parse_query(asked.query_text()));
    ASSERT_TRUE(operation) << row.target << ": " << operation.error().code;
    EXPECT_EQ(*operation, row.expected) << row.target;
    EXPECT_EQ(needs_of(*operation).operation, row.expected);
  }
}

TEST(QueueOperation, RefusesWhatIsNone) {
  using enum http::Method;
  struct Row {
    http::Method method;
    std::string target;
    std::string code;
  };
  const Row kRows[] = {
      {get, "/acc", "MissingRequiredQueryParameter"},
      {get, "/acc?comp=nonsense", "InvalidQueryParameterValue"},
      {get, "/acc?comp=nonsense&restype=service", "InvalidQueryParameterValue"},
      {get, "/acc?comp=properties&restype=queue", "InvalidQueryParameterValue"},
      {put, "/acc?comp=list", "UnsupportedHttpVerb"},
      {get, "/acc/q", "UnsupportedHttpVerb"},
      {patch, "/acc/q", "UnsupportedHttpVerb"},
      {get, "/acc/q?comp=nonsense", "InvalidQueryParameterValue"},
      {delete_, "/acc/q?comp=metadata", "UnsupportedHttpVerb"},
      {put, "/acc/q/messages", "UnsupportedHttpVerb"},
      {get, "/acc/q/messages?peekonly=maybe", "InvalidQueryParameterValue"},
      {get, "/acc/q/messages/id", "UnsupportedHttpVerb"},
  };
  for (const auto& row : kRows) {
    auto asked = request("localhost", row.target);
    asked.method = row.method;
    const auto address = parse_queue_address(asked, is_account);
    ASSERT_TRUE(address) << row.target;
    const auto operation = find_operation(asked, *address, *http::parse_query(asked.query_text()));
    ASSERT_FALSE(operation) << row.target;
    EXPECT_EQ(operation.error().code, row.code) << row.target;
  }
}

}  // namespace
}  // namespace latchkey::cloud
