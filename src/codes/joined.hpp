#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace latchkey::codes {

/// The parts as one text, each with its length in front, so that no two lists of parts give the
/// same text: what is hashed to name a caller or a request must not be open to rearranging.
std::string joined(std::initializer_list<std::string_view> parts);

}  // namespace latchkey::codes
