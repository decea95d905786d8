#include "codes/audit_log.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "base/testing/manual_clock.hpp"
#include "base/text.hpp"
#include "codes/audit_log_verifier.hpp"
#include "codes/testing/log_capture.hpp"
#include "codes/testing/temporary_folder.hpp"

namespace latchkey::codes {
namespace {

/// While it lives no file of this process can grow beyond `bytes`: writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uintmax_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_;
};

struct AuditLogTest : ::testing::Test {
  std::unique_ptr<AuditLog> open(std::uintmax_t bytes_max = AuditLog::kFileBytesMax) {
    return AuditLog::open(path, "api", clock, bytes_max).value();
  }
  std::string content(const std::string& file) const {
    std::ifstream in(path / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The line's members as text, a number as its digits.
  std::map<std::string, std::string> line(const std::string& file, std::size_t number) const {
    const std::string text = content(file);
    std::map<std::string, std::string> members;
    const auto parsed = boost::json::parse(split(text, '\n').at(number - 1));
    for (const auto& [name, value] : parsed.as_object()) {
      const auto* string = value.if_string();
      members[name] = string != nullptr ? std::string(*string) : boost::json::serialize(value);
    }
    return members;
  }
  AuditReport verify() const { return verify_audit(path, {}).value(); }

  testing::TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "audit";
  latchkey::testing::ManualClock clock;
};

constexpr AuditEvent kAccepted{.kind = AuditEventKind::code_accepted,
                               .code_id = "id-1",
                               .subject = "ann",
                               .purpose = "sign-in",
                               .caller = "key:web"};

TEST_F(AuditLogTest, AnEventIsOneLineOfJson) {
  const auto log = open();
  log->record(kAccepted);
  log->record({.kind = AuditEventKind::code_expired, .code_id = "id-2", .reason = "r"});
  EXPECT_TRUE(content("api-1.jsonl")
                  .find(R"({"seq":2,"time":"2020-04-15T16:54:48.0000000Z",)"
                        R"("event":"code_accepted","code_id":"id-1","subject":"ann",)"
                        R"("purpose":"sign-in","caller":"key:web","previous":")") !=
              std::string::npos)
      << content("api-1.jsonl");
  const auto accepted = line("api-1.jsonl", 2);
  const auto expired = line("api-1.jsonl", 3);
  EXPECT_EQ(expired.at("previous"), accepted.at("hash"));
  EXPECT_EQ(expired.at("reason"), "r");
  EXPECT_FALSE(expired.contains("subject")) << "empty members are left out";
  EXPECT_TRUE(verify().good());
  EXPECT_EQ(verify().events.at("code_accepted"), 1U);
}

TEST_F(AuditLogTest, ItsFilesAreNobodyElses) {
  const auto log = open();
  struct stat found{};
  ASSERT_EQ(::stat((path / "api-1.jsonl").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
}

TEST_F(AuditLogTest, NothingFromOutsideForgesALine) {
  const auto log = open();
  const std::string_view texts[] = {"a\n{\"seq\":9}\n",
                                    "\",\"event\":\"code_revoked",
                                    R"(x","hash":")",
                                    "\\\"\r\n\t\x1b[2J\x7f",
                                    std::string_view("nul\0nul", 7),
                                    "\xff\xfe broken",
                                    "\xe2\x80\xa8 separator",
                                    "}{][,:"};
  std::uint64_t lines = 1;
  for (const auto text : texts) {
    log->record({.kind = AuditEventKind::code_refused,
                 .code_id = text,
                 .subject = text,
                 .purpose = text,
                 .caller = text,
                 .reason = text});
    ++lines;
  }
  const auto report = verify();
  EXPECT_TRUE(report.good()) << report.problems.front().what;
  EXPECT_EQ(report.lines, lines);
  EXPECT_EQ(report.events.at("code_refused"), std::size(texts));
  EXPECT_EQ(line("api-1.jsonl", 2).at("subject"), texts[0]);
  EXPECT_EQ(line("api-1.jsonl", 7).at("subject"), "?? broken");
}

TEST_F(AuditLogTest, LongTextsAreCutBetweenCharacters) {
  const auto log = open();
  std::string subject = "x";
  for (int i = 0; i < 200; ++i) subject += "\xc3\xa9";
  log->record({.kind = AuditEventKind::code_refused, .subject = subject});
  const auto kept = line("api-1.jsonl", 2).at("subject");
  EXPECT_EQ(kept, subject.substr(0, AuditLog::kMemberBytesMax - 1));
  EXPECT_TRUE(verify().good());
}

TEST_F(AuditLogTest, TheNextProcessContinuesTheChain) {
  open()->record(kAccepted);
  const auto log = open();
  EXPECT_EQ(log->head().chain, "api-1");
  EXPECT_EQ(log->head().seq, 3U);
  EXPECT_EQ(line("api-1.jsonl", 3).at("event"), "audit_opened");
  EXPECT_FALSE(line("api-1.jsonl", 3).contains("torn_bytes"));
  EXPECT_TRUE(verify().good());
}

TEST_F(AuditLogTest, ProcessesThatRunTogetherHaveChainsOfTheirOwn) {
  const auto first = open();
  auto second = open();
  const auto watcher = AuditLog::open(path, "watch", clock).value();
  EXPECT_EQ(second->head().chain, "api-2");
  EXPECT_EQ(watcher->head().chain, "watch-1");
  first->record(kAccepted);
  second->record(kAccepted);
  second.reset();
  EXPECT_EQ(open()->head().chain, "api-2") << "the first that is free";
  EXPECT_EQ(line("api-2.jsonl", 3).at("heads"),
            R"([")" + to_string(first->head()) + R"(",")" + to_string(watcher->head()) + R"("])")
      << "of all but itself";
  EXPECT_TRUE(verify().good());
}

TEST_F(AuditLogTest, AnotherProcessTakesAnotherChainAndItsEventsSurviveKill) {
  const auto log = open();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto own = open();
    own->record(kAccepted);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto report = verify();
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.events.at("code_accepted"), 1U);
  ASSERT_EQ(report.heads.size(), 2U);
  EXPECT_EQ(report.heads[1].chain, "api-2");
  EXPECT_EQ(report.heads[1].seq, 2U);
}

TEST_F(AuditLogTest, ATornLineIsCutAndTold) {
  open()->record(kAccepted);
  std::ofstream(path / "api-1.jsonl", std::ios::app) << R"({"seq":3,"ti)";
  EXPECT_TRUE(verify().good()) << "a kill is no tampering";
  EXPECT_EQ(verify().torn_bytes, 12U);
  const auto log = open();
  EXPECT_EQ(line("api-1.jsonl", 3).at("torn_bytes"), "12");
  EXPECT_EQ(line("api-1.jsonl", 3).at("seq"), "3");
  EXPECT_TRUE(verify().good());
  EXPECT_EQ(verify().torn_bytes, 0U);
}

TEST_F(AuditLogTest, ADamagedChainIsLeftAloneAndDoesNotStopTheStart) {
  open()->record(kAccepted);
  std::ofstream(path / "api-1.jsonl", std::ios::app) << "scribble\n";
  const auto before = content("api-1.jsonl");
  EXPECT_EQ(open()->head().chain, "api-2");
  EXPECT_EQ(content("api-1.jsonl"), before);
  EXPECT_FALSE(verify().good());
}

TEST_F(AuditLogTest, AFullFileIsPutAsideAndTheChainGoesOn) {
  static constexpr std::uintmax_t kMax = 2000;
  auto log = open(kMax);
  for (int i = 0; i < 20; ++i) log->record(kAccepted);
  log.reset();
  log = open(kMax);
  for (int i = 0; i < 20; ++i) log->record(kAccepted);
  const auto report = verify();
  EXPECT_TRUE(report.good()) << report.problems.front().what;
  EXPECT_EQ(report.lines, 42U);
  EXPECT_EQ(report.heads, std::vector{log->head()});
  ASSERT_GT(report.files.size(), 5U);
  EXPECT_EQ(report.files.front(), "api-1.1.jsonl");
  EXPECT_EQ(report.files.back(), "api-1.jsonl");
  for (const auto& file : report.files) {
    EXPECT_LE(std::filesystem::file_size(path / file), kMax) << file;
  }
  std::filesystem::remove(path / report.files[2]);
  EXPECT_FALSE(verify().good());
}

TEST_F(AuditLogTest, AStartBetweenTwoFilesGoesOnBehindTheFullOne) {
  open()->record(kAccepted);
  std::filesystem::rename(path / "api-1.jsonl", path / "api-1.1.jsonl");
  EXPECT_EQ(open()->head().seq, 3U);
  EXPECT_TRUE(verify().good());
}

TEST_F(AuditLogTest, WhatCannotBeWrittenIsCountedAndTheChainStaysWhole) {
  testing::LogCapture captured;
  const auto log = open();
  log->record(kAccepted);
  {
    // Room for a piece of a line: that piece must not stay.
    const FileSizeLimit limit(content("api-1.jsonl").size() + 20);
    for (int i = 0; i < 3; ++i) log->record(kAccepted);
  }
  EXPECT_EQ(log->lost(), 3U);
  EXPECT_EQ(captured.count("audit_failing"), 1) << "once, not for each event";
  log->record(kAccepted);
  EXPECT_EQ(captured.count("audit_recovered"), 1);
  EXPECT_EQ(line("api-1.jsonl", 3).at("event"), "audit_resumed");
  EXPECT_EQ(line("api-1.jsonl", 3).at("lost"), "3");
  EXPECT_EQ(line("api-1.jsonl", 4).at("event"), "code_accepted");
  log->record(kAccepted);
  EXPECT_EQ(verify().events.at("audit_resumed"), 1U);
  EXPECT_TRUE(verify().good());
}

TEST_F(AuditLogTest, TheHeadGoesToTheLogAtTheStartNowAndThenAndAtTheEnd) {
  testing::LogCapture captured;
  auto log = open();
  EXPECT_EQ(captured.count("audit_head"), 1);
  EXPECT_EQ(captured.count(to_string(log->head())), 1);
  for (std::uint64_t i = 0; i < AuditLog::kHeadInterval; ++i) log->record(kAccepted);
  EXPECT_EQ(captured.count("audit_head"), 2);
  EXPECT_EQ(captured.count("api-1:1000:"), 1);
  const auto last = to_string(log->head());
  log.reset();
  EXPECT_EQ(captured.count("head=" + last), 1);
}

TEST_F(AuditLogTest, RefusesWhatCannotBeARoleOrAFolder) {
  for (const char* role : {"", "a/b", "Api", "a-b", "a.b", ".."}) {
    const auto opened = AuditLog::open(path, role, clock);
    ASSERT_FALSE(opened) << role;
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid_argument);
  }
  const auto nowhere = AuditLog::open(folder.path() / "no" / "such", "api", clock);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, ErrorKind::storage);
}

}  // namespace
}  // namespace latchkey::codes
