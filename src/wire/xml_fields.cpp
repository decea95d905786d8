#include "wire/xml_fields.hpp"

#include "base/text.hpp"
#include "wire/queue_xml.hpp"
#include "wire/xml_reader.hpp"

namespace latchkey::wire::xml {

Served<Fields> Fields::load(pugi::xml_document& document, std::string_view text, const char* name) {
  if (const auto fault = xml::load(document, text)) {
    return wire::refuse(invalid_xml_document(*fault));
  }
  const pugi::xml_node root = document.child(name);
  if (root) return Fields(root);
  return wire::refuse(invalid_xml_document(
      {.line = 1, .position = 1, .reason = std::string("The root element must be ") + name + "."}));
}

std::optional<std::string> Fields::optional_text(const char* name) const {
  const pugi::xml_node child = node_.child(name);
  if (!child) return std::nullopt;
  return std::string(trim(text_of(child)));
}

std::string Fields::text(const char* name) {
  if (!has(name)) miss(name);
  return optional_text(name).value_or("");
}

bool Fields::flag(const char* name) {
  const std::string value = text(name);
  if (iequals(value, "true")) return true;
  if (!iequals(value, "false")) refuse(name, value, "must be true or false");
  return false;
}

std::int64_t Fields::number(const char* name, std::int64_t min, std::int64_t max) {
  const std::string value = text(name);
  const auto number = parse_integer<std::int64_t>(value);
  if (number && *number >= min && *number <= max) return *number;
  refuse(name, value,
         "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return min;
}

Fields Fields::child(const char* name) {
  if (!has(name)) miss(name);
  return Fields(node_.child(name));
}

std::optional<Fields> Fields::optional_child(const char* name) const {
  if (!has(name)) return std::nullopt;
  return Fields(node_.child(name));
}

void Fields::refuse(const char* name, std::string_view value, std::string_view reason) {
  if (error_) return;
  error_ = storage_error("InvalidXmlNodeValue", {{"XmlNodeName", name},
                                                 {"XmlNodeValue", std::string(value)},
                                                 {"Reason", std::string(reason)}});
}

void Fields::miss(const char* name) {
  if (!error_) error_ = storage_error("MissingRequiredXmlNode", {{"XmlNodeName", name}});
}

void Fields::take_error(const Fields& of) {
  if (!error_) error_ = of.error_;
}

}  // namespace latchkey::wire::xml
