#pragma once

#include <string>
#include <string_view>

#include "codes/azure_table_store.hpp"

/// How codes lie in Table Storage, and the plain steps on one of them.
///
/// A partition is what one server serves (2,000 entities a second), and the keys' order is the
/// table's. So every kind of entity is spread by a hash:
///
///     c-AB      | row key in hex    a code; AB are its first digits
///     l-AB      | hash in hex       a subject's or caller's ledger (azure_table_ledger.hpp)
///     a-AB      | hash in hex       an answer under its idempotency key
///     tA-MINUTE | id                by which id and from which minute on a code is known; A is a
///                                   digit of the id's hash. In order of time, so that the sweep
///                                   reads only what is old.
namespace latchkey::codes::azure_table {

EntityKey code_key(const Sha256& key);
/// Of the subject, or without one of whom failures count against.
EntityKey ledger_key(const Binding& binding, const Sha256& counted);
EntityKey answer_key(const Sha256& key);
EntityKey id_key(std::string_view id);

inline constexpr int kIdSpread = 16;
/// The filter for ids in part `part` of kIdSpread whose codes had expired by `expired_by`.
std::string expired_ids_filter(int part, UtcTime expired_by);
/// The filter for what lies in partitions "PREFIX-..." and is over by `now`.
std::string over_filter(char prefix, UtcTime now);

/// A row and the entity that holds it.
struct FoundCode {
  CodeRow row{};
  TableEntity entity{};
};
/// Nothing if the entity is none (no ETag). Error: storage, code "InvalidEntity".
Result<std::optional<FoundCode>> code_in(TableEntity entity);
void put_code(TableEntity& entity, const CodeRow& row);
CodeFacts facts_of(const CodeRow& row);

/// The first that is there.
Task<Result<std::optional<FoundCode>>> find_code(Store& store, CodeKeys keys, Trace trace);
/// By its id.
Task<Result<std::optional<FoundCode>>> find_code_id(Store& store, std::string id, Trace trace);

/// pending or valid -> revoked, if it expires after `from`; what it was before. Not `moved`: it was
/// used, revoked or over. `attempts`, if more than the row has, is kept in it.
struct RevokeOptions {
  UtcTime from = UtcTime::min();
  std::int64_t attempts = 0;
};
struct Revoked {
  bool moved = false;
  std::optional<CodeFacts> facts{};
};
Task<Result<Revoked>> revoke(Store& store, Sha256 key, RevokeOptions options, Trace trace);
/// All of them; those that were moved.
Task<Result<std::vector<CodeFacts>>> revoke_all(Store& store, std::vector<Sha256> keys,
                                                RevokeOptions options, Trace trace);

/// Deletes the row, as it was found, and its id. False: somebody else changed or deleted it.
Task<Result<bool>> erase_code(Store& store, FoundCode found, Trace trace);

}  // namespace latchkey::codes::azure_table
