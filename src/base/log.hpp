#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// Structured log lines: an event name and fields. Values from outside are escaped, so that no
/// input can forge a line; `Secret` values do not convert to a field.
namespace latchkey::log {

enum class Level { debug, info, warning, error, off };
enum class Format { text, json };

struct Field {
  Field(std::string_view name_in, std::string_view value_in) : name(name_in), value(value_in) {}
  Field(std::string_view name_in, const char* value_in) : name(name_in), value(value_in) {}
  Field(std::string_view name_in, const std::string& value_in) : name(name_in), value(value_in) {}
  template <class Number>
    requires std::is_arithmetic_v<Number>
  Field(std::string_view name_in, Number value_in)
      : name(name_in), value(std::to_string(value_in)), is_number(true) {}
  std::string_view name;
  std::string value;
  bool is_number = false;
};
using Fields = std::initializer_list<Field>;

/// Once, at start. Lines go to standard error.
void configure(Level level, Format format);
bool enabled(Level level);
void write(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, Fields fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::error, event, fields);
}

/// Where lines go instead of standard error, for tests; nullptr restores it.
using Sink = void (*)(std::string_view line);
void set_sink(Sink sink);

/// One line as it would be written, without the time: pure, for tests.
std::string render(Format format, Level level, std::string_view event, Fields fields);

}  // namespace latchkey::log
