#include "cloud/queues/queue_handlers.hpp"

#include <gtest/gtest.h>

namespace latchkey::cloud {
namespace {

TEST(StoreRefusal, IsAzuresErrorOfThatCode) {
  struct Row {
    const char* code;
    int status;
  };
  const Row kRows[] = {{"QueueNotFound", 404},   {"QueueAlreadyExists", 409},
                       {"MessageNotFound", 404}, {"PopReceiptMismatch", 400},
                       {"ServerBusy", 503},      {"InternalError", 500}};
  for (const auto& row : kRows) {
    Error error;
    error.code = row.code;
    error.message = "SQLite says something about our disk";
    const auto refusal = store_refusal(error);
    EXPECT_EQ(refusal.status, row.status) << row.code;
    EXPECT_EQ(refusal.message.find("SQLite"), std::string::npos) << "ours, not the caller's";
  }
}

TEST(StoreRefusal, TellsWhenToComeBack) {
  Error busy;
  busy.kind = ErrorKind::throttled;
  busy.code = "ServerBusy";
  busy.retry_after = std::chrono::milliseconds{1200};
  const auto refusal = store_refusal(busy);
  ASSERT_EQ(refusal.headers.size(), 1U);
  EXPECT_EQ(refusal.headers[0].first, "Retry-After");
  EXPECT_EQ(refusal.headers[0].second, "2");
}

}  // namespace
}  // namespace latchkey::cloud
