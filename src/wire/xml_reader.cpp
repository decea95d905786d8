#include "wire/xml_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.hpp"

namespace latchkey::wire::xml {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kBlanks = " \t\r\n";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

bool is_character(std::uint32_t code) {
  return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code <= 0xD7FF) ||
         (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

XmlFault fault_at(std::string_view text, std::size_t at, std::string reason) {
  const auto before = text.substr(0, at);
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  // Bytes that continue a UTF-8 character are no positions of their own.
  const auto position = std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_start),
                                      before.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return {.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          .position = static_cast<int>(position) + 1,
          .reason = std::move(reason)};
}

/// Goes over the document once and stops at the first thing that XML 1.0 or our limits forbid.
/// Names of tags and their pairing are left to pugixml.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<XmlFault> scan() {
    check_characters();
    while (!fault_ && at_ < text_.size()) step();
    if (!fault_ && depth_ > 0) refuse("Unexpected end of file: an element is not closed.");
    if (!fault_ && roots_ == 0) refuse("Root element is missing.");
    return fault_;
  }

 private:
  void refuse(std::string reason) {
    if (!fault_) fault_ = fault_at(text_, at_, std::move(reason));
  }

  void check_characters() {
    for (std::size_t i = 0; i < text_.size();) {
      const auto byte = static_cast<unsigned char>(text_[i]);
      if (byte >= 0x20 && byte < 0x80) {
        ++i;
        continue;
      }
      const std::size_t size = character_size(text_, i);
      if (size == 0) {
        const std::array<std::uint8_t, 1> bytes = {byte};
        fault_ = fault_at(
            text_, i, "'.', hexadecimal value 0x" + to_hex(bytes) + ", is an invalid character.");
        return;
      }
      i += size;
    }
  }

  void step() {
    const char c = text_[at_];
    const auto rest = text_.substr(at_);
    if (c == '<') {
      markup(rest);
    } else if (depth_ == 0 && !is_blank(c)) {
      refuse("Data at the root level is invalid.");
    } else if (c == '&') {
      reference();
    } else if (rest.starts_with("]]>")) {
      refuse("']]>' is not allowed in character data.");
    } else {
      ++at_;
      // Within an element nothing but these can matter: most of a body is passed here.
      if (depth_ > 0) at_ = std::min(text_.find_first_of("<&]", at_), text_.size());
    }
  }

  void markup(std::string_view rest) {
    if (rest.starts_with("<!--")) {
      skip_past("-->", 4);
    } else if (rest.starts_with("<![CDATA[")) {
      if (depth_ == 0) return refuse("Data at the root level is invalid.");
      skip_past("]]>", 9);
    } else if (rest.starts_with("<?")) {
      skip_past("?>", 2);
    } else if (rest.starts_with("<!")) {
      refuse("For security reasons DTD is prohibited in this XML document.");
    } else {
      tag();
    }
  }

  void skip_past(std::string_view end, std::size_t opening) {
    const auto found = text_.find(end, at_ + opening);
    if (found == std::string_view::npos) return refuse("Unexpected end of file.");
    at_ = found + end.size();
  }

  /// From '<' past the '>' that is not in quotes.
  void tag() {
    const bool closing = text_.substr(at_).starts_with("</");
    if (closing && depth_ == 0) return refuse("Unexpected end tag.");
    if (!closing && depth_ == 0 && roots_++ > 0) return refuse("There are multiple root elements.");
    char quote = 0;
    for (++at_; at_ < text_.size() && !fault_;) {
      const char c = text_[at_];
      if (c == '<') return refuse("'<' is not allowed in a tag.");
      if (c == '&') {
        reference();
        continue;
      }
      if (quote == 0 && c == '>') {
        const bool empty = !closing && text_[at_ - 1] == '/';
        if (!empty) depth_ += closing ? -1 : 1;
        if (depth_ > kDepthMax) return refuse("Elements are nested too deeply.");
        ++at_;
        return;
      }
      if (quote == c) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      }
      ++at_;
    }
    refuse("Unexpected end of file: a tag is not closed.");
  }

  /// "&lt;" and such, or "&#...;" with a character that XML allows.
  void reference() {
    static constexpr std::array<std::string_view, 5> kNames = {"amp", "lt", "gt", "quot", "apos"};
    static constexpr std::size_t kLongest = 12;
    const auto rest = text_.substr(at_ + 1, kLongest);
    const auto end = rest.find(';');
    if (end == std::string_view::npos) return refuse("'&' does not begin a reference.");
    auto name = rest.substr(0, end);
    if (name.starts_with('#')) {
      const bool hex = name.starts_with("#x");
      name.remove_prefix(hex ? 2 : 1);
      std::uint32_t code = 0;
      const auto [stop, error] =
          std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
      if (error != std::errc{} || stop != name.data() + name.size() || !is_character(code)) {
        return refuse("A character reference names an invalid character.");
      }
    } else if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      return refuse("Reference to an undeclared entity.");
    }
    at_ += end + 2;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int roots_ = 0;
  std::optional<XmlFault> fault_;
};

}  // namespace

std::size_t character_size(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return is_character(lead) ? 1 : 0;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const auto character = text.substr(at, size);
  if (character.size() != size || !is_utf8(character)) return 0;
  const bool non_character = character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
  return non_character ? 0 : size;
}

std::optional<XmlFault> load(pugi::xml_document& document, std::string_view text) {
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  if (auto fault = Scanner(text).scan()) return fault;
  static constexpr unsigned kFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                                     pugi::parse_wconv_attribute | pugi::parse_ws_pcdata;
  const auto result = document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
  if (result) return std::nullopt;
  return fault_at(text, static_cast<std::size_t>(std::max<std::ptrdiff_t>(result.offset, 0)),
                  std::string(result.description()) + ".");
}

std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      text += child.value();
    }
  }
  return text;
}

bool has_elements(const pugi::xml_node& node) {
  const auto children = node.children();
  return std::any_of(children.begin(), children.end(), [](const pugi::xml_node& child) {
    return child.type() == pugi::node_element;
  });
}

}  // namespace latchkey::wire::xml
