#include "cloud/functions/function_json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "cloud/queues/queue_rules.hpp"

namespace latchkey::cloud {
namespace {

using http::Method;

void read_level(ConfigReader& reader, HttpTrigger& trigger) {
  const auto level = reader.text("authLevel").value_or("function");
  if (iequals(level, "anonymous")) {
    trigger.level = AuthLevel::anonymous;
  } else if (iequals(level, "admin")) {
    trigger.level = AuthLevel::admin;
  } else if (!iequals(level, "function")) {
    reader.refuse("authLevel", "must be anonymous, function or admin");
  }
}

HttpTrigger read_http_trigger(ConfigReader& reader, const std::string& function) {
  HttpTrigger trigger;
  read_level(reader, trigger);
  if (const auto names = reader.texts("methods")) {
    for (const auto& name : *names) {
      std::string upper = to_lower(name);
      std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      });
      const auto method = http::method_from(upper);
      if (method == Method::other || method == Method::connect) {
        reader.refuse("methods", fmt::format("has {}, which is not served", name));
      }
      trigger.methods.push_back(method);
    }
  } else {
    trigger.methods = {Method::get,   Method::head,    Method::post,   Method::put,
                       Method::patch, Method::delete_, Method::options};
  }
  trigger.route = reader.text("route").value_or(function);
  if (istarts_with(trigger.route, "admin")) reader.refuse("route", "must not begin with admin");
  return trigger;
}

QueueBinding read_queue(ConfigReader& reader, std::string name, const AppSettings& settings) {
  QueueBinding binding;
  binding.name = std::move(name);
  auto queue = resolve_settings(reader.required("queueName"), settings);
  if (!queue) {
    reader.refuse("queueName", "cannot be resolved: " + queue.error().message);
  } else if (check_queue_name(to_lower(*queue))) {
    reader.refuse("queueName",
                  "must be 3 to 63 letters, digits and dashes (expressions in braces are not "
                  "supported)");
  } else {
    binding.queue = to_lower(*queue);
  }
  binding.connection = reader.text("connection").value_or("");
  if (auto found = find_connection(binding.connection, settings); !found) {
    reader.refuse("connection", "cannot be used: " + found.error().message);
  }
  return binding;
}

class FunctionReader {
 public:
  FunctionReader(FunctionJson& function, const AppSettings& settings) noexcept
      : function_(function), settings_(settings) {}

  void read(ConfigReader reader) {
    const auto type = reader.required("type");
    auto name = reader.required("name");
    const auto direction = reader.text("direction").value_or("in");
    const bool is_binary = iequals(reader.text("dataType").value_or(""), "binary");
    const bool is_out = iequals(direction, "out");
    if (iequals(type, "httpTrigger") && !is_out) {
      start_trigger(reader, name);
      function_.http = read_http_trigger(reader, function_.name);
    } else if (iequals(type, "queueTrigger") && !is_out) {
      start_trigger(reader, name);
      function_.queue = read_queue(reader, std::move(name), settings_);
      function_.queue->is_binary = is_binary;
    } else if (iequals(type, "http") && is_out) {
      if (function_.http_output) reader.refuse("type", "is http for the second time");
      function_.http_output = std::move(name);
    } else if (iequals(type, "queue") && is_out) {
      function_.queue_outputs.push_back(read_queue(reader, std::move(name), settings_));
      function_.queue_outputs.back().is_binary = is_binary;
    } else {
      reader.refuse("type", fmt::format("is {} with direction {}: the local functions host has "
                                        "httpTrigger and queueTrigger, http and queue outputs",
                                        type, direction));
    }
    reader.tell_unknown();
  }

 private:
  void start_trigger(ConfigReader& reader, const std::string& name) {
    if (!function_.trigger.empty()) reader.refuse("type", "is the second trigger");
    function_.trigger = name;
  }

  FunctionJson& function_;
  const AppSettings& settings_;
};

bool is_true(const AppSettings& settings, std::string_view name) {
  const auto found = settings.find(name);
  return found != settings.end() && (iequals(found->second, "true") || found->second == "1");
}

void read_disabled(ConfigReader& reader, FunctionJson& function, const AppSettings& settings) {
  const auto* value = reader.any("disabled");
  if (value != nullptr && value->is_bool()) {
    function.disabled = value->get_bool();
  } else if (value != nullptr && value->is_string()) {
    function.disabled = is_true(settings, std::string_view(value->get_string()));
  } else if (value != nullptr) {
    reader.refuse("disabled", "must be true, false or the name of a setting");
  }
  function.disabled |= is_true(settings, fmt::format("AzureWebJobs.{}.Disabled", function.name));
}

}  // namespace

FunctionJson read_function_json(std::string name, std::string_view text,
                                const AppSettings& settings, ConfigProblems& problems) {
  FunctionJson function;
  function.name = std::move(name);
  const auto file = function.name + "/function.json";
  const auto object = wire::json::parse_object(text);
  if (!object) {
    problems.refuse(file, "is not a JSON object");
    return function;
  }
  ConfigReader reader(*object, file, problems);
  if (!is_function_name(function.name)) {
    problems.refuse(file, "is in a folder whose name is not a function's");
  }
  read_disabled(reader, function, settings);
  const auto* bindings = reader.any("bindings");
  const auto* list = bindings == nullptr ? nullptr : bindings->if_array();
  if (list == nullptr) {
    reader.refuse("bindings", "must be a list");
    return function;
  }
  FunctionReader function_reader(function, settings);
  for (std::size_t at = 0; at < list->size(); ++at) {
    const auto where = fmt::format("{}: bindings[{}]", file, at);
    const auto* binding = (*list)[at].if_object();
    if (binding == nullptr) {
      problems.refuse(where, "must be an object");
      continue;
    }
    function_reader.read(ConfigReader(*binding, where, problems));
  }
  if (function.trigger.empty()) reader.refuse("bindings", "has no trigger");
  if (function.http_output && !function.http) {
    reader.refuse("bindings", "has an http output without an httpTrigger");
  }
  for (const auto* unneeded : {"scriptFile", "entryPoint", "language", "generatedBy", "$schema"}) {
    reader.pass_over(unneeded);
  }
  reader.tell_unknown();
  return function;
}

bool is_function_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 128 && is_letter(name.front()) && !iequals(name, "host") &&
         std::ranges::all_of(name, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

}  // namespace latchkey::cloud
