#include "wire/service_properties.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "wire/xml_fields.hpp"
#include "wire/xml_writer.hpp"

namespace latchkey::wire {
namespace {
using xml::append_element;
using xml::Fields;

constexpr std::int64_t kRetentionDaysMax = 365;
constexpr std::array<std::string_view, 8> kCorsMethods = {"DELETE", "GET",     "HEAD", "MERGE",
                                                          "POST",   "OPTIONS", "PUT",  "PATCH"};

RetentionPolicy read_retention(Fields& section) {
  Fields fields = section.child("RetentionPolicy");
  RetentionPolicy retention;
  retention.enabled = fields.flag("Enabled");
  if (retention.enabled) retention.days = fields.number("Days", 1, kRetentionDaysMax);
  section.take_error(fields);
  return retention;
}

std::optional<LoggingProperties> read_logging(Fields& root) {
  auto fields = root.optional_child("Logging");
  if (!fields) return std::nullopt;
  LoggingProperties logging;
  logging.version = fields->text("Version");
  logging.remove = fields->flag("Delete");
  logging.read = fields->flag("Read");
  logging.write = fields->flag("Write");
  logging.retention = read_retention(*fields);
  root.take_error(*fields);
  return logging;
}

std::optional<MetricsProperties> read_metrics(Fields& root, const char* name) {
  auto fields = root.optional_child(name);
  if (!fields) return std::nullopt;
  MetricsProperties metrics;
  metrics.version = fields->text("Version");
  metrics.enabled = fields->flag("Enabled");
  if (metrics.enabled) metrics.include_apis = fields->flag("IncludeAPIs");
  metrics.retention = read_retention(*fields);
  root.take_error(*fields);
  return metrics;
}

void check_methods(Fields& rule, std::string_view methods) {
  for (const std::string_view method : split(methods, ',')) {
    const bool known =
        std::any_of(kCorsMethods.begin(), kCorsMethods.end(),
                    [method](std::string_view allowed) { return iequals(trim(method), allowed); });
    if (!known) rule.refuse("AllowedMethods", methods, "names an unknown method");
  }
}

CorsRule read_rule(Fields& fields) {
  CorsRule rule;
  rule.allowed_origins = fields.text("AllowedOrigins");
  rule.allowed_methods = fields.text("AllowedMethods");
  rule.max_age_seconds =
      fields.number("MaxAgeInSeconds", 0, std::numeric_limits<std::int32_t>::max());
  rule.exposed_headers = fields.text("ExposedHeaders");
  rule.allowed_headers = fields.text("AllowedHeaders");
  if (rule.allowed_origins.empty()) fields.refuse("AllowedOrigins", "", "must not be empty");
  check_methods(fields, rule.allowed_methods);
  return rule;
}

std::optional<std::vector<CorsRule>> read_cors(Fields& root) {
  const auto cors = root.optional_child("Cors");
  if (!cors) return std::nullopt;
  std::vector<CorsRule> rules;
  std::size_t bytes = 0;
  for (const pugi::xml_node& node : cors->node().children("CorsRule")) {
    Fields fields = cors->of(node);
    const CorsRule& rule = rules.emplace_back(read_rule(fields));
    root.take_error(fields);
    bytes += rule.allowed_origins.size() + rule.allowed_methods.size() +
             rule.exposed_headers.size() + rule.allowed_headers.size();
  }
  if (rules.size() > kCorsRulesMax) root.refuse("Cors", "", "has more than five rules");
  if (bytes > kCorsBytesMax) root.refuse("Cors", "", "is larger than 2 KiB");
  return rules;
}

std::string_view text_of(bool flag) {
  return flag ? "true" : "false";
}

void append_retention(std::string& out, const RetentionPolicy& retention) {
  out += "<RetentionPolicy>";
  append_element(out, "Enabled", text_of(retention.enabled));
  if (retention.enabled) append_element(out, "Days", std::to_string(retention.days));
  out += "</RetentionPolicy>";
}

void append_metrics(std::string& out, std::string_view name,
                    const std::optional<MetricsProperties>& metrics) {
  if (!metrics) return;
  out.append("<").append(name).append(">");
  append_element(out, "Version", metrics->version);
  append_element(out, "Enabled", text_of(metrics->enabled));
  if (metrics->enabled) append_element(out, "IncludeAPIs", text_of(metrics->include_apis));
  append_retention(out, metrics->retention);
  out.append("</").append(name).append(">");
}

void append_cors(std::string& out, const std::vector<CorsRule>& rules) {
  out += rules.empty() ? "<Cors />" : "<Cors>";
  for (const CorsRule& rule : rules) {
    out += "<CorsRule>";
    append_element(out, "AllowedOrigins", rule.allowed_origins);
    append_element(out, "AllowedMethods", rule.allowed_methods);
    append_element(out, "MaxAgeInSeconds", std::to_string(rule.max_age_seconds));
    append_element(out, "ExposedHeaders", rule.exposed_headers);
    append_element(out, "AllowedHeaders", rule.allowed_headers);
    out += "</CorsRule>";
  }
  if (!rules.empty()) out += "</Cors>";
}

}  // namespace

ServiceProperties default_service_properties() {
  return {.logging = LoggingProperties{},
          .hour_metrics = MetricsProperties{},
          .minute_metrics = MetricsProperties{},
          .cors = std::vector<CorsRule>{}};
}

void change_service_properties(ServiceProperties& properties, ServiceProperties change) {
  if (change.logging) properties.logging = std::move(change.logging);
  if (change.hour_metrics) properties.hour_metrics = std::move(change.hour_metrics);
  if (change.minute_metrics) properties.minute_metrics = std::move(change.minute_metrics);
  if (change.cors) properties.cors = std::move(change.cors);
}

Served<ServiceProperties> parse_service_properties(std::string_view text) {
  pugi::xml_document document;
  auto root = Fields::load(document, text, "StorageServiceProperties");
  if (!root) return refuse(std::move(root.error()));
  ServiceProperties properties;
  properties.logging = read_logging(*root);
  properties.hour_metrics = read_metrics(*root, "HourMetrics");
  properties.minute_metrics = read_metrics(*root, "MinuteMetrics");
  properties.cors = read_cors(*root);
  if (root->error()) return refuse(*root->error());
  return properties;
}

std::string render_service_properties(const ServiceProperties& properties) {
  std::string out(xml::kHead);
  out += "<StorageServiceProperties>";
  if (const auto& logging = properties.logging) {
    out += "<Logging>";
    append_element(out, "Version", logging->version);
    append_element(out, "Read", text_of(logging->read));
    append_element(out, "Write", text_of(logging->write));
    append_element(out, "Delete", text_of(logging->remove));
    append_retention(out, logging->retention);
    out += "</Logging>";
  }
  append_metrics(out, "HourMetrics", properties.hour_metrics);
  append_metrics(out, "MinuteMetrics", properties.minute_metrics);
  if (properties.cors) append_cors(out, *properties.cors);
  return out += "</StorageServiceProperties>";
}

std::string render_service_stats(UtcTime last_sync) {
  std::string out(xml::kHead);
  out += "<StorageServiceStats><GeoReplication><Status>live</Status>";
  append_element(out, "LastSyncTime", to_rfc1123(last_sync));
  return out += "</GeoReplication></StorageServiceStats>";
}

}  // namespace latchkey::wire
