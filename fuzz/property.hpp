#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What a fuzzer checks beyond "it does not crash": a property that does not hold ends the process,
/// so that libFuzzer keeps the input.
namespace latchkey::fuzz {

inline void hold(bool property, const char* what) {
  if (property) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace latchkey::fuzz
