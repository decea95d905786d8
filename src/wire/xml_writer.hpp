#pragma once

#include <string>
#include <string_view>

/// Writing of XML for this room: always well-formed, whatever text comes in.
namespace latchkey::wire::xml {

/// A UTF-8 byte order mark and the declaration: what every body of the real service begins with.
inline constexpr std::string_view kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// What to do with a character that XML 1.0 cannot carry.
enum class Forbidden { replace, pass_on };

void append_escaped(std::string& out, std::string_view text,
                    Forbidden forbidden = Forbidden::replace);
/// "<name>text</name>", the text escaped.
void append_element(std::string& out, std::string_view name, std::string_view text);
/// The text as an attribute's value, without the quotes around it.
void append_attribute(std::string& out, std::string_view text);

}  // namespace latchkey::wire::xml
