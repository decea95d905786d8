#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/azure_code_tables.hpp"
#include "codes/code_id.hpp"
#include "http/testing/fake_http_client.hpp"

// What each step costs in requests, which is what Azure bills and limits. docs/decisions/0013 and
// the capacity page stand on these figures.
namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;

/// As much of the service as one caller after another needs.
class FakeTableService {
 public:
  http::Response answer_to(const http::ClientRequest& request) {
    http::Response response;
    response.status = 204;
    const std::string path = place_of(request);
    const auto found = entities_.find(path);
    const auto condition = request.headers.find("If-Match");
    if (path.ends_with("()")) {
      response.status = 200;
      response.body = R"({"value":[]})";
    } else if (request.method == http::Method::post) {
      if (found != entities_.end()) return refusal(409, "EntityAlreadyExists");
      entities_[path] = {request.body, ++etags_};
    } else if (found == entities_.end()) {
      return refusal(404, "ResourceNotFound");
    } else if (request.method == http::Method::get) {
      response.status = 200;
      response.body = found->second.body;
      response.headers.set("ETag", std::to_string(found->second.etag));
    } else if (condition != "*" && condition != std::to_string(found->second.etag)) {
      return refusal(412, "UpdateConditionNotSatisfied");
    } else if (request.method == http::Method::delete_) {
      entities_.erase(found);
    } else {
      found->second = {request.body, ++etags_};
    }
    return response;
  }

 private:
  struct Entity {
    std::string body;
    int etag = 0;
  };
  static std::string place_of(const http::ClientRequest& request) {
    if (request.method != http::Method::post) return request.url.path;
    const auto entity = wire::parse_entity(request.body).value();
    return request.url.path + wire::entity_path(entity.partition_key, entity.row_key);
  }
  static http::Response refusal(int status, const std::string& code) {
    http::Response response;
    response.status = status;
    response.body = R"({"odata.error":{"code":")" + code + R"("}})";
    return response;
  }
  std::map<std::string, Entity> entities_;
  int etags_ = 0;
};

struct AzureTableCost : ::testing::Test {
  AzureTableCost() {
    http->answer_with([this](const http::ClientRequest& request) -> Result<http::Response> {
      return service.answer_to(request);
    });
  }
  template <class T>
  T run(Task<Result<T>> task) {
    http->calls.clear();
    return latchkey::testing::await(context, std::move(task)).value();
  }
  std::size_t requests() const { return http->calls.size(); }
  CodeTable::InsertAnswer issue(int number, const std::string& subject) {
    CodeRow row{.key = sha256(std::to_string(number)),
                .id = make_code_id(clock.now(), random),
                .issued = clock.now(),
                .expires = clock.now() + 600s,
                .binding = {subject, "sign-in"}};
    return run(tables.codes->insert(std::move(row), Limits{}));
  }
  CodeTable::AttemptAnswer attempt(int number, const std::string& subject) {
    const Binding binding{subject, "sign-in"};
    CodeTable::AttemptRequest request{.keys = {sha256(std::to_string(number))},
                                      .binding = binding,
                                      .counted = attempt_key(binding, "caller"),
                                      .now = clock.now()};
    return run(tables.codes->attempt(std::move(request)));
  }
  CodeKeys keys(int number) const { return {sha256(std::to_string(number))}; }

  IoContext context;
  latchkey::testing::ManualClock clock;
  latchkey::testing::SeededRandom random{1};
  FakeTableService service;
  std::shared_ptr<http::testing::FakeHttpClient> http =
      std::make_shared<http::testing::FakeHttpClient>();
  CodeTables tables =
      open_azure_tables(azure::table_address_from_url("http://t/acct/codes?sig=x", nullptr).value(),
                        {http, clock, random, context.get_executor()});
};

TEST_F(AzureTableCost, OfACodeWithASubject) {
  issue(1, "ada");
  EXPECT_EQ(requests(), 4U);
  run(tables.codes->activate(keys(1), clock.now()));
  EXPECT_EQ(requests(), 2U);
  EXPECT_EQ(attempt(9, "ada").outcome, CodeTable::Attempted::refused);
  EXPECT_EQ(requests(), 3U);
  EXPECT_EQ(attempt(1, "ada").outcome, CodeTable::Attempted::yes);
  EXPECT_EQ(requests(), 4U);
  EXPECT_TRUE(run(tables.codes->remove(keys(1), clock.now() + 600s)));
  EXPECT_EQ(requests(), 3U);
}

TEST_F(AzureTableCost, OfACodeWithoutOne) {
  issue(1, "");
  EXPECT_EQ(requests(), 2U);
  run(tables.codes->activate(keys(1), clock.now()));
  EXPECT_EQ(requests(), 2U);
  EXPECT_EQ(attempt(1, "").outcome, CodeTable::Attempted::yes);
  EXPECT_EQ(requests(), 3U);
  EXPECT_EQ(attempt(1, "").outcome, CodeTable::Attempted::refused);
  EXPECT_EQ(requests(), 3U);
  EXPECT_TRUE(run(tables.codes->remove(keys(1), clock.now() + 600s)));
  EXPECT_EQ(requests(), 3U);
}

TEST_F(AzureTableCost, OfWhatHappensNowAndThen) {
  issue(1, "ada");
  EXPECT_EQ(issue(2, "ada").superseded.size(), 1U);
  EXPECT_EQ(requests(), 4U + 2U);
  for (int i = 0; i < 4; ++i) attempt(9, "ada");
  EXPECT_EQ(attempt(9, "ada").exhausted.size(), 1U);
  EXPECT_EQ(requests(), 3U + 2U + 1U) << "one code is revoked, the other one is found to be";
  for (int i = 3; i < 6; ++i) issue(i, "ada");
  EXPECT_EQ(issue(6, "ada").outcome, CodeTable::InsertAnswer::Outcome::throttled);
  EXPECT_EQ(requests(), 1U) << "a refusal is cheap";
  run(tables.codes->remove_expired(clock.now(), 100));
  EXPECT_EQ(requests(), 17U);
  run(tables.codes->find({}));
  EXPECT_EQ(requests(), 1U);
}

TEST_F(AzureTableCost, OfAnIdempotencyKey) {
  const Sha256 key = sha256("key");
  run(tables.answers->begin(key, key, clock.now(), 60s));
  EXPECT_EQ(requests(), 1U);
  http->calls.clear();
  EXPECT_TRUE(
      latchkey::testing::await(context, tables.answers->keep(key, "sealed", clock.now() + 60s)));
  EXPECT_EQ(requests(), 2U);
}

}  // namespace
}  // namespace latchkey::codes
