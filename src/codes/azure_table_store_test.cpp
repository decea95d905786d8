#include "codes/azure_table_store.hpp"

#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/azure_table_rows.hpp"
#include "codes/azure_table_steps.hpp"
#include "codes/code_id.hpp"
#include "http/testing/fake_http_client.hpp"

namespace latchkey::codes::azure_table {
namespace {
using namespace std::chrono_literals;

http::Response answer(int status, const std::string& code) {
  http::Response response;
  response.status = status;
  response.body = R"({"odata.error":{"code":")" + code + R"("}})";
  return response;
}

/// One entity, as the service keeps it; the answers to `lost` writes never come.
class OneEntity {
 public:
  Result<http::Response> answer_to(const http::ClientRequest& request) {
    if (request.method == http::Method::get) return read();
    const bool is_insert = request.method == http::Method::post;
    const bool refused = is_insert ? etag_ > 0 : etag_text() != request.headers.find("If-Match");
    http::Response response = answer(204, "");
    if (refused && is_insert) response = answer(409, "EntityAlreadyExists");
    if (refused && !is_insert) response = answer(412, "UpdateConditionNotSatisfied");
    if (!refused) {
      body = request.body;
      ++etag_;
      if (after_write) after_write();
    }
    if (lost-- <= 0) return response;
    return fail(ErrorKind::timeout, "ResponseTimeout", "no answer");
  }
  /// Somebody reads the entity and writes it, with a mark of his own.
  void write_as_another() {
    auto entity = wire::parse_entity(body).value();
    entity.properties["marks"] = entity.text("marks") + "0123456789abcdef";
    body = wire::render_entity(entity);
    ++etag_;
  }

  std::string body;
  int lost = 0;
  std::function<void()> after_write;

 private:
  std::string etag_text() const { return std::to_string(etag_); }
  http::Response read() const {
    if (etag_ == 0) return answer(404, "ResourceNotFound");
    http::Response response;
    response.body = body;
    response.headers.set("ETag", etag_text());
    return response;
  }
  int etag_ = 0;
};

struct AzureTableStore : ::testing::Test {
  AzureTableStore() {
    http->answer_with(
        [this](const http::ClientRequest& request) { return service.answer_to(request); });
  }
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    return latchkey::testing::await(context, std::move(task));
  }
  TableEntity read() { return run(store.read({"p", "r"}, {})).value(); }
  bool commit(TableEntity entity) { return run(store.commit(std::move(entity), {})).value(); }

  IoContext context;
  SystemClock clock;
  latchkey::testing::SeededRandom random{1};
  OneEntity service;
  std::shared_ptr<http::testing::FakeHttpClient> http =
      std::make_shared<http::testing::FakeHttpClient>();
  Store store{azure::table_address_from_url("http://t/acct/codes?sig=x", nullptr).value(),
              http,
              clock,
              random,
              context.get_executor(),
              {.first_delay = std::chrono::milliseconds{1}}};
};

TEST_F(AzureTableStore, WritesWhatIsAsItWasRead) {
  TableEntity entity = read();
  EXPECT_EQ(entity.etag, "");
  EXPECT_TRUE(commit(entity));
  EXPECT_FALSE(commit(entity)) << "it exists";
  entity = read();
  EXPECT_TRUE(commit(entity));
  EXPECT_FALSE(commit(entity)) << "it was changed";
}

TEST_F(AzureTableStore, KnowsItsOwnWriteWhoseAnswerWasLost) {
  service.lost = 2;
  EXPECT_TRUE(commit(read()));
  service.lost = 1;
  EXPECT_TRUE(commit(read()));
}

TEST_F(AzureTableStore, KnowsItEvenWhenOthersHaveWrittenSince) {
  ASSERT_TRUE(commit(read()));
  service.after_write = [&] {
    service.after_write = nullptr;
    for (int others = 0; others < 60; ++others) service.write_as_another();
  };
  service.lost = 1;
  EXPECT_TRUE(commit(read()));
}

TEST_F(AzureTableStore, DoesNotTakeAnothersWriteForItsOwn) {
  ASSERT_TRUE(commit(read()));
  TableEntity entity = read();
  http->queue(fail(ErrorKind::timeout, "ResponseTimeout", "never arrived"));
  service.write_as_another();
  EXPECT_FALSE(commit(entity));
}

TEST_F(AzureTableStore, WhatCannotBeReachedIsUnavailable) {
  http->answer_with([](const http::ClientRequest&) { return answer(403, "AuthorizationFailure"); });
  auto refused = run(store.read({"p", "r"}, {}));
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(refused.error().message.starts_with("code table: table codes: "));
  http->answer_with([](const http::ClientRequest&) { return answer(200, "no entity"); });
  EXPECT_EQ(run(store.read({"p", "r"}, {})).error().kind, ErrorKind::storage);
}

// The service splits a range among servers, and a page ends where a server's part does.
TEST_F(AzureTableStore, TheSweepGoesOnAfterAnEmptyPage) {
  int deleted = 0;
  http->answer_with([&](const http::ClientRequest& request) {
    http::Response response = answer(404, "ResourceNotFound");
    if (request.method == http::Method::delete_) {
      ++deleted;
      response.status = 204;
    } else if (request.url.path.ends_with("()")) {
      const bool first = request.url.query.find("NextPartitionKey") == std::string::npos;
      response.status = 200;
      response.body = R"({"value":[]})";
      if (first) response.headers.set("x-ms-continuation-NextPartitionKey", "1!4!dDA-");
      if (!first && request.url.query.find("t5-") != std::string::npos) {
        response.body =
            R"({"value":[{"odata.etag":"e","PartitionKey":"t5-0000000001","RowKey":"x"}]})";
      }
    }
    return response;
  });
  const UtcTime now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
  EXPECT_TRUE(run(remove_expired_codes(store, now, 10)).value().empty());
  EXPECT_EQ(deleted, 1) << "the id of a code that is gone";
}

TEST(AzureTableKeys, IdsLieInOrderOfTheirMinute) {
  latchkey::testing::SeededRandom random{1};
  const UtcTime now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 10h + 59s};
  const std::string id = make_code_id(now, random);
  const EntityKey key = id_key(id);
  EXPECT_EQ(key.row, id);
  EXPECT_EQ(key.partition.substr(2), "-0029539320");
  EXPECT_EQ(id_key("any other text").partition.substr(2), "-0000000000");
}

TEST(AzureTableKeys, TheSweepReadsNoYoungerMinute) {
  const UtcTime now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
  EXPECT_EQ(expired_ids_filter(10, now),
            "PartitionKey ge 'ta-0000000000' and PartitionKey le 'ta-0029538720' and expires le "
            "datetime'2026-03-01T00:00:00.0000000Z'");
  EXPECT_EQ(over_filter('l', now),
            "PartitionKey ge 'l-' and PartitionKey lt 'l.' and until le "
            "datetime'2026-03-01T00:00:00.0000000Z'");
}

TEST(AzureTableKeys, SubjectsShareNoLedgerWithCallers) {
  const Sha256 counted = sha256("caller");
  EXPECT_EQ(ledger_key({"ada", "a"}, counted).row, ledger_key({"ada", "b"}, {}).row);
  EXPECT_NE(ledger_key({"ada", ""}, counted).row, ledger_key({"eve", ""}, counted).row);
  EXPECT_EQ(ledger_key({}, counted).row, answer_key(counted).row);
}

}  // namespace
}  // namespace latchkey::codes::azure_table
