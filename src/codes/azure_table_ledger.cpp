#include "codes/azure_table_ledger.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace latchkey::codes::azure_table {
namespace {

/// Failures in a row count together when no more than this lies between two of them.
constexpr std::chrono::hours kFailuresKept{24};

// The entity's columns:
//   codes     binary: key (32 bytes), purpose, expires, counted_until, attempts (8 bytes each)
//   failures  binary: counted, failures, blocked_until, until (8 bytes each)
//   until     time: when nothing in it means anything any more
// Numbers are big-endian, times microseconds since 1970.
constexpr std::size_t kCodeBytes = 64;
constexpr std::size_t kFailuresBytes = 32;

void append(Bytes& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}
void append(Bytes& out, std::int64_t number) {
  append(out, static_cast<std::uint64_t>(number));
}
void append(Bytes& out, UtcTime time) {
  append(out, static_cast<std::int64_t>(time.time_since_epoch().count()));
}

/// Reads what `append` wrote; the caller has seen to it that there is enough.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  Sha256 hash() {
    Sha256 hash{};
    std::copy_n(bytes_.begin(), hash.size(), hash.begin());
    bytes_ = bytes_.subspan(hash.size());
    return hash;
  }
  std::uint64_t number() {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes_.first(8)) number = number << 8 | byte;
    bytes_ = bytes_.subspan(8);
    return number;
  }
  std::int64_t count() { return static_cast<std::int64_t>(number()); }
  UtcTime time() { return UtcTime{UtcTime::duration{count()}}; }

 private:
  std::span<const std::uint8_t> bytes_;
};

UtcTime end_of(const Ledger::Code& code) {
  return std::max(code.expires + kClocksApartMax, code.counted_until);
}

/// Makes room for one more by forgetting the shortest row of failures, so that nobody can drive out
/// a long one with many short ones.
void make_room(std::vector<Ledger::Failures>& all) {
  if (all.size() < Ledger::kFailuresMax) return;
  const auto fewer = [](const auto& a, const auto& b) { return a.failures < b.failures; };
  all.erase(std::min_element(all.begin(), all.end(), fewer));
}

}  // namespace

Ledger::Code* Ledger::find(const Sha256& key) {
  const auto found =
      std::find_if(codes.begin(), codes.end(), [&](const Code& code) { return code.key == key; });
  return found == codes.end() ? nullptr : &*found;
}

const Ledger::Code* Ledger::find(const Sha256& key) const {
  return const_cast<Ledger*>(this)->find(key);
}

Ledger::Failures Ledger::failures_of(const Sha256& counted, UtcTime now) const {
  for (const Failures& one : failures) {
    if (one.counted == tag_of(counted) && one.until > now) return one;
  }
  return {.counted = tag_of(counted)};
}

void Ledger::raise_failures(const Sha256& counted, UtcTime now, const Limits& limits) {
  Failures raised = failures_of(counted, now);
  forget_failures(counted);
  ++raised.failures;
  const auto delay = delay_after(raised.failures, limits);
  // Not `now` without a delay: a copy whose clock is behind ours would take that for one.
  raised.blocked_until = delay > delay.zero() ? now + delay : UtcTime{};
  raised.until = std::max(now + kFailuresKept, raised.blocked_until);
  make_room(failures);
  failures.push_back(raised);
}

void Ledger::forget_failures(const Sha256& counted) {
  std::erase_if(failures, [&](const Failures& one) { return one.counted == tag_of(counted); });
}

std::uint64_t tag_of(std::string_view purpose) {
  return tag_of(sha256(purpose));
}

std::uint64_t tag_of(const Sha256& hash) {
  return Reader(hash).number();
}

CodeTable::InsertAnswer judge_issue(const Ledger& ledger, const CodeRow& row,
                                    const Limits& limits) {
  using Outcome = CodeTable::InsertAnswer::Outcome;
  std::vector<UtcTime> ends;
  for (const Ledger::Code& code : ledger.codes) {
    if (code.counted_until > row.issued) ends.push_back(code.counted_until);
  }
  const auto issues = static_cast<std::int64_t>(ends.size());
  const bool full = ledger.codes.size() >= Ledger::kCodesMax;
  if (issues < limits.issues_max && !full) {
    return {.retry_after = limits.issues_window, .issues_left = limits.issues_max - issues - 1};
  }
  std::sort(ends.begin(), ends.end(), std::greater<>());
  // One more fits in when fewer than issues_max are left.
  const auto last = static_cast<std::size_t>(std::min(issues, limits.issues_max));
  const UtcTime free_at = last == 0 ? row.issued + kClocksApartMax : ends[last - 1];
  return {.outcome = Outcome::throttled,
          .retry_after = std::chrono::ceil<std::chrono::seconds>(free_at - row.issued)};
}

void note_issue(Ledger& ledger, const CodeRow& row, const Limits& limits) {
  ledger.codes.push_back({.key = row.key,
                          .purpose = tag_of(row.binding.purpose),
                          .expires = row.expires,
                          .counted_until = row.issued + limits.issues_window,
                          .attempts = row.attempts});
}

std::vector<Sha256> usable_codes(const Ledger& ledger, std::optional<std::uint64_t> purpose,
                                 UtcTime from) {
  std::vector<Sha256> keys;
  for (const Ledger::Code& code : ledger.codes) {
    const bool asked_for = !purpose || *purpose == code.purpose;
    if (asked_for && code.expires > from) keys.push_back(code.key);
  }
  return keys;
}

Ledger ledger_in(const wire::TableEntity& entity) {
  Ledger ledger;
  const Bytes codes = entity.binary("codes");
  for (Reader read(codes); read.left() >= kCodeBytes;) {
    ledger.codes.push_back({.key = read.hash(),
                            .purpose = read.number(),
                            .expires = read.time(),
                            .counted_until = read.time(),
                            .attempts = read.count()});
  }
  const Bytes failures = entity.binary("failures");
  for (Reader read(failures); read.left() >= kFailuresBytes;) {
    ledger.failures.push_back({.counted = read.number(),
                               .failures = read.count(),
                               .blocked_until = read.time(),
                               .until = read.time()});
  }
  return ledger;
}

void put_ledger(wire::TableEntity& entity, Ledger ledger, UtcTime now) {
  std::erase_if(ledger.codes, [&](const auto& code) { return end_of(code) <= now; });
  std::erase_if(ledger.failures, [&](const auto& one) { return one.until <= now; });
  UtcTime until = now;
  Bytes codes;
  for (const Ledger::Code& code : ledger.codes) {
    until = std::max(until, end_of(code));
    codes.insert(codes.end(), code.key.begin(), code.key.end());
    append(codes, code.purpose);
    append(codes, code.expires);
    append(codes, code.counted_until);
    append(codes, code.attempts);
  }
  Bytes failures;
  for (const Ledger::Failures& one : ledger.failures) {
    until = std::max(until, one.until);
    append(failures, one.counted);
    append(failures, one.failures);
    append(failures, one.blocked_until);
    append(failures, one.until);
  }
  entity.properties["codes"] = std::move(codes);
  entity.properties["failures"] = std::move(failures);
  entity.properties["until"] = until;
}

}  // namespace latchkey::codes::azure_table
