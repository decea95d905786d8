#include "codes/verifier.hpp"

#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/log_capture.hpp"
#include "codes/testing/table_wrapper.hpp"

namespace latchkey::codes {
namespace {
using namespace std::chrono_literals;
using latchkey::testing::await;
using latchkey::testing::ManualClock;
using testing::TableWrapper;

class VerifierTest : public ::testing::Test {
 protected:
  void issue(const char* code, CodeState state = CodeState::valid, Binding binding = {}) {
    CodeRow row{.key = hasher.hash(code),
                .key_id = "v1",
                .issued = clock.now(),
                .expires = clock.now() + 600s,
                .state = state,
                .subject = std::move(binding.subject),
                .purpose = std::move(binding.purpose),
                .used_at = {},
                .used_by = {}};
    ASSERT_TRUE(await(context, table.insert(std::move(row))).value());
  }
  Result<Verdict> verify(const char* code, Binding binding = {}, std::string key = {}) {
    return await(context, verifier.verify(Secret(code), std::move(binding), std::move(key)));
  }

  IoContext context;
  ManualClock clock;
  std::unique_ptr<CodeTable> store = open_sqlite_code_table({}).value();
  TableWrapper table{*store};
  CodeHasher hasher{Secret("pepper"), "v1"};
  Verifier verifier{table, hasher, clock};
};

TEST_F(VerifierTest, AcceptsAValidCodeOnce) {
  issue("abc-1-def");
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::accepted);
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
}

TEST_F(VerifierTest, RefusesWhatWasNeverIssuedOrHasNoCodesForm) {
  issue("abc-1-def");
  for (const char* code : {"abc-1-deF", "abc-2-def", "", "abc-1-def ", "x", "abc-01-def"}) {
    EXPECT_EQ(verify(code).value(), Verdict::refused) << code;
  }
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::accepted);
}

TEST_F(VerifierTest, SaysNotActiveYetWhileTheCodeIsPending) {
  issue("abc-1-def", CodeState::pending, {"ada", "sign-in"});
  EXPECT_EQ(verify("abc-1-def", {"ada", "sign-in"}).value(), Verdict::not_active_yet);
  EXPECT_EQ(verify("abc-1-def", {"eve", "sign-in"}).value(), Verdict::refused);
  ASSERT_TRUE(await(context, table.activate(hasher.hash("abc-1-def"), clock.now())).value());
  EXPECT_EQ(verify("abc-1-def", {"ada", "sign-in"}).value(), Verdict::accepted);
}

TEST_F(VerifierTest, AWrongSubjectOrPurposeDoesNotUseTheCodeUp) {
  issue("abc-1-def", CodeState::valid, {"ada", "sign-in"});
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", {"ada", "payment"}).value(), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", {"eve", "sign-in"}).value(), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def", {"ada", "sign-in"}).value(), Verdict::accepted);
}

TEST_F(VerifierTest, AcceptsInTheLastMicrosecondAndRefusesFromTheEndOn) {
  issue("abc-1-def");
  issue("abc-2-def");
  clock.advance(600s - 1us);
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::accepted);
  clock.advance(1us);
  EXPECT_EQ(verify("abc-2-def").value(), Verdict::refused);
}

TEST_F(VerifierTest, LooksAtTheClockAgainAfterTheTableAnswered) {
  issue("abc-1-def");
  clock.advance(599s);
  table.before_answer = [this] { clock.advance(1s); };  // The table took its time.
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
  table.before_answer = nullptr;
  // The code is burned: turning the clock back does not bring it back.
  clock.jump(-300s);
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
}

TEST_F(VerifierTest, ARetryWithTheSameIdempotencyKeyGetsTheSameAnswer) {
  issue("abc-1-def");
  EXPECT_EQ(verify("abc-1-def", {}, "retry-1").value(), Verdict::accepted);
  clock.advance(2s);
  EXPECT_EQ(verify("abc-1-def", {}, "retry-1").value(), Verdict::accepted);
  EXPECT_EQ(verify("abc-1-def", {}, "retry-2").value(), Verdict::refused);
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
}

TEST_F(VerifierTest, FailsClosedWhenTheTableCannotAnswer) {
  issue("abc-1-def");
  table.failure = fail(ErrorKind::storage, "StorageError", "disk full").value();
  auto verdict = verify("abc-1-def");
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().kind, ErrorKind::storage);
}

TEST_F(VerifierTest, LogsWhyNotButNoCode) {
  const testing::LogCapture log;
  EXPECT_EQ(verify("abc-1-def").value(), Verdict::refused);
  EXPECT_EQ(log.count("unknown"), 1);
  EXPECT_EQ(log.count("abc-1-def"), 0);
}

}  // namespace
}  // namespace latchkey::codes
