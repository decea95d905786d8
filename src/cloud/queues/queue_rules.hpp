#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/queues/queue_addressing.hpp"
#include "http/message.hpp"
#include "wire/queue_xml.hpp"

/// Names, limits and parameters of Queue Storage, and how a violation is answered. Pure.
/// Source: REST reference "Naming Queues and Metadata", "Put/Get/Update Message", "Queue service
/// error codes".
namespace latchkey::cloud {

inline constexpr std::size_t kTextBytesMax = 65'536;
inline constexpr std::int64_t kVisibilitySecondsMax = 604'800;
inline constexpr std::int64_t kLifeSecondsDefault = 604'800;
inline constexpr std::int64_t kMessagesMax = 32;
inline constexpr std::size_t kMetadataBytesMax = 8 * 1024;
inline constexpr std::int64_t kListMax = 5000;

wire::StorageError missing_parameter(std::string_view name);
/// `reason` may be empty.
wire::StorageError invalid_parameter(std::string_view name, std::string_view value,
                                     std::string_view reason);
wire::StorageError invalid_header(std::string_view name, std::string_view value);

struct IntegerRule {
  std::string_view name;
  std::int64_t min;
  std::int64_t max;
};
/// Nullopt when the parameter is absent. Errors: InvalidQueryParameterValue (not a number),
/// OutOfRangeQueryParameterValue.
Served<std::optional<std::int64_t>> integer_parameter(const http::Query& query,
                                                      const IntegerRule& rule);

/// 3 to 63 lower-case letters, digits and single inner hyphens.
/// Errors: OutOfRangeInput (length), InvalidResourceName (characters).
std::optional<wire::StorageError> check_queue_name(std::string_view name);

/// The x-ms-meta-* headers, case of the names kept. Errors: EmptyMetadataKey, InvalidMetadata (not
/// a C# identifier, in ASCII), MetadataTooLarge.
Served<wire::Metadata> read_metadata(const http::Headers& headers);

/// True for a date "YYYY-MM-DD".
bool is_api_version(std::string_view text);

}  // namespace latchkey::cloud
