#include "cloud/queues/queue_rules.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::string_view kMetaPrefix = "x-ms-meta-";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_identifier(std::string_view name) {
  return !name.empty() && (is_letter(name[0]) || name[0] == '_') &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

wire::StorageError missing_parameter(std::string_view name) {
  return wire::storage_error("MissingRequiredQueryParameter",
                             {{"QueryParameterName", std::string(name)}});
}

wire::StorageError invalid_parameter(std::string_view name, std::string_view value,
                                     std::string_view reason) {
  auto error = wire::storage_error(
      "InvalidQueryParameterValue",
      {{"QueryParameterName", std::string(name)}, {"QueryParameterValue", std::string(value)}});
  if (!reason.empty()) error.details.emplace_back("Reason", reason);
  return error;
}

wire::StorageError invalid_header(std::string_view name, std::string_view value) {
  return wire::storage_error("InvalidHeaderValue", {{"HeaderName", std::string(name)},
                                                    {"HeaderValue", std::string(value)}});
}

Served<std::optional<std::int64_t>> integer_parameter(const http::Query& query,
                                                      const IntegerRule& rule) {
  const std::string* text = http::find_parameter(query, rule.name);
  if (text == nullptr) return std::nullopt;
  const auto value = parse_integer<std::int64_t>(*text);
  if (!value) return refuse(invalid_parameter(rule.name, *text, "not a whole number"));
  if (*value < rule.min || *value > rule.max) {
    return refuse(wire::storage_error("OutOfRangeQueryParameterValue",
                                      {{"QueryParameterName", std::string(rule.name)},
                                       {"QueryParameterValue", *text},
                                       {"MinimumAllowed", std::to_string(rule.min)},
                                       {"MaximumAllowed", std::to_string(rule.max)}}));
  }
  return *value;
}

std::optional<wire::StorageError> check_queue_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return wire::storage_error("OutOfRangeInput");
  const bool characters_right = std::all_of(
      name.begin(), name.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
  if (!characters_right || name.front() == '-' || name.back() == '-' ||
      name.find("--") != std::string_view::npos) {
    return wire::storage_error("InvalidResourceName");
  }
  return std::nullopt;
}

Served<wire::Metadata> read_metadata(const http::Headers& headers) {
  wire::Metadata metadata;
  std::size_t bytes = 0;
  for (const auto field : headers) {
    if (!istarts_with(field.name, kMetaPrefix)) continue;
    const std::string_view name = field.name.substr(kMetaPrefix.size());
    if (name.empty()) return refuse(wire::storage_error("EmptyMetadataKey"));
    const bool one_line = field.value.find_first_of("\r\n") == std::string_view::npos;
    if (!is_identifier(name) || !one_line) return refuse(wire::storage_error("InvalidMetadata"));
    bytes += name.size() + field.value.size();
    if (bytes > kMetadataBytesMax) return refuse(wire::storage_error("MetadataTooLarge"));
    const auto same = std::find_if(metadata.begin(), metadata.end(), [name](const auto& entry) {
      return iequals(entry.first, name);
    });
    if (same == metadata.end()) {
      metadata.emplace_back(name, field.value);
    } else {
      same->second.append(",").append(field.value);  // RFC 9110 section 5.3.
    }
  }
  return metadata;
}

bool is_api_version(std::string_view text) {
  return text.size() == 10 && from_iso8601(text).has_value();
}

}  // namespace latchkey::cloud
