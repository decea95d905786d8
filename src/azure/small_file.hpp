#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace latchkey::azure {

/// The content of a file that somebody put there for us: a certificate, a federated token.
/// `setting` is how it was named, for messages. Error: unavailable (not there, not readable, no
/// regular file, longer than `bytes_max`).
Result<Secret> read_small_file(std::string_view setting, const std::string& path,
                               std::size_t bytes_max);

}  // namespace latchkey::azure
