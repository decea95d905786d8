#include "cloud/functions/config_reader.hpp"

#include <fmt/format.h>

namespace latchkey::cloud {

void ConfigProblems::refuse(std::string_view where, std::string_view what) {
  if (error) return;
  error = fail(ErrorKind::invalid_argument, "InvalidFunctionApp", fmt::format("{} {}", where, what))
              .value();
}

void ConfigProblems::warn(std::string_view where, std::string_view what) {
  warnings.push_back(fmt::format("{} {}", where, what));
}

const wire::json::Value* ConfigReader::any(std::string_view name) {
  known_.insert(std::string(name));
  return wire::json::find(object_, name);
}

std::optional<std::string> ConfigReader::text(std::string_view name) {
  const auto* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  refuse(name, "must be a text");
  return std::nullopt;
}

std::optional<bool> ConfigReader::boolean(std::string_view name) {
  const auto* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  refuse(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> ConfigReader::number(std::string_view name, std::int64_t min,
                                                 std::int64_t max) {
  const auto* value = any(name);
  if (value == nullptr) return std::nullopt;
  const auto number = wire::json::whole_number(*value);
  if (number && *number >= min && *number <= max) return number;
  refuse(name, fmt::format("must be a number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<std::vector<std::string>> ConfigReader::texts(std::string_view name) {
  const auto* value = any(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> found;
  const auto* array = value->if_array();
  if (array == nullptr) {
    refuse(name, "must be a list of texts");
    return std::nullopt;
  }
  for (const auto& item : *array) {
    if (!item.is_string()) {
      refuse(name, "must be a list of texts");
      return std::nullopt;
    }
    found.emplace_back(item.get_string());
  }
  return found;
}

std::string ConfigReader::required(std::string_view name) {
  auto value = text(name);
  if (!value || value->empty()) refuse(name, "is missing");
  return value.value_or("");
}

std::optional<ConfigReader> ConfigReader::child(std::string_view name) {
  const auto* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* object = value->if_object()) {
    return ConfigReader(*object, place(name), problems_);
  }
  refuse(name, "must be an object");
  return std::nullopt;
}

void ConfigReader::tell_unknown(std::string_view why) {
  for (const auto& member : object_) {
    if (!known_.contains(std::string_view(member.key()))) warn(member.key(), why);
  }
}

void ConfigReader::refuse(std::string_view name, std::string_view what) {
  problems_.refuse(place(name), what);
}

void ConfigReader::warn(std::string_view name, std::string_view what) {
  problems_.warn(place(name), what);
}

std::string ConfigReader::place(std::string_view name) const {
  return fmt::format("{}{}{}", where_, where_.ends_with(".json") ? ": " : ".", name);
}

}  // namespace latchkey::cloud
