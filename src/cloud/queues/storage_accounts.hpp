#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/sqlite.hpp"
#include "cloud/queues/queue_service.hpp"

namespace latchkey::cloud {

/// The storage accounts of the local cloud: the emulators' own, whose first key everybody knows,
/// and those that somebody asked for by name. Keys that nobody knows are made once and kept in
/// `database` (see cloud/settings.hpp). Names that stand twice count once.
/// Error: invalid_argument, InvalidAccountName (3 to 24 lower-case letters and digits).
Result<std::vector<StorageAccount>> keep_storage_accounts(sqlite::Database& database,
                                                          Random& random,
                                                          const std::vector<std::string>& more);

}  // namespace latchkey::cloud
