#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "azure/table_client.hpp"
#include "codes/code_table.hpp"

/// What is counted against one subject, or against one caller of codes that have no subject. All of
/// it is one entity, because that is what Table Storage changes atomically: whoever issues or
/// guesses for a subject has to replace it as it was read, and so they all come one after the
/// other. Why that is needed: decision 0013. Values and rules only; nothing here waits.
namespace latchkey::codes::azure_table {

struct Ledger {
  /// A code that was issued to the subject. It stays as long as it counts as an issue, or as some
  /// copy could accept it.
  struct Code {
    Sha256 key{};
    std::uint64_t purpose = 0;  ///< tag_of(purpose)
    UtcTime expires{};
    UtcTime counted_until{};    ///< as one of the issues in the window
    std::int64_t attempts = 0;  ///< guesses that count on it
  };
  /// Failures in a row, for one purpose or caller.
  struct Failures {
    std::uint64_t counted = 0;  ///< of AttemptRequest::counted
    std::int64_t failures = 0;
    UtcTime blocked_until{};
    UtcTime until{};  ///< then they are forgotten
  };

  /// Far more than a subject needs; what 64 KiB, a property's limit, can hold.
  static constexpr std::size_t kCodesMax = 1'000;
  static constexpr std::size_t kFailuresMax = 1'000;

  std::vector<Code> codes{};
  std::vector<Failures> failures{};

  Code* find(const Sha256& key);
  const Code* find(const Sha256& key) const;
  /// None known, or forgotten by `now`: zero.
  Failures failures_of(const Sha256& counted, UtcTime now) const;
  void raise_failures(const Sha256& counted, UtcTime now, const Limits& limits);
  void forget_failures(const Sha256& counted);
};

/// Eight bytes are enough to tell the purposes of one subject apart.
std::uint64_t tag_of(std::string_view purpose);
std::uint64_t tag_of(const Sha256& hash);

/// How `row` may be issued: inserted, with what is left, or throttled.
CodeTable::InsertAnswer judge_issue(const Ledger& ledger, const CodeRow& row, const Limits& limits);
void note_issue(Ledger& ledger, const CodeRow& row, const Limits& limits);
/// The codes that issuing `row` supersedes, and those of one purpose or all that could be used at
/// `from`.
std::vector<Sha256> usable_codes(const Ledger& ledger, std::optional<std::uint64_t> purpose,
                                 UtcTime from);

Ledger ledger_in(const wire::TableEntity& entity);
/// Puts `ledger` into the entity, without what means nothing any more by `now`.
void put_ledger(wire::TableEntity& entity, Ledger ledger, UtcTime now);

}  // namespace latchkey::codes::azure_table
