#include "cloud/functions/invocation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/request_facts.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

/// The first trap: texts and numbers are written as JSON, and that is sent as a text.
json::string quoted(const json::value& value) {
  return json::string(json::serialize(value));
}

/// As .NET writes a DateTimeOffset: "2026-11-22T22:41:00+00:00".
std::string time_text(UtcTime time) {
  const auto iso = to_iso8601(time);
  return iso.substr(0, iso.find('.')) + "+00:00";
}

bool is_binary_content(const http::Request& request) {
  const auto type = request.headers.find("Content-Type").value_or("");
  return istarts_with(type, "application/octet-stream") || istarts_with(type, "multipart/");
}

void put_body(json::object& value, const http::Request& request) {
  if (request.body.empty()) return;
  const bool as_bytes_text = is_binary_content(request) || !is_utf8(request.body);
  value["Body"] = as_bytes_text ? to_base64(std::string_view(request.body)) : request.body;
}

/// The members of a message that is a JSON object join the metadata, whose names know no case.
void add_message_members(json::object& metadata, std::string_view text) {
  const auto members = wire::json::parse_object(text);
  if (!members) return;
  for (const auto& [name, value] : *members) {
    if (value.is_array() || value.is_null()) continue;
    std::string key(name);
    for (const auto& member : metadata) {
      if (iequals(std::string_view(member.key()), key)) key = std::string(member.key());
    }
    if (value.is_object()) {
      metadata[key] = value;
    } else {
      const bool is_text = value.is_string();
      metadata[key] = quoted(is_text ? value : json::value(json::serialize(value)));
    }
  }
}

/// What .NET's Convert.FromBase64String takes: blanks do not matter, padding is required.
std::optional<std::string> from_loose_base64(std::string_view text) {
  std::string dense;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') dense += c;
  }
  const auto bytes = from_base64(dense);
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

tl::unexpected<Error> invalid_answer(std::string why) {
  return fail(ErrorKind::protocol, "InvalidHandlerAnswer", std::move(why));
}

/// A value of an output: a text (or the bytes that it stands for), or JSON.
std::string output_bytes(const json::value& value, bool is_binary) {
  const auto* text = value.if_string();
  if (text == nullptr) return json::serialize(value);
  if (!is_binary) {
    if (auto bytes = from_loose_base64(*text)) return std::move(*bytes);
  }
  return std::string(*text);
}

Result<> put_messages(const QueueBinding& binding, const json::value& value,
                      MessageEncoding encoding, std::vector<QueuedOutput>& messages) {
  const auto add = [&](std::string text) {
    const bool encoded = encoding == MessageEncoding::base64;
    messages.push_back({.binding = &binding,
                        .text = encoded ? to_base64(std::string_view(text)) : std::move(text)});
  };
  const auto* list = value.if_array();
  if (list == nullptr) {
    auto bytes = output_bytes(value, binding.is_binary);
    if (encoding == MessageEncoding::none && !is_utf8(bytes)) {
      return invalid_answer(
          fmt::format("output {} is Base64, be it by chance: the host takes it for bytes, and "
                      "those are no text "
                      "(send a JSON object, or set the binding's dataType to binary)",
                      binding.name));
    }
    add(std::move(bytes));
    return {};
  }
  // The texts of a list are not looked at for Base64.
  for (const auto& item : *list) {
    add(item.is_string() ? std::string(item.get_string()) : json::serialize(item));
  }
  return {};
}

std::optional<int> status_of(const json::object& object) {
  for (const auto* name : {"statusCode", "status"}) {
    const auto* value = wire::json::find(object, name);
    if (value == nullptr) continue;
    if (const auto number = wire::json::whole_number(*value)) return static_cast<int>(*number);
    if (value->is_string()) return parse_integer<int>(std::string_view(value->get_string()));
  }
  return std::nullopt;
}

void put_response_body(http::Response& response, const json::value& body) {
  if (body.is_null()) return;
  const bool is_text = body.is_string();
  response.body = is_text ? std::string(body.get_string()) : json::serialize(body);
  if (!response.headers.contains("Content-Type")) {
    response.headers.set("Content-Type",
                         is_text ? "text/plain; charset=utf-8" : "application/json; charset=utf-8");
  }
}

Result<http::Response> make_response(const json::value& value) {
  http::Response response;
  const auto* object = value.if_object();
  const bool describes =
      object != nullptr && (object->contains("statusCode") || object->contains("status") ||
                            object->contains("headers") || object->contains("body"));
  if (!describes) {
    put_response_body(response, value);
    return response;
  }
  if (object->contains("statusCode") || object->contains("status")) {
    const auto status = status_of(*object);
    if (!status || *status < 200 || *status > 599) {
      return invalid_answer("the status code of its http output is no number from 200 to 599");
    }
    response.status = *status;
  }
  if (const auto* headers = wire::json::child(*object, "headers")) {
    for (const auto& [name, field] : *headers) {
      response.headers.set(
          name, field.is_string() ? std::string(field.get_string()) : json::serialize(field));
    }
  }
  if (const auto* body = wire::json::find(*object, "body")) put_response_body(response, *body);
  return response;
}

std::optional<json::object> parse_answer(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;  // As the real host's reader.
  json::error_code error;
  auto value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// The host's reader does not mind the case of these names.
const json::value* member(const json::object& object, std::string_view name) {
  for (const auto& entry : object) {
    if (iequals(std::string_view(entry.key()), name)) {
      return entry.value().is_null() ? nullptr : &entry.value();
    }
  }
  return nullptr;
}

}  // namespace

std::string render_http_invocation(const FunctionJson& function, const http::Request& request,
                                   const FunctionRoute::Parameters& parameters) {
  json::object query;
  for (const auto& [key, text] : http::parse_query(request.query_text()).value_or(http::Query{})) {
    query[key] = text;
  }
  json::object headers;
  for (const auto field : request.headers) {
    auto& values = headers[field.name];
    if (!values.is_array()) values = json::array{};
    values.get_array().emplace_back(field.value);
  }
  json::object route;
  for (const auto& [name, text] : parameters) route[name] = text;
  const std::uint16_t port = request.over_tls ? 443 : 80;
  json::object value{{"Url", fmt::format("{}://{}{}", request.over_tls ? "https" : "http",
                                         request_authority(request, port), request.target)},
                     {"Method", request.method_name},
                     {"Query", std::move(query)},
                     {"Headers", std::move(headers)},
                     {"Params", std::move(route)},
                     {"Identities", json::array{}}};
  put_body(value, request);
  json::object metadata;
  for (const auto& [name, text] : parameters) metadata[name] = quoted(json::value(text));
  return json::serialize(json::object{{"Data", json::object{{function.trigger, std::move(value)}}},
                                      {"Metadata", std::move(metadata)}});
}

std::string render_queue_invocation(const FunctionJson& function, const wire::QueueMessage& message,
                                    std::string_view text, const InvocationFacts& facts) {
  json::object metadata{{"DequeueCount", std::to_string(message.dequeue_count)},
                        {"ExpirationTime", time_text(message.expiration_time)},
                        {"Id", quoted(json::value(message.id))},
                        {"InsertionTime", time_text(message.insertion_time)},
                        {"NextVisibleTime", time_text(message.time_next_visible)},
                        {"PopReceipt", quoted(json::value(message.pop_receipt))},
                        {"sys", json::object{{"MethodName", facts.function},
                                             {"UtcNow", to_iso8601(facts.now)},
                                             {"RandGuid", facts.random_id}}}};
  add_message_members(metadata, text);
  const bool is_binary = function.queue && function.queue->is_binary;
  json::object data;
  data[function.trigger] =
      is_binary ? json::value(to_base64(text)) : json::value(quoted(json::value(text)));
  return json::serialize(
      json::object{{"Data", std::move(data)}, {"Metadata", std::move(metadata)}});
}

std::optional<std::string> decode_message(std::string_view text, MessageEncoding encoding) {
  if (encoding == MessageEncoding::none) return std::string(text);
  return from_loose_base64(text);
}

Result<InvocationResult> read_invocation_result(const FunctionJson& function,
                                                const http::Response& answer,
                                                MessageEncoding encoding) {
  if (answer.status < 200 || answer.status > 299) {
    return invalid_answer(fmt::format("it answered {}", answer.status));
  }
  const auto body = parse_answer(answer.body);
  if (!body) return invalid_answer("its answer is not a JSON object");
  const auto* outputs = member(*body, "Outputs");
  if (outputs != nullptr && !outputs->is_object()) return invalid_answer("Outputs is no object");
  const auto* returned = member(*body, "ReturnValue");

  InvocationResult result;
  if (const auto* logs = member(*body, "Logs")) {
    if (!logs->is_array()) return invalid_answer("Logs is no list");
    for (const auto& line : logs->get_array()) {
      result.logs.push_back(line.is_string() ? std::string(line.get_string())
                                             : json::serialize(line));
    }
  }
  const auto find_output = [&](std::string_view name) -> const json::value* {
    if (name == kReturnBinding) return returned;
    return outputs == nullptr ? nullptr : wire::json::find(outputs->get_object(), name);
  };
  for (const auto& binding : function.queue_outputs) {
    const auto* value = find_output(binding.name);
    if (value == nullptr) continue;
    auto put = put_messages(binding, *value, encoding, result.messages);
    if (!put) return fail(put.error());
  }
  if (!function.http_output) {
    result.response.status = 204;
    return result;
  }
  const auto* value = find_output(*function.http_output);
  if (value == nullptr) return result;
  // $return goes the way of the other outputs, Base64 and all.
  const bool is_text = *function.http_output == kReturnBinding && value->is_string();
  auto response = make_response(is_text ? json::value(output_bytes(*value, false)) : *value);
  if (!response) return fail(response.error());
  result.response = std::move(*response);
  return result;
}

}  // namespace latchkey::cloud
