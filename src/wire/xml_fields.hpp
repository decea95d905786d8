#pragma once

#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "wire/storage_error.hpp"

/// Reading the children of an element whose content has a form: settings, policies. Text around
/// values is trimmed, as .NET's serializer does. The first thing that is wrong is kept, so that a
/// reader can ask for one child after the other and look once at the end.
namespace latchkey::wire::xml {

class Fields {
 public:
  /// Reads `text`; its root must be `name`. Errors: InvalidXmlDocument.
  static Served<Fields> load(pugi::xml_document& document, std::string_view text, const char* name);

  /// These give a harmless value once something is wrong. Errors: MissingRequiredXmlNode (the child
  /// is not there), InvalidXmlNodeValue.
  std::string text(const char* name);
  bool flag(const char* name);  ///< "true" or "false", in any case
  std::int64_t number(const char* name, std::int64_t min, std::int64_t max);
  std::optional<std::string> optional_text(const char* name) const;

  bool has(const char* name) const { return !node_.child(name).empty(); }
  /// Those of one child; its errors must be handed up with `take_error`.
  Fields child(const char* name);
  std::optional<Fields> optional_child(const char* name) const;
  Fields of(const pugi::xml_node& node) const { return Fields(node); }
  const pugi::xml_node& node() const { return node_; }

  void refuse(const char* name, std::string_view value, std::string_view reason);
  void take_error(const Fields& of);
  const std::optional<StorageError>& error() const { return error_; }

 private:
  explicit Fields(pugi::xml_node node) : node_(node) {}
  void miss(const char* name);

  pugi::xml_node node_;
  std::optional<StorageError> error_;
};

}  // namespace latchkey::wire::xml
