# Compiles text files into a library: latchkey_embed(target folder) makes every file in `folder` known to
# service/web_files.hpp under its name. A changed file configures again.
function(latchkey_embed target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries "")
  foreach(file IN LISTS files)
    file(READ ${file} content)
    get_filename_component(name ${file} NAME)
    string(APPEND entries "    {\"${name}\", R\"embedded(${content})embedded\"},\n")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/embedded/web_files.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[// Made by cmake/embed.cmake.
#include "service/web_files.hpp"

namespace latchkey::service {
namespace {
constexpr WebFile kFiles[] = {
@entries@};
}  // namespace
constinit const std::span<const WebFile> kWebFiles(kFiles);
}  // namespace latchkey::service
]])
  target_sources(${target} PRIVATE ${source})
endfunction()
