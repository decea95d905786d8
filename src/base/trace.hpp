#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"

namespace latchkey {

/// Which trace a piece of work belongs to, and which of its spans asked for it. A value that is
/// passed along to every dependency: nothing is looked up in a thread or a global.
/// Source: W3C Recommendation "Trace Context", level 1.
struct Trace {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  bool sampled = false;

  /// Work that nobody traces has the id of zeros, which no trace may have.
  explicit operator bool() const { return trace_id != std::array<std::uint8_t, 16>{}; }
  friend bool operator==(const Trace&, const Trace&) = default;
};

/// A new trace.
Trace make_trace(Random& random, bool sampled);
/// The same trace with a new span, whose parent is the span of `trace`.
Trace child_of(const Trace& trace, Random& random);

/// "00-<32 hex digits>-<16 hex digits>-<01 or 00>".
std::string to_traceparent(const Trace& trace);
/// Nullopt for what the recommendation calls invalid (section 3.2): the caller starts a trace of
/// its own. A later version than 00 is read by its first four fields.
std::optional<Trace> parse_traceparent(std::string_view text);

}  // namespace latchkey
