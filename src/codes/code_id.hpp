#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace latchkey::codes {

/// A new CodeRow::id: a UUID of version 7 (RFC 9562 section 5.7), which begins with the
/// milliseconds since 1970, so that ids sort by time and new rows lie together in the index; 74
/// bits of `random`.
std::string make_code_id(UtcTime now, Random& random);

}  // namespace latchkey::codes
