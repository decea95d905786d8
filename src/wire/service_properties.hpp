#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "wire/storage_error.hpp"

/// The settings of an account's queue service, and its statistics. Source: REST reference, "Set
/// Queue Service Properties", "Get Queue Service Stats", recorded exchanges.
namespace latchkey::wire {

struct RetentionPolicy {
  bool enabled = false;
  std::int64_t days = 0;  ///< 1 to 365; on the wire only when enabled
};
struct LoggingProperties {
  std::string version = "1.0";
  bool read = false;
  bool write = false;
  bool remove = false;
  RetentionPolicy retention{};
};
struct MetricsProperties {
  std::string version = "1.0";
  bool enabled = false;
  bool include_apis = false;  ///< on the wire only when enabled
  RetentionPolicy retention{};
};
/// Lists are parted by commas, as on the wire.
struct CorsRule {
  std::string allowed_origins{};
  std::string allowed_methods{};
  std::int64_t max_age_seconds = 0;
  std::string exposed_headers{};
  std::string allowed_headers{};
};

/// A section that is not there is not changed by a Set; what is kept has them all.
struct ServiceProperties {
  std::optional<LoggingProperties> logging;
  std::optional<MetricsProperties> hour_metrics;
  std::optional<MetricsProperties> minute_metrics;
  std::optional<std::vector<CorsRule>> cors;
};
/// Of a fresh account: no logging, no metrics, no CORS.
ServiceProperties default_service_properties();
/// Puts the sections that `change` has in the place of those of `properties`.
void change_service_properties(ServiceProperties& properties, ServiceProperties change);

inline constexpr std::size_t kCorsRulesMax = 5;
inline constexpr std::size_t kCorsBytesMax = 2048;  ///< all rules of an account together

/// Booleans may be in any case. Errors: InvalidXmlDocument, MissingRequiredXmlNode,
/// InvalidXmlNodeValue.
Served<ServiceProperties> parse_service_properties(std::string_view xml);
std::string render_service_properties(const ServiceProperties& properties);

/// Geo-replication is live and has just been in step.
std::string render_service_stats(UtcTime last_sync);

}  // namespace latchkey::wire
