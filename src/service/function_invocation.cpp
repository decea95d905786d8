#include "service/function_invocation.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http/url.hpp"

namespace latchkey::service {
namespace {

namespace json = boost::json;

tl::unexpected<Error> not_understood(std::string_view what) {
  return fail(ErrorKind::protocol, "BadInvocation",
              "the functions host sent an invocation without " + std::string(what));
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

/// The text of a value, whether it is plain or JSON within the JSON; empty when it is absent.
std::string text_of(const json::value* value) {
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) return json::serialize(*value);
  const std::string_view text = value->get_string();
  if (!text.starts_with('"')) return std::string(text);
  boost::system::error_code error;
  const auto inner = json::parse(text, error);
  if (error || !inner.is_string()) return std::string(text);
  return std::string(std::string_view(inner.get_string()));
}

struct Invocation {
  json::value trigger;
  json::object metadata;
};

Result<Invocation> read_invocation(std::string_view body) {
  boost::system::error_code error;
  auto document = json::parse(body, error);
  if (error || !document.is_object()) return not_understood("a JSON object");
  const auto* data = object_in(document.get_object(), "Data");
  if (data == nullptr || data->empty()) return not_understood("Data");
  Invocation invocation{.trigger = data->begin()->value(), .metadata = {}};
  if (const auto* metadata = object_in(document.get_object(), "Metadata")) {
    invocation.metadata = *metadata;
  }
  return invocation;
}

/// "Headers":{"Accept":["a","b"]}; a name without a list is taken as well.
void add_headers(const json::object& fields, http::Headers& headers) {
  for (const auto& field : fields) {
    const auto* values = field.value().if_array();
    if (values == nullptr) {
      headers.add(field.key(), text_of(&field.value()));
      continue;
    }
    for (const auto& value : *values) headers.add(field.key(), text_of(&value));
  }
}

UtcTime time_of(const json::object& metadata, std::string_view name) {
  return from_iso8601(text_of(metadata.if_contains(name))).value_or(UtcTime{});
}

}  // namespace

Result<http::Request> read_http_trigger(std::string_view body) {
  auto invocation = read_invocation(body);
  if (!invocation) return fail(std::move(invocation.error()));
  const auto* trigger = invocation->trigger.if_object();
  if (trigger == nullptr) return not_understood("a request");
  const auto url = http::parse_url(text_of(trigger->if_contains("Url")));
  if (!url) return not_understood("the request's Url");
  http::Request request;
  request.method_name = text_of(trigger->if_contains("Method"));
  request.method = http::method_from(request.method_name);
  request.target = url->target();
  request.body = text_of(trigger->if_contains("Body"));
  if (const auto* fields = object_in(*trigger, "Headers")) add_headers(*fields, request.headers);
  return request;
}

Result<codes::QueueMessage> read_queue_trigger(std::string_view body) {
  auto invocation = read_invocation(body);
  if (!invocation) return fail(std::move(invocation.error()));
  const auto& metadata = invocation->metadata;
  codes::QueueMessage message;
  message.text = text_of(&invocation->trigger);
  message.id = text_of(metadata.if_contains("Id"));
  message.insertion_time = time_of(metadata, "InsertionTime");
  message.expiration_time = time_of(metadata, "ExpirationTime");
  if (message.insertion_time == UtcTime{}) return not_understood("the message's InsertionTime");
  return message;
}

std::string render_outputs(const http::Response& response,
                           const std::optional<codes::IssuedCode>& issued) {
  json::object headers;
  for (const auto field : response.headers) headers[field.name] = field.value;
  json::object outputs;
  outputs[kHttpOutput] = {
      {"statusCode", response.status}, {"headers", std::move(headers)}, {"body", response.body}};
  if (issued) {
    outputs[kMessageOutput] = {{"code", issued->code.reveal()},
                               {"timestamp", to_python_utc(issued->issued)}};
  }
  return json::serialize(json::object{
      {"Outputs", std::move(outputs)}, {"Logs", json::array{}}, {"ReturnValue", "done"}});
}

std::string render_done() {
  return R"({"Outputs":{"done":true},"Logs":[],"ReturnValue":"done"})";
}

}  // namespace latchkey::service
