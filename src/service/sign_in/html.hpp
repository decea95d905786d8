#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// Pages from plain files with places of the form {{name}}. What is put in is escaped unless it is
/// Html already, so that no text from outside becomes markup.
namespace latchkey::service::sign_in {

/// Markup of ours: from a template, or escaped.
struct Html {
  std::string text;
};
/// For text between tags and in quoted attributes.
Html escape(std::string_view text);

struct Place {
  Place(std::string_view name_in, std::string_view value_in)
      : name(name_in), value(escape(value_in)) {}
  Place(std::string_view name_in, Html value_in) : name(name_in), value(std::move(value_in)) {}
  std::string_view name;
  Html value;
};

/// Asserts that the template's places and `places` are the same set: both are ours.
Html render(std::string_view text, std::initializer_list<Place> places);

}  // namespace latchkey::service::sign_in
