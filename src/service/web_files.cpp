#include "service/web_files.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace latchkey::service {

std::string_view web_file(std::string_view name) {
  const auto found = std::find_if(kWebFiles.begin(), kWebFiles.end(),
                                  [name](const WebFile& file) { return file.name == name; });
  LK_ASSERT(found != kWebFiles.end());
  return found->content;
}

}  // namespace latchkey::service
