#pragma once

/// Guards our own invariants, also in release. Never for input from outside, which is validated.
namespace latchkey {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace latchkey

#define LK_ASSERT(condition)          \
  ((condition) ? static_cast<void>(0) \
               : ::latchkey::assertion_failed(#condition, __FILE__, __LINE__))
