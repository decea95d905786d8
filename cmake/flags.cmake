# Compiler and linker flags: strict warnings in our rooms, hardening in release, sanitizers by preset.
set(LATCHKEY_SANITIZE "" CACHE STRING "Comma-separated -fsanitize= list; empty for none")
option(LATCHKEY_PRECOMPILE "Compile cmake/precompiled.hpp once: a cold build takes half as long" OFF)
option(LATCHKEY_HARDEN "Hardening flags of the release preset" OFF)

add_library(latchkey_flags INTERFACE)
target_compile_options(latchkey_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
  $<$<AND:$<CONFIG:Debug>,$<NOT:$<BOOL:${LATCHKEY_PRECOMPILE}>>>:-O1>)
target_link_options(latchkey_flags INTERFACE -fuse-ld=lld)

# Every target of this build shares these, so that object layouts agree.
add_compile_definitions(
  LATCHKEY_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_JSON_NO_LIB)
if(LATCHKEY_PRECOMPILE)
  # What libraries' targets add only where they are used: a precompiled header serves all or none.
  add_compile_definitions(BOOST_JSON_DYN_LINK BOOST_CONTAINER_NO_LIB BOOST_CONTAINER_DYN_LINK
                          GTEST_HAS_PTHREAD=1)
endif()

if(LATCHKEY_HARDEN)
  # No path of the machine that built it in what ships. (Not in the other presets: there it would keep
  # ccache from serving several clones, see scripts/build.)
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
  target_compile_options(latchkey_flags INTERFACE
    -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -ftrivial-auto-var-init=pattern)
  target_link_options(latchkey_flags INTERFACE -pie -Wl,-z,relro,-z,now -Wl,--gc-sections)
  target_compile_options(latchkey_flags INTERFACE -ffunction-sections -fdata-sections)
endif()

if(LATCHKEY_SANITIZE)
  add_compile_options(-fsanitize=${LATCHKEY_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LATCHKEY_SANITIZE})
endif()
