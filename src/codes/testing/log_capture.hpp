#pragma once

#include <string>
#include <string_view>

#include "base/log.hpp"

namespace latchkey::codes::testing {

/// Catches what is logged, debug lines included, while it lives.
class LogCapture {
 public:
  LogCapture() {
    text_ref().clear();
    log::configure(log::Level::debug, log::Format::text);
    log::set_sink([](std::string_view line) { text_ref().append(line).append("\n"); });
  }
  ~LogCapture() {
    log::set_sink(nullptr);
    log::configure(log::Level::info, log::Format::text);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  const std::string& text() const { return text_ref(); }
  int count(std::string_view word) const {
    int found = 0;
    for (auto at = text().find(word); at != std::string::npos; at = text().find(word, at + 1)) {
      ++found;
    }
    return found;
  }

 private:
  static std::string& text_ref() {
    static std::string text;
    return text;
  }
};

}  // namespace latchkey::codes::testing
