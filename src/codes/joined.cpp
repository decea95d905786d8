#include "codes/joined.hpp"

namespace latchkey::codes {

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text.append(std::to_string(part.size())).append(":").append(part);
  return text;
}

}  // namespace latchkey::codes
