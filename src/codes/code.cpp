#include "codes/code.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace latchkey::codes {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kLettersPerSide = 3;
constexpr std::size_t kDigitsMax = 13;
constexpr std::int64_t kNumberMax = 9'999'999'999'999;

void append_letters(std::string& text, Random& random) {
  for (std::size_t i = 0; i < kLettersPerSide; ++i) {
    text.push_back(kLetters[static_cast<std::size_t>(random.below(kLetters.size()))]);
  }
}

bool are_letters(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

bool is_number(std::string_view text) {
  if (text.empty() || text.size() > kDigitsMax) return false;
  if (text.size() > 1 && text.front() == '0') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Secret make_code(std::int64_t number, Random& random) {
  LK_ASSERT(number >= 0 && number <= kNumberMax);
  std::string text;
  text.reserve(2 * kLettersPerSide + 2 + kDigitsMax);  // One buffer, so that no copy stays behind.
  append_letters(text, random);
  text += '-';
  text += std::to_string(number);
  text += '-';
  append_letters(text, random);
  return Secret(std::move(text));
}

bool is_code_form(std::string_view text) {
  if (text.size() < 2 * kLettersPerSide + 3) return false;
  const auto first = text.substr(0, kLettersPerSide);
  const auto last = text.substr(text.size() - kLettersPerSide);
  const auto middle = text.substr(kLettersPerSide, text.size() - 2 * kLettersPerSide);
  return are_letters(first) && are_letters(last) && middle.front() == '-' && middle.back() == '-' &&
         is_number(middle.substr(1, middle.size() - 2));
}

}  // namespace latchkey::codes
