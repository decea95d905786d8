#include "base/trace.hpp"

#include <algorithm>
#include <span>

#include "base/encoding.hpp"

namespace latchkey {
namespace {

constexpr std::size_t kTextSize = 55;  // "00-" 32 "-" 16 "-" 2

bool all_zero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// Never all zeros: that would mean "none".
void draw(std::span<std::uint8_t> id, Random& random) {
  do {
    random.fill(id);
  } while (all_zero(id));
}

/// Lower-case hex only, as the recommendation has it.
bool read_hex(std::string_view text, std::span<std::uint8_t> bytes) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace

Trace make_trace(Random& random, bool sampled) {
  Trace trace{.sampled = sampled};
  draw(trace.trace_id, random);
  draw(trace.span_id, random);
  return trace;
}

Trace child_of(const Trace& trace, Random& random) {
  Trace child = trace;
  draw(child.span_id, random);
  return child;
}

std::string to_traceparent(const Trace& trace) {
  return "00-" + to_hex(trace.trace_id) + "-" + to_hex(trace.span_id) +
         (trace.sampled ? "-01" : "-00");
}

std::optional<Trace> parse_traceparent(std::string_view text) {
  if (text.size() < kTextSize) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  Trace trace;
  const bool is_hex =
      read_hex(text.substr(0, 2), version) && read_hex(text.substr(3, 32), trace.trace_id) &&
      read_hex(text.substr(36, 16), trace.span_id) && read_hex(text.substr(53, 2), flags);
  if (!is_hex || version[0] == 0xff) return std::nullopt;
  if (text.size() > kTextSize && (version[0] == 0 || text[kTextSize] != '-')) return std::nullopt;
  if (all_zero(trace.trace_id) || all_zero(trace.span_id)) return std::nullopt;
  trace.sampled = (flags[0] & 1U) != 0;
  return trace;
}

}  // namespace latchkey
