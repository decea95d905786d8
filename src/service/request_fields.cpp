#include "service/request_fields.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "service/problem.hpp"

namespace latchkey::service {
namespace {

constexpr std::size_t kKeyCharactersMin = 16;
constexpr std::size_t kKeyCharactersMax = 128;

bool is_visible(char c) {
  return c > 0x20 && c < 0x7F;
}

}  // namespace

tl::expected<std::string, http::Response> idempotency_key(const http::Headers& headers) {
  static constexpr std::string_view kName = "Idempotency-Key";
  const auto value = headers.find(kName);
  if (!value) return std::string{};
  std::string_view key = *value;
  if (key.size() >= 2 && key.starts_with('"') && key.ends_with('"')) {
    key = key.substr(1, key.size() - 2);
  }
  if (key.size() < kKeyCharactersMin || key.size() > kKeyCharactersMax ||
      !std::all_of(key.begin(), key.end(), is_visible) || headers.count(kName) > 1) {
    return problem_instead(
        {.status = 400,
         .name = "bad-idempotency-key",
         .title = "Bad Idempotency-Key",
         .detail = "An Idempotency-Key is 16 to 128 visible ASCII characters, such as a UUID."});
  }
  return std::string(key);
}

std::optional<std::chrono::seconds> preferred_wait(const http::Headers& headers,
                                                   std::chrono::seconds max) {
  for (const auto& [name, value] : headers) {
    if (!iequals(name, "Prefer")) continue;
    for (const std::string_view preference : split(value, ',')) {
      const std::string_view text = trim(preference.substr(0, preference.find(';')));
      const std::size_t equals = text.find('=');
      if (equals == std::string_view::npos || !iequals(trim(text.substr(0, equals)), "wait")) {
        continue;
      }
      // Only the first of several counts (RFC 7240 section 2).
      const auto seconds = parse_integer<std::uint32_t>(trim(text.substr(equals + 1)));
      if (!seconds) return std::nullopt;
      return std::min(std::chrono::seconds{*seconds}, max);
    }
  }
  return std::nullopt;
}

}  // namespace latchkey::service
