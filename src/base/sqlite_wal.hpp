#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace latchkey::sqlite {

/// Looks for damage in the write-ahead log of `database`, which nobody may have open meanwhile.
///
/// Why: SQLite takes the log up to the first frame whose checksum is wrong and drops the rest
/// without a word. That is right for the torn end of a transaction that was never synced, but a
/// frame that went bad on disk would take with it everything acknowledged after it. We sync each
/// transaction before the next begins, so one torn transaction at the end is all that a crash can
/// leave: a wrong frame with more behind it is damage.
/// Source: sqlite.org/fileformat2.html, section 4 "The Write-Ahead Log".
///
/// Errors: storage, code StorageDamaged (damage), StorageError (unreadable). No log is no error.
Result<> check_log(const std::filesystem::path& database);

}  // namespace latchkey::sqlite
