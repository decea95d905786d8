#include "base/time_text.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"

namespace latchkey {
namespace {
using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
  int year, month, day, hour, minute, second, micros;
  unsigned weekday;
};

Parts parts_of(UtcTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<microseconds> clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count()),
          std::chrono::weekday(day).c_encoding()};
}

/// A time as people write it, not checked yet.
struct Stamp {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<UtcTime> time_of(const Stamp& stamp) {
  const std::chrono::year_month_day date{std::chrono::year{stamp.year},
                                         std::chrono::month{static_cast<unsigned>(stamp.month)},
                                         std::chrono::day{static_cast<unsigned>(stamp.day)}};
  if (!date.ok() || stamp.year < 1 || stamp.hour > 23 || stamp.minute > 59 || stamp.second > 59) {
    return std::nullopt;
  }
  return UtcTime{std::chrono::sys_days{date}} + hours{stamp.hour} + minutes{stamp.minute} +
         seconds{stamp.second};
}

/// Reads text from the left; every step fails for good once one has failed.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  int digits(std::size_t count) {
    if (rest_.size() < count) return fail();
    int value = 0;
    for (char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  bool accept(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!accept(word)) fail();
  }
  int one_of(const auto& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (accept(words[i])) return static_cast<int>(i);
    }
    return fail();
  }
  /// "2020-04-15"
  void date(Stamp& stamp) {
    stamp.year = digits(4);
    expect("-");
    stamp.month = digits(2);
    expect("-");
    stamp.day = digits(2);
  }
  /// "16:54"
  void hour_and_minute(Stamp& stamp) {
    stamp.hour = digits(2);
    expect(":");
    stamp.minute = digits(2);
  }
  /// "16:54:48"
  void clock(Stamp& stamp) {
    hour_and_minute(stamp);
    expect(":");
    stamp.second = digits(2);
  }
  /// ".123" as microseconds; further digits are dropped.
  microseconds fraction() {
    if (!accept(".")) return microseconds{0};
    int value = 0;
    int count = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (count < 6) value = value * 10 + (rest_[0] - '0');
      ++count;
      rest_.remove_prefix(1);
    }
    if (count == 0 || count > 9) fail();
    for (int i = count; i < 6; ++i) value *= 10;
    return microseconds{value};
  }
  bool done() const { return ok_ && rest_.empty(); }
  bool at_end() const { return rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  int fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string to_rfc1123(UtcTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[p.weekday], p.day,
                     kMonths[static_cast<std::size_t>(p.month - 1)], p.year, p.hour, p.minute,
                     p.second);
}

std::optional<UtcTime> from_rfc1123(std::string_view text) {
  Reader in(text);
  Stamp stamp;
  in.one_of(kDays);
  in.expect(", ");
  stamp.day = in.digits(2);
  in.expect(" ");
  stamp.month = in.one_of(kMonths) + 1;
  in.expect(" ");
  stamp.year = in.digits(4);
  in.expect(" ");
  in.clock(stamp);
  in.expect(" GMT");
  return in.done() ? time_of(stamp) : std::nullopt;
}

std::string to_iso8601(UtcTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}0Z", p.year, p.month, p.day, p.hour,
                     p.minute, p.second, p.micros);
}

std::optional<UtcTime> from_iso8601(std::string_view text) {
  Reader in(text);
  Stamp stamp;
  microseconds fraction{0};
  minutes offset{0};
  in.date(stamp);
  if (in.ok() && !in.at_end()) {
    in.expect("T");
    in.hour_and_minute(stamp);
    if (in.accept(":")) {
      stamp.second = in.digits(2);
      fraction = in.fraction();
    }
    const bool plus = in.accept("+");
    if (plus || in.accept("-")) {
      Stamp zone;
      in.hour_and_minute(zone);
      offset = hours{zone.hour} + minutes{zone.minute};
      if (!plus) offset = -offset;
    } else {
      in.accept("Z");
    }
  }
  const auto time = in.done() ? time_of(stamp) : std::nullopt;
  if (!time) return std::nullopt;
  return *time + fraction - offset;
}

std::string to_python_utc(UtcTime time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", p.year, p.month, p.day, p.hour,
                     p.minute, p.second, p.micros);
}

std::optional<UtcTime> from_python_utc(std::string_view text) {
  Reader in(text);
  Stamp stamp;
  in.date(stamp);
  in.expect(" ");
  in.clock(stamp);
  const microseconds fraction = in.fraction();
  const auto time = in.done() ? time_of(stamp) : std::nullopt;
  if (!time) return std::nullopt;
  return *time + fraction;
}

std::int64_t to_epoch_seconds(UtcTime time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

UtcTime from_epoch_seconds(std::int64_t count) {
  return UtcTime{seconds{count}};
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto unit_at = text.find_first_not_of("0123456789");
  if (unit_at == std::string_view::npos || unit_at == 0 || unit_at > 9) return std::nullopt;
  const auto count = parse_integer<std::int64_t>(text.substr(0, unit_at));
  const auto unit = text.substr(unit_at);
  if (!count) return std::nullopt;
  if (unit == "ms") return milliseconds{*count};
  if (unit == "s") return seconds{*count};
  if (unit == "m") return minutes{*count};
  if (unit == "h") return hours{*count};
  if (unit == "d") return days{*count};
  return std::nullopt;
}

std::string to_duration_text(milliseconds duration) {
  const auto ms = duration.count();
  if (ms != 0 && ms % 86'400'000 == 0) return fmt::format("{}d", ms / 86'400'000);
  if (ms != 0 && ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms != 0 && ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  if (ms % 1000 == 0) return fmt::format("{}s", ms / 1000);
  return fmt::format("{}ms", ms);
}

}  // namespace latchkey
