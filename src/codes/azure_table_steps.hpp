#pragma once

#include "codes/azure_table_store.hpp"
#include "codes/idempotency.hpp"

/// What each step of the tables does in Table Storage: azure_code_tables.cpp calls them. There is
/// no transaction across partitions, so the order of the writes carries the safety: decision 0013.
namespace latchkey::codes::azure_table {

Task<Result<CodeTable::InsertAnswer>> insert(Store& store, CodeRow row, Limits limits, Trace trace);
Task<Result<CodeTable::Activation>> activate(Store& store, CodeKeys keys, UtcTime now, Trace trace);
Task<Result<CodeTable::Revocation>> revoke_id(Store& store, std::string id, Trace trace);
Task<Result<std::vector<CodeFacts>>> revoke_subject(Store& store, std::string subject,
                                                    std::optional<std::string> purpose, UtcTime now,
                                                    Trace trace);
Task<Result<CodeTable::AttemptAnswer>> attempt(Store& store, CodeTable::AttemptRequest request);
Task<Result<std::optional<CodeRow>>> find(Store& store, CodeKeys keys);
Task<Result<std::optional<CodeRow>>> find_id(Store& store, std::string id, Trace trace);
Task<Result<std::optional<CodeFacts>>> remove(Store& store, CodeKeys keys, UtcTime expired_by,
                                              Trace trace);

/// Where a slow sweep goes on: it reads one page at a time.
using Cursor = std::optional<wire::TablePage::Continuation>;
Task<Result<std::vector<CodeFacts>>> remove_expired_codes(Store& store, UtcTime expired_by,
                                                          std::int64_t limit);
/// Deletes what is over by `now` on the next page of the ledgers ('l') or answers ('a').
Task<Result<>> remove_over(Store& store, char prefix, UtcTime now, Cursor& cursor);

Task<Result<AnswerTable::Begun>> begin_answer(Store& store, Sha256 key, Sha256 fingerprint,
                                              UtcTime now, std::chrono::seconds lease);
Task<Result<>> keep_answer(Store& store, Sha256 key, std::string sealed, UtcTime until);
Task<Result<>> drop_answer(Store& store, Sha256 key);

}  // namespace latchkey::codes::azure_table
