#pragma once

#include <span>
#include <string_view>

/// The files of the folder web/, compiled in (cmake/embed.cmake): pages, style, script, API
/// description.
namespace latchkey::service {

struct WebFile {
  std::string_view name;  ///< "sign_in.html"
  std::string_view content;
};
extern const std::span<const WebFile> kWebFiles;

/// Asserts that the file exists: names are ours.
std::string_view web_file(std::string_view name);

}  // namespace latchkey::service
