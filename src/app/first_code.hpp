#pragma once

#include "app/azure_access.hpp"
#include "app/commands.hpp"
#include "app/running_cloud.hpp"
#include "codes/code_hasher.hpp"
#include "codes/code_table.hpp"

namespace latchkey::app {

/// The end of `latchkey up`'s start: fetches one code through the API as a client would, waits
/// until the watcher has made it valid, and prints both, with the commands to try next.
Task<> show_first_code(const RunningCloud& running, codes::CodeTable& table,
                       const codes::CodeHasher& hasher, const CommonOptions& common, Trust trust,
                       World world);

}  // namespace latchkey::app
