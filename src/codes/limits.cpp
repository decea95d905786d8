#include "codes/limits.hpp"

#include <algorithm>

#include "codes/joined.hpp"

namespace latchkey::codes {

std::chrono::seconds delay_after(std::int64_t failures, const Limits& limits) {
  if (failures < limits.failures_max) return std::chrono::seconds{0};
  auto delay = limits.delay_min;
  for (auto past = failures - limits.failures_max; past > 0 && delay < limits.delay_max; --past) {
    delay *= 2;
  }
  return std::min(delay, limits.delay_max);
}

Sha256 attempt_key(const Binding& binding, std::string_view caller) {
  // Not the purpose of a code without a subject: whoever guesses could name another one each time.
  if (binding.subject.empty()) return sha256(joined({"attempts of caller", caller}));
  return sha256(joined({"attempts for subject", binding.subject, binding.purpose}));
}

Sha256 issue_key(std::string_view subject) {
  return sha256(joined({"issues for subject", subject}));
}

}  // namespace latchkey::codes
