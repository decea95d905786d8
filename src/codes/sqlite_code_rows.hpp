#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/sqlite.hpp"
#include "codes/code_table.hpp"
#include "codes/idempotency.hpp"

/// What each step of the tables does to the SQLite file: plain calls on one connection, without
/// threads or waiting. sqlite_code_table.cpp runs them on its writer's thread; the simulation runs
/// the same ones in virtual time. All but `prepare_file` are to be called inside a transaction.
namespace latchkey::codes::rows {

using sqlite::Database;

/// Makes the tables, or brings those of an older version up to date. Error: storage, code
/// "TableTooNew" or "NotACodeTable".
Result<> prepare_file(Database& database, const std::string& name);

Result<CodeTable::InsertAnswer> insert(Database& database, const CodeRow& row,
                                       const Limits& limits);
Result<CodeTable::Activation> activate(Database& database, const CodeKeys& keys, UtcTime now);
Result<CodeTable::Revocation> revoke_id(Database& database, const std::string& id);
Result<std::vector<CodeFacts>> revoke_subject(Database& database, const std::string& subject,
                                              const std::optional<std::string>& purpose,
                                              UtcTime now);
Result<CodeTable::AttemptAnswer> attempt(Database& database,
                                         const CodeTable::AttemptRequest& request);
Result<std::optional<CodeRow>> find(Database& database, const CodeKeys& keys);
Result<std::optional<CodeRow>> find_id(Database& database, const std::string& id);
Result<std::optional<CodeFacts>> remove(Database& database, const CodeKeys& keys,
                                        UtcTime expired_by);
Result<std::vector<CodeFacts>> remove_expired(Database& database, UtcTime expired_by,
                                              std::int64_t limit);

Result<AnswerTable::Begun> begin_answer(Database& database, const Sha256& key,
                                        const Sha256& fingerprint, UtcTime now,
                                        std::chrono::seconds lease);
Result<> keep_answer(Database& database, const Sha256& key, const std::string& sealed,
                     UtcTime until);
Result<> drop_answer(Database& database, const Sha256& key);
Result<> remove_expired_answers(Database& database, UtcTime now);

}  // namespace latchkey::codes::rows
