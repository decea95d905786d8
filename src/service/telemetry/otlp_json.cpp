#include "service/telemetry/otlp_json.hpp"

#include <boost/json.hpp>

#include "base/encoding.hpp"

namespace latchkey::service {
namespace {
namespace json = boost::json;

constexpr int kStatusError = 2;

json::object attribute(std::string_view key, const Span::Value& value) {
  json::object typed;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    typed["intValue"] = std::to_string(*number);
  } else {
    // What a person sends is bytes; a text that is none would make the whole batch unreadable.
    const auto& text = std::get<std::string>(value);
    typed["stringValue"] = is_utf8(text) ? json::value(text) : json::value("(no UTF-8)");
  }
  return {{"key", key}, {"value", std::move(typed)}};
}

std::string unix_nanoseconds(UtcTime time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

json::object object_of(const Span& span) {
  json::object object = {{"traceId", to_hex(span.trace.trace_id)},
                         {"spanId", to_hex(span.trace.span_id)},
                         {"name", span.name},
                         {"kind", static_cast<int>(span.kind)},
                         {"startTimeUnixNano", unix_nanoseconds(span.begun)},
                         {"endTimeUnixNano", unix_nanoseconds(span.ended)}};
  if (span.parent_id != Span{}.parent_id) object["parentSpanId"] = to_hex(span.parent_id);
  json::array attributes;
  for (const auto& [key, value] : span.attributes) attributes.push_back(attribute(key, value));
  if (!attributes.empty()) object["attributes"] = std::move(attributes);
  if (span.failed) object["status"] = json::object{{"code", kStatusError}};
  return object;
}

}  // namespace

std::string otlp_json(const OtlpResource& resource, const std::vector<Span>& spans) {
  json::array who;
  for (const auto& [key, value] : resource) who.push_back(attribute(key, value));
  json::array all;
  for (const Span& span : spans) all.push_back(object_of(span));
  json::object scope = {{"scope", {{"name", "latchkey"}}}, {"spans", std::move(all)}};
  json::object of_resource = {{"resource", {{"attributes", std::move(who)}}},
                              {"scopeSpans", json::array{std::move(scope)}}};
  return json::serialize(json::object{{"resourceSpans", json::array{std::move(of_resource)}}});
}

}  // namespace latchkey::service
