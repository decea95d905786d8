#include "cloud/queues/signature_hint.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/time_text.hpp"
#include "cloud/queues/testing/queue_world.hpp"

namespace latchkey::cloud {
namespace {

class SignatureHintTest : public ::testing::Test {
 protected:
  wire::SignedRequest request() const {
    return {.method = http::Method::put,
            .path = "/acc/orders",
            .query = &query_,
            .headers = &headers_,
            .content_length = 0};
  }
  /// The hint for a client that signed `text`.
  std::string hint(const std::string& text, bool lite = false) const {
    return signature_hint(request(), "acc", lite,
                          [&text](std::string_view tried) { return tried == text; });
  }
  const http::Query query_{{"comp", "metadata"}};
  const http::Headers headers_{{"x-ms-date", "Fri, 01 May 2026 12:00:00 GMT"},
                               {"x-ms-version", "2026-04-06"},
                               {"Content-Type", "application/xml"}};
};

constexpr std::string_view kHeaders =
    "x-ms-date:Fri, 01 May 2026 12:00:00 GMT\nx-ms-version:2026-04-06\n";

std::string signed_text(std::string_view head, std::string_view resource) {
  return std::string(head).append(kHeaders).append(resource);
}

TEST_F(SignatureHintTest, NamesTheMistake) {
  const std::string head = "PUT\n\n\n\n\napplication/xml\n\n\n\n\n\n\n";
  const std::string resource = "/acc/acc/orders\ncomp:metadata";
  EXPECT_EQ(wire::shared_key_string_to_sign(request(), "acc"), signed_text(head, resource));
  struct Row {
    std::string text;
    std::string_view says;
  };
  const Row rows[] = {
      {signed_text(head, "/acc/orders\ncomp:metadata"), "the account once"},
      {signed_text(head, "/acc/acc/orders"), "without its query"},
      {signed_text("PUT\n\n\n0\n\napplication/xml\n\n\n\n\n\n\n", resource), "Content-Length of 0"},
      {signed_text("PUT\n\n\n\n\n\n\n\n\n\n\n\n", resource), "no Content-Type"},
      {signed_text("PUT\n\n\n\n\napplication/xml\nFri, 01 May 2026 12:00:00 GMT\n\n\n\n\n\n",
                   resource),
       "in the line Date"},
      {signed_text("PUT\n\napplication/xml\n\n", "/acc/acc/orders?comp=metadata"),
       "SharedKeyLite under the name SharedKey"},
  };
  for (const Row& row : rows) {
    EXPECT_NE(hint(row.text).find(row.says), std::string::npos) << row.says << ": " << row.text;
  }
  EXPECT_NE(hint(signed_text(head, resource), true).find("under the name SharedKeyLite"),
            std::string::npos);
  EXPECT_EQ(hint("something else"), "");
}

std::string g_logged;

class QueueRequestLog : public ::testing::Test {
 protected:
  QueueRequestLog() {
    g_logged.clear();
    log::configure(log::Level::debug, log::Format::text);
    log::set_sink([](std::string_view line) { g_logged.append(line).append("\n"); });
  }
  ~QueueRequestLog() override {
    log::set_sink(nullptr);
    log::configure(log::Level::info, log::Format::text);
  }
  static bool logs(std::string_view text) { return g_logged.find(text) != std::string::npos; }
  testing::QueueWorld world_;
};

TEST_F(QueueRequestLog, TellsWhatTheServerSignedAndWhatTheClientDid) {
  // As a client does that takes a path-style address for a host-style one.
  http::Request request =
      world_.prepare({.target = "/orders?comp=metadata",
                      .headers = {{"x-ms-date", to_rfc1123(world_.clock.now())}}});
  request = testing::sign(std::move(request), "acc", world_.key1);
  request.target = "/acc" + request.target;
  EXPECT_EQ(world_.answer(request).status, 403);
  EXPECT_TRUE(logs("the account once")) << g_logged;
  EXPECT_TRUE(logs("queue_request_refused method=GET path=/acc/orders status=403")) << g_logged;
  EXPECT_TRUE(logs("/acc/acc/orders\\u000acomp:metadata")) << g_logged;
}

TEST_F(QueueRequestLog, HoldsNoSignature) {
  wire::Sas sas;
  sas.version = "2026-04-06";
  sas.permissions = "r";
  sas.expiry = "2020-01-01";
  const std::string query = wire::make_service_sas(sas, "acc", "orders", world_.key1);
  const std::string signature = *percent_decode(query.substr(query.find("sig=") + 4));
  for (const char* authorization : {"", "SharedKey acc:bm90IHRoZSBrZXk="}) {
    http::Headers headers{{"x-ms-date", to_rfc1123(world_.clock.now())}};
    if (*authorization != '\0') headers.set("Authorization", authorization);
    EXPECT_EQ(world_.send({.target = "/acc/orders/messages?" + query, .headers = headers}).status,
              403);
  }
  EXPECT_TRUE(logs("queue_request_refused"));
  EXPECT_FALSE(logs(signature)) << g_logged;
  EXPECT_FALSE(logs("bm90IHRoZSBrZXk")) << g_logged;
}

}  // namespace
}  // namespace latchkey::cloud
