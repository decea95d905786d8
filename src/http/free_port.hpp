#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace latchkey::http {

/// A port of 127.0.0.1 that nobody has now, for a program that is told where to listen. Another may
/// take it before: who starts the program must be able to try again.
Result<std::uint16_t> find_free_port();

}  // namespace latchkey::http
