#include "wire/json_reader.hpp"

#include <cmath>

namespace latchkey::wire::json {

std::optional<Object> parse_object(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  Value value = boost::json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

const Value* find(const Object& object, std::string_view name) {
  const Value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string_view> text(const Object& object, std::string_view name) {
  const Value* value = find(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

const Object* child(const Object& object, std::string_view name) {
  const Value* value = find(object, name);
  return value == nullptr ? nullptr : value->if_object();
}

std::optional<std::int64_t> whole_number(const Value& value) {
  if (const std::int64_t* number = value.if_int64()) return *number;
  if (const double* number = value.if_double()) {
    // Beyond 2^53 a double no longer says which number was meant.
    static constexpr double kExact = 9'007'199'254'740'992.0;
    if (std::abs(*number) <= kExact && std::trunc(*number) == *number) {
      return static_cast<std::int64_t>(*number);
    }
  }
  return std::nullopt;
}

}  // namespace latchkey::wire::json
