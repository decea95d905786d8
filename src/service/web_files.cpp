#include "service/web_files.hpp"

#include "base/assert.hpp"

namespace latchkey::service {

std::string_view web_file(std::string_view name) {
  for (const WebFile& file : kWebFiles) {
    if (file.name == name) return file.content;
  }
  LK_ASSERT(!"a web file of this name is compiled in");
  return {};
}

}  // namespace latchkey::service
