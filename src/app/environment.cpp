#include "app/environment.hpp"

#include <unistd.h>

namespace latchkey::app {

Environment Environment::of_process() {
  Environment made;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto at = text.find('=');
    if (at != std::string_view::npos) {
      made.set(std::string(text.substr(0, at)), std::string(text.substr(at + 1)));
    }
  }
  return made;
}

const std::string& Environment::get(std::string_view name) const {
  static const std::string kUnset;
  const auto found = values_.find(name);
  return found == values_.end() ? kUnset : found->second;
}

}  // namespace latchkey::app
