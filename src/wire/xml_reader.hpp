#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "wire/queue_xml.hpp"

/// Strict reading of XML for this room. pugixml takes much that XML 1.0 forbids (control
/// characters, unknown entities, text beside the root, several roots), so a scan of our own goes
/// first and refuses it; pugixml then builds the tree.
namespace latchkey::wire::xml {

/// Elements within elements; no body of this protocol needs more than six.
inline constexpr int kDepthMax = 32;

/// Reads `text` (UTF-8, with or without BOM) into `document`; the fault when it is not well-formed.
/// Blanks are kept as they are, line ends become \n, DTDs are refused.
std::optional<XmlFault> load(pugi::xml_document& document, std::string_view text);

/// All character data directly in `node`, CDATA included.
std::string text_of(const pugi::xml_node& node);
bool has_elements(const pugi::xml_node& node);

/// How many bytes the character at `at` takes; 0 when XML 1.0 does not allow it or it is not UTF-8.
std::size_t character_size(std::string_view text, std::size_t at);

}  // namespace latchkey::wire::xml
