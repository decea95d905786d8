#include "codes/python_literal.hpp"

#include <charconv>
#include <cstdint>

namespace latchkey::codes {
namespace {

constexpr std::size_t kEntriesMax = 64;

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | ((point >> shift) & 0x3FU)));
  };
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (point >> 6U)));
    tail(0);
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (point >> 12U)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (point >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<std::vector<PythonEntry>> dict() {
    if (!accept('{')) return std::nullopt;
    std::vector<PythonEntry> entries;
    while (!accept('}')) {
      if (!entries.empty() && !accept(',')) return std::nullopt;
      if (!entries.empty() && accept('}')) break;  // A comma after the last entry is Python too.
      auto key = string();
      if (!key || !accept(':') || entries.size() == kEntriesMax) return std::nullopt;
      PythonEntry entry{std::move(*key), std::nullopt};
      if (!value(entry.text)) return std::nullopt;
      entries.push_back(std::move(entry));
    }
    skip_blanks();
    if (!rest_.empty()) return std::nullopt;
    return entries;
  }

 private:
  void skip_blanks() {
    const auto at = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at);
  }
  bool accept(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool value(std::optional<std::string>& text) {
    skip_blanks();
    if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      text = string();
      return text.has_value();
    }
    const auto word = rest_.substr(0, rest_.find_first_of(" \t\r\n,}"));
    rest_.remove_prefix(word.size());
    return word == "None" || word == "True" || word == "False" || is_number(word);
  }

  static bool is_number(std::string_view word) {
    double number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return !word.empty() && end == word.data() + word.size() &&
           (error == std::errc{} || error == std::errc::result_out_of_range);
  }

  std::optional<std::string> string() {
    skip_blanks();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) return std::nullopt;
    const char quote = take();
    std::string out;
    while (!rest_.empty()) {
      const char c = take();
      if (c == quote) return out;
      if (c == '\n' || c == '\r') return std::nullopt;
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char kind = take();
    switch (kind) {
      case '\\':
      case '\'':
      case '"':
        out.push_back(kind);
        return true;
      case 'n':
        out.push_back('\n');
        return true;
      case 'r':
        out.push_back('\r');
        return true;
      case 't':
        out.push_back('\t');
        return true;
      case 'x':
        return code_point(2, out);
      case 'u':
        return code_point(4, out);
      case 'U':
        return code_point(8, out);
      default:
        return false;
    }
  }

  bool code_point(std::size_t digits, std::string& out) {
    if (rest_.size() < digits) return false;
    std::uint32_t point = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + digits, point, 16);
    if (error != std::errc{} || end != rest_.data() + digits) return false;
    if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    append_utf8(out, point);
    rest_.remove_prefix(digits);
    return true;
  }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<PythonEntry>> parse_python_dict(std::string_view text) {
  return Parser(text).dict();
}

}  // namespace latchkey::codes
