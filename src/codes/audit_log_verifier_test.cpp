#include "codes/audit_log_verifier.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "codes/audit_log.hpp"
#include "codes/testing/temporary_folder.hpp"

namespace latchkey::codes {
namespace {

/// A folder with a chain of six lines, api-1, whose process has ended.
struct AuditVerifierTest : ::testing::Test {
  AuditVerifierTest() {
    auto log = AuditLog::open(path, "api", clock).value();
    for (const char* subject : {"ann", "bob", "cid", "dee", "eve"}) {
      log->record({.kind = AuditEventKind::code_accepted, .subject = subject});
    }
    head = log->head();
  }
  std::filesystem::path file(const std::string& chain = "api-1") const {
    return path / (chain + ".jsonl");
  }
  std::vector<std::string> lines() const {
    std::ifstream in(file(), std::ios::binary);
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);) found.push_back(line);
    return found;
  }
  void write(const std::vector<std::string>& content) const {
    std::ofstream out(file(), std::ios::binary | std::ios::trunc);
    for (const auto& line : content) out << line << '\n';
  }
  /// "FILE:LINE" of the first problem; "" when there is none.
  std::string problem(const std::vector<AuditHead>& expected = {}) const {
    const auto report = verify_audit(path, expected).value();
    if (report.good()) return "";
    const auto& first = report.problems.front();
    EXPECT_NE(first.what, "");
    return first.file + ":" + std::to_string(first.line);
  }

  testing::TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "audit";
  latchkey::testing::ManualClock clock;
  AuditHead head;
};

TEST_F(AuditVerifierTest, AWholeLogIsGood) {
  const auto report = verify_audit(path, {head}).value();
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.files, std::vector<std::string>{"api-1.jsonl"});
  EXPECT_EQ(report.lines, 6U);
  EXPECT_EQ(report.events.at("code_accepted"), 5U);
  EXPECT_EQ(report.events.at("audit_opened"), 1U);
  EXPECT_EQ(report.heads, std::vector{head});
}

TEST_F(AuditVerifierTest, EveryChangedByteShows) {
  static constexpr std::uint64_t kSeed = 5;
  latchkey::testing::SeededRandom random(kSeed);
  const auto good = lines();
  for (std::size_t at = 0; at < good[2].size(); ++at) {
    auto changed = good;
    changed[2][at] = static_cast<char>(random.below(256));
    if (changed == good) continue;
    write(changed);
    EXPECT_EQ(problem(), "api-1.jsonl:3") << "seed " << kSeed << " at " << at;
  }
}

TEST_F(AuditVerifierTest, RemovedMovedAndRepeatedLinesShow) {
  const auto good = lines();
  auto changed = good;
  changed.erase(changed.begin() + 2);
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:3");
  changed = good;
  changed.erase(changed.begin());
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:1") << "the beginning is missing";
  changed = good;
  std::swap(changed[2], changed[3]);
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:3");
  changed = good;
  changed.insert(changed.begin() + 3, good[2]);
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:4");
  changed = good;
  changed.insert(changed.begin() + 3, "");
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:4");
}

TEST_F(AuditVerifierTest, ALineThatWasSealedAnewDoesNotFitItsNeighbour) {
  auto changed = lines();
  const auto before = read_audit_line(changed[1]).value();
  auto forged = seal_audit_line({.chain = "api-1", .seq = 2, .hash = before.hash}, clock.now(),
                                "code_accepted", R"(,"subject":"mallory")");
  forged.text.pop_back();
  changed[2] = forged.text;
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:4");
}

TEST_F(AuditVerifierTest, ANumberThatWasLeftOutShowsThoughTheHashesFit) {
  auto changed = lines();
  auto skipping = seal_audit_line({.chain = "api-1", .seq = 7, .hash = head.hash}, clock.now(),
                                  "code_accepted", "");
  skipping.text.pop_back();
  changed.push_back(skipping.text);
  write(changed);
  EXPECT_EQ(problem(), "api-1.jsonl:7");
}

TEST_F(AuditVerifierTest, ACutTailShowsAgainstAHeadOnly) {
  auto cut = lines();
  cut.pop_back();
  write(cut);
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(problem({head}), "api-1.jsonl:0");
  const auto report = verify_audit(path, {head}).value();
  EXPECT_NE(report.problems.front().what.find("event 6"), std::string::npos);
  // And when the chain has gone on since, as if nothing were missing.
  AuditLog::open(path, "api", clock).value()->record({.kind = AuditEventKind::signed_in});
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(problem({head}), "api-1.jsonl:0");
}

TEST_F(AuditVerifierTest, ACutTailShowsAgainstWhatAnotherChainNoted) {
  AuditLog::open(path, "watch", clock).value();
  EXPECT_EQ(problem(), "");
  auto cut = lines();
  cut.pop_back();
  write(cut);
  EXPECT_EQ(problem(), "api-1.jsonl:0");
}

TEST_F(AuditVerifierTest, ARemovedFileShowsAgainstWhatAnotherChainNoted) {
  AuditLog::open(path, "watch", clock).value();
  std::filesystem::remove(file());
  EXPECT_EQ(problem(), "api-1.jsonl:0");
  EXPECT_EQ(problem({{.chain = "never-1", .seq = 1}}), "api-1.jsonl:0");
  EXPECT_EQ(verify_audit(path, {{.chain = "never-1", .seq = 1}}).value().problems.size(), 2U);
}

TEST_F(AuditVerifierTest, ARenamedChainShows) {
  std::filesystem::rename(file(), file("api-2"));
  EXPECT_EQ(problem(), "api-2.jsonl:1");
}

TEST_F(AuditVerifierTest, EachFileTellsItsFirstProblemAndIsReadToItsEnd) {
  auto changed = lines();
  changed[1][10] = '!';
  changed[4][10] = '!';
  write(changed);
  const auto report = verify_audit(path, {head}).value();
  ASSERT_EQ(report.problems.size(), 1U) << "the head is still there";
  EXPECT_EQ(report.problems.front().line, 2U);
  EXPECT_EQ(report.lines, 6U);
  EXPECT_EQ(report.heads, std::vector{head});
}

TEST_F(AuditVerifierTest, OnlyTheFileThatIsWrittenMayEndWithinALine) {
  const auto good = lines();
  std::ofstream(file(), std::ios::app) << good[5].substr(0, 40);
  EXPECT_EQ(problem(), "");
  std::filesystem::rename(file(), path / "api-1.1.jsonl");
  std::ofstream(file(), std::ios::app).flush();
  EXPECT_EQ(problem(), "api-1.1.jsonl:7");
}

TEST_F(AuditVerifierTest, ALineWithoutEndIsReadInPieces) {
  std::ofstream(file(), std::ios::app) << std::string(3 * kAuditLineBytesMax, 'x') << '\n';
  EXPECT_EQ(problem(), "api-1.jsonl:7");
  EXPECT_LE(verify_audit(path, {}).value().lines, 10U);
}

TEST_F(AuditVerifierTest, ALogThatIsNotThereIsNoGoodLog) {
  const auto missing = verify_audit(path / "no", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  const auto empty = verify_audit(folder.path(), {});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().kind, ErrorKind::not_found);
  EXPECT_NE(empty.error().message.find(folder.path().string()), std::string::npos);
}

TEST_F(AuditVerifierTest, AHeadHasOneForm) {
  EXPECT_EQ(parse_audit_head(to_string(head)).value(), head);
  const std::string hash(64, 'a');
  const std::vector<std::string> rows{"",
                                      "api-1",
                                      "api-1:1",
                                      "api-1:1:" + hash + "0",
                                      ":1:" + hash,
                                      "api-1:-1:" + hash,
                                      "api-1:x:" + hash,
                                      "api-1:1:" + std::string(64, 'G')};
  for (const std::string& text : rows) {
    const auto parsed = parse_audit_head(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
  }
}

}  // namespace
}  // namespace latchkey::codes
