#include "cloud/functions/host_json.hpp"

#include <utility>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

using std::chrono::milliseconds;
constexpr std::string_view kFile = "host.json";

void read_time(ConfigReader& reader, std::string_view name, milliseconds min, milliseconds& out) {
  const auto text = reader.text(name);
  if (!text) return;
  const auto span = parse_time_span(*text);
  if (span && *span >= min) {
    out = *span;
  } else {
    reader.refuse(name, "must be a time such as 00:00:30");
  }
}

void read_queues(ConfigReader reader, QueueTriggerSettings& queues) {
  queues.batch_size = static_cast<int>(reader.number("batchSize", 1, 32).value_or(16));
  queues.new_batch_threshold =
      static_cast<int>(reader.number("newBatchThreshold", 0, 1000).value_or(queues.batch_size / 2));
  queues.dequeue_count_max =
      static_cast<int>(reader.number("maxDequeueCount", 1, 1'000'000).value_or(5));
  read_time(reader, "maxPollingInterval", milliseconds{100}, queues.polling_interval_max);
  read_time(reader, "visibilityTimeout", milliseconds{0}, queues.retry_delay);
  const auto encoding = reader.text("messageEncoding").value_or("base64");
  if (iequals(encoding, "none")) {
    queues.encoding = MessageEncoding::none;
  } else if (!iequals(encoding, "base64")) {
    reader.refuse("messageEncoding", "must be base64 or none");
  }
  reader.tell_unknown();
}

void read_extensions(ConfigReader reader, HostJson& host) {
  if (auto queues = reader.child("queues")) read_queues(std::move(*queues), host.queues);
  if (auto http = reader.child("http")) {
    host.route_prefix = http->text("routePrefix").value_or(host.route_prefix);
    http->tell_unknown();
  }
  reader.tell_unknown();
}

void read_description(ConfigReader reader, HostJson& host) {
  host.executable = reader.required("defaultExecutablePath");
  host.working_folder = reader.text("workingDirectory").value_or("");
  host.arguments = reader.texts("arguments").value_or(std::vector<std::string>{});
  reader.tell_unknown();
}

void read_handler(ConfigReader reader, HostJson& host) {
  if (auto description = reader.child("description")) {
    read_description(std::move(*description), host);
  } else {
    reader.refuse("description", "is missing");
  }
  host.forwards_http = reader.boolean("enableForwardingHttpRequest").value_or(false);
  // The real host also takes any other type for "http" here: requests keep their path.
  const auto type = reader.text("type").value_or("http");
  if (!iequals(type, "http")) reader.warn("type", "is taken as http, as by the real host");
  reader.tell_unknown();
}

void read_timeout(ConfigReader& reader, HostJson& host) {
  const auto text = reader.text("functionTimeout");
  if (!text) return;
  const auto span = parse_time_span(*text);
  if (*text == "-1") {
    host.function_timeout = std::nullopt;
  } else if (span && *span >= std::chrono::seconds{1}) {
    host.function_timeout = span;
  } else {
    reader.refuse("functionTimeout", "must be a time such as 00:05:00, or -1");
  }
}

}  // namespace

HostJson read_host_json(std::string_view text, ConfigProblems& problems) {
  HostJson host;
  const auto object = wire::json::parse_object(text);
  if (!object) {
    problems.refuse(kFile, "is not a JSON object");
    return host;
  }
  ConfigReader reader(*object, std::string(kFile), problems);
  if (reader.required("version") != "2.0") reader.refuse("version", "must be \"2.0\"");
  if (auto handler = reader.child("customHandler")) {
    read_handler(std::move(*handler), host);
  } else {
    reader.refuse("customHandler", "is missing: this host runs custom handlers only");
  }
  if (auto extensions = reader.child("extensions")) read_extensions(std::move(*extensions), host);
  read_timeout(reader, host);
  // What is logged and measured where, and what has to be downloaded: no difference here.
  for (const auto* name : {"logging", "extensionBundle", "telemetryMode", "healthMonitor",
                           "applicationInsights", "$schema"}) {
    reader.pass_over(name);
  }
  reader.tell_unknown();
  return host;
}

std::optional<milliseconds> parse_time_span(std::string_view text) {
  std::int64_t days = 0;
  std::int64_t fraction = 0;
  auto parts = split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto number = [](std::string_view digits, std::int64_t max) -> std::optional<std::int64_t> {
    const auto value = parse_integer<std::int64_t>(digits);
    return value && !digits.starts_with('-') && *value <= max ? value : std::nullopt;
  };
  if (const auto dot = parts[0].find('.'); dot != std::string_view::npos) {
    const auto value = number(parts[0].substr(0, dot), 10'000);
    if (!value) return std::nullopt;
    days = *value;
    parts[0].remove_prefix(dot + 1);
  }
  if (const auto dot = parts[2].find('.'); dot != std::string_view::npos) {
    const std::string digits = (std::string(parts[2].substr(dot + 1)) + "000").substr(0, 3);
    const auto value = number(digits, 999);
    if (!value) return std::nullopt;
    fraction = *value;
    parts[2] = parts[2].substr(0, dot);
  }
  const auto hours = number(parts[0], 23);
  const auto minutes = number(parts[1], 59);
  const auto seconds = number(parts[2], 59);
  if (!hours || !minutes || !seconds) return std::nullopt;
  return milliseconds{(((days * 24 + *hours) * 60 + *minutes) * 60 + *seconds) * 1000 + fraction};
}

}  // namespace latchkey::cloud
