#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// The code that a person types: three letters, a number, three letters: "ojE-161-pTv".
namespace latchkey::codes {

inline constexpr std::chrono::seconds kLifetimeMax{600};
inline constexpr std::chrono::seconds kLifetimeMin{1};

/// Letters from `random` (52 ASCII letters, uniform), the number from the third party.
/// `number` must be 0 to 9'999'999'999'999 (what the third party gives is checked before).
Secret make_code(std::int64_t number, Random& random);

/// True for the form that make_code gives. Never says why not: what is wrong with a code is
/// nobody's business.
bool is_code_form(std::string_view text);

/// What a code is for, and whom. Both may be empty: the walkthrough's plain code.
struct Binding {
  std::string subject;
  std::string purpose;
  friend bool operator==(const Binding&, const Binding&) = default;
};

}  // namespace latchkey::codes
