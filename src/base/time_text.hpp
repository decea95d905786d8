#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

/// The forms in which Azure and the walkthrough write times. All are UTC; years 0001 to 9999.
namespace latchkey {

/// RFC 1123 as HTTP uses it: "Wed, 15 Apr 2020 16:54:48 GMT"; whole seconds, fraction dropped.
std::string to_rfc1123(UtcTime time);
std::optional<UtcTime> from_rfc1123(std::string_view text);

/// ISO 8601 with 7 digits and Z, as Storage writes it: "2020-04-15T16:54:48.8165490Z".
std::string to_iso8601(UtcTime time);
/// Reads a date, date and minutes, seconds, or a fraction of 1 to 9 digits; 'Z', an offset, or
/// nothing at the end (nothing means UTC).
std::optional<UtcTime> from_iso8601(std::string_view text);

/// Python's str(datetime.utcnow()), always with six digits: "2020-04-15 16:54:48.816549".
std::string to_python_utc(UtcTime time);
/// With or without the fraction (Python leaves out a fraction of zero).
std::optional<UtcTime> from_python_utc(std::string_view text);

/// Seconds since 1970, rounded down.
std::int64_t to_epoch_seconds(UtcTime time);
UtcTime from_epoch_seconds(std::int64_t seconds);

/// "600s", "10m", "1h", "250ms", "7d"; nullopt for anything else, including a missing unit.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The largest unit that fits: "10m", "5s", "250ms".
std::string to_duration_text(std::chrono::milliseconds duration);

}  // namespace latchkey
