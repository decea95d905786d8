#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reading of untrusted JSON objects for this room: bounded depth, no exceptions, wrong types are
/// told from absent members.
namespace latchkey::wire::json {

using Object = boost::json::object;
using Value = boost::json::value;

/// Objects within objects; the protocols here need three.
inline constexpr std::size_t kDepthMax = 16;
/// The last second of the year 9999: times beyond cannot be written as text.
inline constexpr std::int64_t kEpochSecondsMax = 253'402'300'799;

/// Nullopt when `text` is not UTF-8, not JSON, too deep, or not an object.
std::optional<Object> parse_object(std::string_view text);

/// The member; nullptr when absent or null.
const Value* find(const Object& object, std::string_view name);
/// Nullopt when absent or of another type.
std::optional<std::string_view> text(const Object& object, std::string_view name);
/// The object `name` in `object`; nullptr when absent or of another type.
const Object* child(const Object& object, std::string_view name);

/// A whole number, also written as 1.0 or 1e3; nullopt for other types and for fractions.
std::optional<std::int64_t> whole_number(const Value& value);

}  // namespace latchkey::wire::json
