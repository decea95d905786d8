#include "codes/azure_table_ledger.hpp"

#include <gtest/gtest.h>

namespace latchkey::codes::azure_table {
namespace {
using namespace std::chrono_literals;
using Outcome = CodeTable::InsertAnswer::Outcome;

constexpr UtcTime kNow{std::chrono::microseconds{1'586'969'688'816'549}};

CodeRow row_of(int number, UtcTime issued = kNow) {
  return {.key = sha256(std::to_string(number)),
          .issued = issued,
          .expires = issued + 600s,
          .binding = {"ada", "sign-in"}};
}

Ledger reread(const Ledger& ledger, UtcTime now = kNow) {
  wire::TableEntity entity{.partition_key = "p", .row_key = "r"};
  put_ledger(entity, ledger, now);
  return ledger_in(wire::parse_entity(wire::render_entity(entity)).value());
}

TEST(AzureTableLedger, ComesBackAsItWasWritten) {
  Ledger ledger;
  note_issue(ledger, row_of(1), {});
  ledger.codes[0].attempts = 3;
  for (int i = 0; i < 100; ++i) ledger.raise_failures(sha256("x"), kNow, {});
  const Ledger read = reread(ledger);
  ASSERT_EQ(read.codes.size(), 1U);
  EXPECT_EQ(read.codes[0].key, row_of(1).key);
  EXPECT_EQ(read.codes[0].purpose, tag_of("sign-in"));
  EXPECT_EQ(read.codes[0].expires, kNow + 600s);
  EXPECT_EQ(read.codes[0].counted_until, kNow + 600s);
  EXPECT_EQ(read.codes[0].attempts, 3);
  const auto failures = read.failures_of(sha256("x"), kNow);
  EXPECT_EQ(failures.failures, 100);
  EXPECT_EQ(failures.blocked_until, kNow + 30s);
  EXPECT_EQ(failures.until, kNow + 24h);
  EXPECT_EQ(read.failures_of(sha256("y"), kNow).failures, 0);
}

TEST(AzureTableLedger, ForgetsWhatMeansNothingAnyMore) {
  Limits limits;
  limits.issues_window = 10s;
  Ledger ledger;
  note_issue(ledger, row_of(1), limits);
  ledger.raise_failures(sha256("x"), kNow, limits);
  const UtcTime end = kNow + 600s + kClocksApartMax;  // A copy whose clock is behind.
  EXPECT_EQ(reread(ledger, end - 1us).codes.size(), 1U);
  EXPECT_EQ(reread(ledger, end).codes.size(), 0U);
  EXPECT_EQ(reread(ledger, kNow + 24h - 1us).failures.size(), 1U);
  EXPECT_EQ(reread(ledger, kNow + 24h).failures.size(), 0U);
  EXPECT_EQ(ledger.failures_of(sha256("x"), kNow + 24h).failures, 0);
}

// The sweep deletes the entity by this column.
TEST(AzureTableLedger, IsOverWhenTheLastOfItIs) {
  const auto until = [](const Ledger& ledger) {
    wire::TableEntity entity;
    put_ledger(entity, ledger, kNow);
    return entity.time("until");
  };
  Ledger ledger;
  EXPECT_EQ(until(ledger), kNow);
  note_issue(ledger, row_of(1), {});
  EXPECT_EQ(until(ledger), kNow + 600s + kClocksApartMax);
  ledger.raise_failures(sha256("x"), kNow, {});
  EXPECT_EQ(until(ledger), kNow + 24h);
}

TEST(AzureTableLedger, FullItFitsIntoWhatAPropertyHolds) {
  Ledger ledger;
  Limits limits;
  limits.issues_max = 10'000;
  while (judge_issue(ledger, row_of(0), limits).outcome == Outcome::inserted) {
    note_issue(ledger, row_of(static_cast<int>(ledger.codes.size())), limits);
  }
  for (int i = 0; i < 3'000; ++i) {
    ledger.raise_failures(sha256(std::to_string(i)), kNow, limits);
  }
  wire::TableEntity entity;
  put_ledger(entity, ledger, kNow);
  constexpr std::size_t kPropertyMax = std::size_t{64} * 1024;
  EXPECT_GT(entity.binary("codes").size(), kPropertyMax * 9 / 10);
  EXPECT_LE(entity.binary("codes").size(), kPropertyMax);
  EXPECT_LE(entity.binary("failures").size(), kPropertyMax);
  EXPECT_GT(judge_issue(ledger, row_of(0), limits).retry_after, 0s);
}

// Whoever invents purposes must not make a real count forgotten.
TEST(AzureTableLedger, ManyShortCountsDoNotDriveOutALongOne) {
  Ledger ledger;
  for (int i = 0; i < 50; ++i) ledger.raise_failures(sha256("attacked"), kNow, {});
  for (int i = 0; i < 2'000; ++i) ledger.raise_failures(sha256(std::to_string(i)), kNow, {});
  EXPECT_EQ(ledger.failures_of(sha256("attacked"), kNow).failures, 50);
  EXPECT_LE(ledger.failures.size(), Ledger::kFailuresMax);
}

TEST(AzureTableLedger, DamagedBytesGiveNoMoreThanTheyHold) {
  wire::TableEntity entity;
  entity.properties["codes"] = Bytes(64 * 2 + 63);
  entity.properties["failures"] = Bytes(31);
  const Ledger ledger = ledger_in(entity);
  EXPECT_EQ(ledger.codes.size(), 2U);
  EXPECT_TRUE(ledger.failures.empty());
}

}  // namespace
}  // namespace latchkey::codes::azure_table
