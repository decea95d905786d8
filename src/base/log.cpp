#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

namespace latchkey::log {
namespace {

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::text};
std::atomic<Sink> g_sink{nullptr};

/// Made at the first line: tests and short commands never pay for it.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("latchkey",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

const char* name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::off:
      break;
  }
  return "off";
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"\\=\t\r\n") != std::string_view::npos ||
         std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

void configure(Level level, Format format) {
  g_level = level;
  g_format = format;
}

bool enabled(Level level) {
  return level >= g_level && level != Level::off;
}

void set_sink(Sink sink) {
  g_sink = sink;
}

std::string render(Format format, Level level, std::string_view event, Fields fields) {
  std::string out;
  if (format == Format::json) {
    out += fmt::format(R"("level":"{}","event":)", name_of(level));
    append_quoted(out, event);
    for (const Field& field : fields) {
      out.push_back(',');
      append_quoted(out, field.name);
      out.push_back(':');
      if (field.is_number) {
        out += field.value;
      } else {
        append_quoted(out, field.value);
      }
    }
    return out;
  }
  out += fmt::format("{:<7} {}", name_of(level), event);
  for (const Field& field : fields) {
    out.push_back(' ');
    out += field.name;
    out.push_back('=');
    if (needs_quotes(field.value)) {
      append_quoted(out, field.value);
    } else {
      out += field.value;
    }
  }
  return out;
}

void write(Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  const Format format = g_format;
  const std::string body = render(format, level, event, fields);
  if (Sink sink = g_sink) {
    sink(body);
    return;
  }
  static std::once_flag json_pattern;
  static std::once_flag text_pattern;
  if (format == Format::json) {
    std::call_once(json_pattern, [] {
      logger().set_formatter(std::make_unique<spdlog::pattern_formatter>(
          R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})", spdlog::pattern_time_type::utc));
    });
  } else {
    std::call_once(text_pattern, [] {
      logger().set_formatter(std::make_unique<spdlog::pattern_formatter>(
          "%Y-%m-%dT%H:%M:%S.%fZ %v", spdlog::pattern_time_type::utc));
    });
  }
  logger().log(spdlog::level::info, "{}", body);
}

}  // namespace latchkey::log
