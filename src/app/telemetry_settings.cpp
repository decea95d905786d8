#include "app/telemetry_settings.hpp"

#include <algorithm>
#include <charconv>

#include "app/setting_reader.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"

namespace latchkey::app {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The traces' own variable, else the one for all signals. Empty counts as unset.
struct Found {
  std::string name;
  std::string text;
};
Found find(const Environment& environment, std::string_view ending) {
  for (const char* begin : {"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"}) {
    std::string name = begin + std::string(ending);
    const std::string& text = environment.get(name);
    if (!text.empty()) return {std::move(name), text};
  }
  return {};
}

/// "a=1,b=2", percent-encoded values, as in the W3C Baggage header.
std::optional<Pairs> parse_pairs(std::string_view text) {
  Pairs pairs;
  if (trim(text).empty()) return pairs;
  for (const auto item : split(text, ',')) {
    const auto at = item.find('=');
    if (at == std::string_view::npos) return std::nullopt;
    const auto value = percent_decode(trim(item.substr(at + 1)));
    const auto name = trim(item.substr(0, at));
    if (name.empty() || !value) return std::nullopt;
    pairs.emplace_back(name, *value);
  }
  return pairs;
}

bool fits_in_header(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

Result<TracerOptions> read_sampler(const Environment& environment) {
  constexpr std::string_view kName = "OTEL_TRACES_SAMPLER";
  constexpr std::string_view kArgument = "OTEL_TRACES_SAMPLER_ARG";
  constexpr std::string_view kParent = "parentbased_";
  std::string_view name = environment.get(kName);
  if (name.empty()) name = "parentbased_always_on";
  TracerOptions options{.collects = true, .parent_decides = name.starts_with(kParent)};
  const std::string_view root = options.parent_decides ? name.substr(kParent.size()) : name;
  if (root == "always_on") return options;
  if (root == "always_off") {
    options.ratio = 0;
    return options;
  }
  if (root != "traceidratio") {
    return setting_error(kName, name,
                         "it is always_on, always_off or traceidratio, with or without "
                         "parentbased_ in front",
                         "parentbased_traceidratio");
  }
  const std::string& text = environment.get(kArgument);
  if (text.empty()) return options;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), options.ratio);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (!is_number || !(options.ratio >= 0 && options.ratio <= 1)) {
    return setting_error(kArgument, text, "it is a number from 0 to 1", "0.1");
  }
  return options;
}

/// Unset: no collector is named.
Result<std::optional<http::Url>> read_endpoint(const Environment& environment) {
  const Found found = find(environment, "ENDPOINT");
  if (found.text.empty()) return std::optional<http::Url>{};
  auto url = http::parse_url(found.text);
  if (!url) {
    return setting_error(found.name, found.text.substr(0, found.text.find('?')),
                         url.error().message, "http://localhost:4318");
  }
  // The one for all signals is a base; the traces' own is taken as it is.
  if (found.name == "OTEL_EXPORTER_OTLP_ENDPOINT") {
    if (!url->path.ends_with('/')) url->path += '/';
    url->path += "v1/traces";
  }
  return std::optional<http::Url>(std::move(*url));
}

Result<service::OtlpResource> read_resource(const Environment& environment) {
  constexpr std::string_view kName = "OTEL_RESOURCE_ATTRIBUTES";
  auto pairs = parse_pairs(environment.get(kName));
  if (!pairs) {
    return setting_error(kName, environment.get(kName), "it is a list of name=value",
                         "deployment.environment.name=production");
  }
  const auto set = [&pairs](std::string_view name, std::string_view value, bool always) {
    const auto there = std::ranges::find(*pairs, name, &Pairs::value_type::first);
    if (there == pairs->end()) {
      pairs->emplace_back(name, value);
    } else if (always) {
      there->second = value;
    }
  };
  const std::string& service = environment.get("OTEL_SERVICE_NAME");
  set("service.name", service.empty() ? "latchkey" : service, !service.empty());
  set("service.version", LATCHKEY_VERSION, false);
  return std::move(*pairs);
}

Result<service::OtlpOptions> read_otlp(const Environment& environment, http::Url url) {
  service::OtlpOptions options;
  options.url = std::move(url);
  if (const Found found = find(environment, "PROTOCOL"); found.text == "grpc") {
    return setting_error(found.name, found.text, "traces are sent over HTTP, as JSON", "http/json");
  }
  const Found headers = find(environment, "HEADERS");
  const auto pairs = parse_pairs(headers.text);
  if (!pairs) {
    return setting_error(headers.name, "(not shown)", "it is a list of name=value", "api-key=KEY");
  }
  for (const auto& [name, value] : *pairs) {
    if (!fits_in_header(name) || !fits_in_header(value)) {
      return setting_error(headers.name, "(not shown)", "a value cannot stand in a header",
                           "api-key=KEY");
    }
    options.headers.emplace_back(name, Secret(value));
  }
  if (const Found timeout = find(environment, "TIMEOUT"); !timeout.text.empty()) {
    const auto number = parse_integer<std::int64_t>(timeout.text);
    if (!number || *number < 1 || *number > 600'000) {
      return setting_error(timeout.name, timeout.text, "it is milliseconds, 1 to 600000", "10000");
    }
    options.timeout = std::chrono::milliseconds{*number};
  }
  auto resource = read_resource(environment);
  if (!resource) return fail(resource.error());
  options.resource = std::move(*resource);
  return options;
}

Result<std::optional<ListenSettings>> read_port(const Environment& environment) {
  const std::string& text = environment.get("METRICS_PORT");
  if (text.empty()) return std::optional<ListenSettings>{};
  const auto port = parse_integer<std::uint16_t>(text);
  if (!port) {
    return setting_error("METRICS_PORT", text, "a port is a number from 0 to 65535", "9464");
  }
  ListenSettings settings;
  settings.port = *port;
  settings.addresses = {"127.0.0.1", "::1"};
  const std::string& addresses = environment.get("METRICS_LISTEN");
  if (addresses.empty()) return std::optional(std::move(settings));
  settings.addresses.clear();
  for (const auto address : split(addresses, ',')) settings.addresses.emplace_back(trim(address));
  return std::optional(std::move(settings));
}

}  // namespace

Result<TelemetrySettings> read_telemetry_settings(const Environment& environment) {
  TelemetrySettings settings;
  auto port = read_port(environment);
  if (!port) return fail(port.error());
  settings.port = std::move(*port);
  settings.http = read_http_settings(environment);
  const bool disabled = iequals(environment.get("OTEL_SDK_DISABLED"), "true") ||
                        environment.get("OTEL_TRACES_EXPORTER") == "none";
  if (disabled) return settings;
  auto url = read_endpoint(environment);
  if (!url) return fail(url.error());
  if (!*url) return settings;
  auto sampler = read_sampler(environment);
  if (!sampler) return fail(sampler.error());
  settings.tracer = *sampler;
  auto otlp = read_otlp(environment, std::move(**url));
  if (!otlp) return fail(otlp.error());
  settings.traces = std::move(*otlp);
  return settings;
}

}  // namespace latchkey::app
