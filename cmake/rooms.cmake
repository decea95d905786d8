# The rooms of the code and what each may use. This table is the architecture: a room links only what
# it lists, and scripts/tidy.py reads the same table to check every #include.
#
#      room     may use                          third party (CMake targets)
set(LATCHKEY_ROOMS
  "base    |                                   | fmt::fmt OpenSSL::Crypto Boost::headers SQLite::SQLite3 spdlog::spdlog Threads::Threads"
  "http    | base                              | Boost::headers OpenSSL::SSL"
  "wire    | base http                         | pugixml::pugixml Boost::json"
  "azure   | base http wire                    | "
  "cloud   | base http wire                    | SQLite::SQLite3 Boost::json"
  "codes   | base http azure                   | SQLite::SQLite3 Boost::json hiredis::hiredis"
  "service | base http codes                   | Boost::json"
  "app     | base http wire azure cloud codes service | CLI11::CLI11 Boost::json"
)

# One precompiled header, made with the first room, for all targets.
function(latchkey_precompile target)
  if(NOT LATCHKEY_PRECOMPILE)
    return()
  elseif(target STREQUAL "latchkey_base")
    target_precompile_headers(latchkey_base PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.hpp)
  else()
    target_precompile_headers(${target} REUSE_FROM latchkey_base)
  endif()
endfunction()

function(latchkey_add_room name uses third_party)
  set(dir ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(testing ${sources})
  list(FILTER testing INCLUDE REGEX "/testing/")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|/testing/|/main\\.cpp$")

  set(links latchkey_flags)
  foreach(other IN LISTS uses)
    list(APPEND links latchkey_${other})
  endforeach()
  list(APPEND links ${third_party})

  if(sources)
    add_library(latchkey_${name} STATIC ${sources})
    target_include_directories(latchkey_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(latchkey_${name} PUBLIC ${links})
  else()
    add_library(latchkey_${name} INTERFACE)
    target_include_directories(latchkey_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(latchkey_${name} INTERFACE ${links})
  endif()
  if(sources)
    latchkey_precompile(latchkey_${name})
  endif()
  if(name STREQUAL "base")
    target_include_directories(latchkey_base SYSTEM PUBLIC ${TL_EXPECTED_INCLUDE})
  endif()

  # Fakes for the world's edge: linked by tests only.
  if(testing)
    add_library(latchkey_${name}_testing STATIC ${testing})
    target_link_libraries(latchkey_${name}_testing PUBLIC latchkey_${name} GTest::gmock)
    latchkey_precompile(latchkey_${name}_testing)
  endif()
  if(tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE latchkey_${name} GTest::gmock GTest::gtest_main)
    foreach(other IN LISTS uses ITEMS ${name})
      if(TARGET latchkey_${other}_testing)
        target_link_libraries(${name}_tests PRIVATE latchkey_${other}_testing)
      endif()
    endforeach()
    latchkey_precompile(${name}_tests)
    add_test(NAME ${name} COMMAND ${name}_tests)
  endif()
endfunction()

function(latchkey_add_rooms)
  foreach(row IN LISTS LATCHKEY_ROOMS)
    string(REPLACE "|" ";" columns "${row}")
    list(GET columns 0 name)
    list(GET columns 1 uses)
    list(GET columns 2 third_party)
    string(STRIP "${name}" name)
    string(STRIP "${uses}" uses)
    string(STRIP "${third_party}" third_party)
    separate_arguments(uses)
    separate_arguments(third_party)
    latchkey_add_room(${name} "${uses}" "${third_party}")
  endforeach()
  if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.cpp)
    add_executable(latchkey src/app/main.cpp)
    target_link_libraries(latchkey PRIVATE latchkey_app)
  endif()
endfunction()
