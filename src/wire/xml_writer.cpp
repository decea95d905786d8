#include "wire/xml_writer.hpp"

#include <fmt/format.h>

#include <array>

#include "wire/xml_reader.hpp"

namespace latchkey::wire::xml {
namespace {

/// True for the bytes that cannot be copied as they stand.
constexpr std::array<bool, 256> kNeedsCare = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0; byte < 256; ++byte) table[byte] = byte < 0x20 || byte >= 0x80;
  table['\t'] = table['\n'] = false;
  table['&'] = table['<'] = table['>'] = true;
  return table;
}();

}  // namespace

/// Copies runs of harmless bytes at once: messages are mostly such.
void append_escaped(std::string& out, std::string_view text, Forbidden forbidden) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!kNeedsCare[byte]) {
      ++i;
      continue;
    }
    std::string_view instead;
    if (byte == '&') {
      instead = "&amp;";
    } else if (byte == '<') {
      instead = "&lt;";
    } else if (byte == '>') {
      instead = "&gt;";
    } else if (byte == '\r') {
      instead = "&#xD;";
    } else if (const std::size_t size = character_size(text, i); size != 0) {
      i += size;
      continue;
    } else if (forbidden == Forbidden::pass_on) {
      ++i;
      continue;
    } else {
      instead = "\xEF\xBF\xBD";
    }
    out.append(text.substr(copied, i - copied)).append(instead);
    copied = ++i;
  }
  out.append(text.substr(copied));
}

void append_element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_escaped(out, text);
  out.append("</").append(name).append(">");
}

void append_attribute(std::string& out, std::string_view text) {
  std::string escaped;
  append_escaped(escaped, text);
  for (char c : escaped) {
    if (c == '"') {
      out += "&quot;";
    } else if (c == '\t' || c == '\n') {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else {
      out += c;
    }
  }
}

}  // namespace latchkey::wire::xml
