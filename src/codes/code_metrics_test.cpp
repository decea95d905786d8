#include "codes/code_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/await.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/counting_audit.hpp"
#include "codes/observed_table.hpp"
#include "codes/sqlite_code_table.hpp"
#include "codes/testing/table_wrapper.hpp"

namespace latchkey::codes {
namespace {

using ::testing::HasSubstr;

TEST(CodeMetrics, EachErrorOfAnIssueCountsAsWhatFailed) {
  Metrics all;
  CodeMetrics metrics(all);
  const std::pair<const char*, const char*> rows[] = {{"IssueLimit", "limited"},
                                                      {"NumberApiStatus", "number_api_failed"},
                                                      {"NumberApiKey", "number_api_failed"},
                                                      {"QueueUnavailable", "queue_failed"},
                                                      {"TableUnavailable", "table_failed"}};
  for (const auto& [code, outcome] : rows) {
    Error error;
    error.code = code;
    metrics.issue_ended(&error, std::chrono::milliseconds{3});
    EXPECT_THAT(all.render(), HasSubstr(std::string("latchkey_issues_total{outcome=\"") + outcome));
  }
  EXPECT_THAT(all.render(), HasSubstr("latchkey_issues_total{outcome=\"number_api_failed\"} 2\n"));
  EXPECT_THAT(all.render(), HasSubstr("latchkey_issues_total{outcome=\"issued\"} 0\n"));
  EXPECT_THAT(all.render(), HasSubstr("latchkey_issue_seconds_count 5\n"));
}

TEST(CodeMetrics, EachVerdictCounts) {
  Metrics all;
  CodeMetrics metrics(all);
  const std::pair<Verdict, const char*> rows[] = {{Verdict::accepted, "accepted"},
                                                  {Verdict::not_active_yet, "not_active_yet"},
                                                  {Verdict::refused, "refused"},
                                                  {Verdict::throttled, "throttled"}};
  for (const auto& [verdict, outcome] : rows) {
    const std::string series = std::string("latchkey_verifications_total{outcome=\"") + outcome;
    EXPECT_THAT(all.render(), HasSubstr(series + "\"} 0\n"));
    metrics.verification_ended(&verdict, std::chrono::milliseconds{3});
    EXPECT_THAT(all.render(), HasSubstr(series + "\"} 1\n"));
  }
  metrics.verification_ended(nullptr, std::chrono::milliseconds{3});
  EXPECT_THAT(all.render(), HasSubstr("latchkey_verifications_total{outcome=\"failed\"} 1\n"));
}

class Notes final : public Audit {
 public:
  void record(const AuditEvent& event) override { kinds.push_back(event.kind); }
  std::vector<AuditEventKind> kinds;
};

TEST(CountingAudit, CountsAndPassesOn) {
  Metrics all;
  Notes notes;
  CountingAudit audit(notes, all);
  audit.record({.kind = AuditEventKind::signed_in});
  audit.record({.kind = kLastAuditEventKind});
  EXPECT_EQ(notes.kinds.size(), 2U);
  EXPECT_THAT(all.render(), HasSubstr("latchkey_audit_events_total{event=\"signed_in\"} 1\n"));
  EXPECT_THAT(all.render(),
              HasSubstr("latchkey_audit_events_total{event=\"sign_in_disowned\"} 1\n"));
  EXPECT_THAT(all.render(), HasSubstr("latchkey_audit_events_total{event=\"code_issued\"} 0\n"));
}

class ObservedTableTest : public ::testing::Test {
 protected:
  template <class T>
  T run(Task<T> task) {
    return latchkey::testing::await(context_, std::move(task));
  }

  IoContext context_;
  latchkey::testing::ManualClock clock_;
  latchkey::testing::SeededRandom random_{1};
  Metrics metrics_;
  Tracer tracer_{{.collects = true}, clock_, random_};
  CodeTables tables_ = open_sqlite_tables({}).value();
  testing::TableWrapper inner_{*tables_.codes};
  ObservedTable table_{inner_, metrics_, tracer_, clock_};
};

TEST_F(ObservedTableTest, TellsTimeOutcomeAndRowOfEachOperation) {
  const Span parent = tracer_.begin(Span::Kind::server);
  CodeRow row{.key = sha256("k"),
              .key_id = "v1",
              .id = "0123",
              .issued = clock_.now(),
              .expires = clock_.now() + std::chrono::seconds{600}};
  inner_.before_answer = [this] { clock_.advance(std::chrono::milliseconds{3}); };
  ASSERT_TRUE(run(table_.insert(std::move(row), Limits{}, parent.trace)));
  const CodeKeys keys = {sha256("k")};
  ASSERT_TRUE(run(table_.activate(keys, clock_.now(), parent.trace)));
  const auto spans = tracer_.take(9);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].name, "table insert");
  EXPECT_EQ(spans[0].parent_id, parent.trace.span_id);
  EXPECT_EQ(spans[0].ended - spans[0].begun, std::chrono::milliseconds{3});
  EXPECT_EQ(spans[1].name, "table activate");
  for (const Span& span : spans) {
    ASSERT_EQ(span.attributes.size(), 1U);
    EXPECT_EQ(span.attributes[0].first, "latchkey.code.id");
    EXPECT_EQ(std::get<std::string>(span.attributes[0].second), "0123");
  }
  EXPECT_THAT(metrics_.render(),
              HasSubstr("latchkey_table_seconds_bucket{operation=\"insert\",le=\"0.005\"} 1\n"));
}

TEST_F(ObservedTableTest, CountsFailures) {
  inner_.failure = Error{};
  const CodeKeys keys = {sha256("k")};
  EXPECT_FALSE(run(table_.find(keys)));
  EXPECT_THAT(
      metrics_.render(),
      HasSubstr("latchkey_table_operations_total{operation=\"find\",outcome=\"failed\"} 1"));
  EXPECT_THAT(
      metrics_.render(),
      HasSubstr("latchkey_table_operations_total{operation=\"find\",outcome=\"answered\"} 0"));
}

}  // namespace
}  // namespace latchkey::codes
