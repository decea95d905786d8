#include "cloud/functions/key_api.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/functions/functions_host.hpp"
#include "cloud/request_facts.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
using http::Method;

constexpr std::string_view kKeyHeader = "x-functions-key";
constexpr std::string_view kKeyParameter = "code";

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

/// [{"rel":"self","href":...}]: where the request went.
json::array links(const http::Request& request) {
  const std::string origin = request.over_tls ? "https://" + request_authority(request, 443)
                                              : "http://" + request_authority(request, 80);
  return {json::object{{"rel", "self"}, {"href", origin + std::string(request.path())}}};
}

http::Response show_key(int status, const http::Request& request, const FunctionKey& key) {
  return http::json_response(
      status, json::serialize(json::object{
                  {"name", key.name}, {"value", key.value.reveal()}, {"links", links(request)}}));
}

http::Response failure(const Error& error) {
  if (error.kind == ErrorKind::not_found) return empty_response(404);
  if (error.kind == ErrorKind::invalid_argument) return empty_response(400);
  log::error("function_keys_failed", {{"problem", error.message}});
  return empty_response(500);
}

}  // namespace

std::string shown_key(const http::Request& request) {
  if (const auto header = request.headers.find(kKeyHeader)) return std::string(*header);
  const auto query = http::parse_query(request.query_text());
  const auto* parameter = query ? http::find_parameter(*query, kKeyParameter) : nullptr;
  return parameter == nullptr ? "" : *parameter;
}

boost::json::object describe_function(const FunctionDefinition& function) {
  json::array methods;
  for (const auto method : function.methods) methods.emplace_back(http::to_string(method));
  json::object described{{"name", function.name}, {"isDisabled", function.is_disabled}};
  if (methods.empty()) return described;
  described["invoke_path"] = "/" + function.route;
  described["methods"] = std::move(methods);
  return described;
}

KeyApi::KeyApi(FunctionKeys& keys, const FunctionsHost& host) : keys_(keys), host_(host) {
  for (const std::string list_of : {"/admin/functions/{function}/keys", "/admin/host/{kind}"}) {
    const auto one = list_of + "/{key}";
    add(Method::get, list_of, &KeyApi::list);
    add(Method::get, one, &KeyApi::get);
    add(Method::put, one, &KeyApi::put);
    add(Method::post, one, &KeyApi::generate);
    add(Method::delete_, one, &KeyApi::remove);
  }
  router_.add(Method::post, "/admin/functions/{function}",
              [this](const http::Request& request, const http::Match& match) {
                return run_function(request, match);
              });
  router_.add(Method::get, "/admin/functions/{function}",
              [this](const http::Request& request, const http::Match& match) {
                return show_function(request, match);
              });
  router_.add(
      Method::get, "/admin/functions",
      [this](const http::Request& request, const http::Match&) { return list_functions(request); });
  router_.add(Method::get, "/admin/host/status",
              [this](const http::Request& request, const http::Match&) { return status(request); });
  for (const auto method : {Method::get, Method::post}) {
    router_.add(method, "/admin/host/ping",
                [](const http::Request&, const http::Match&) -> Task<http::Response> {
                  co_return empty_response(200);
                });
  }
  router_.on_refusal([this](const http::Request& request, int status) {
    return empty_response(is_master(request) ? status : 401);
  });
}

void KeyApi::add(Method method, std::string_view pattern, Operation operation) {
  const bool of_host = pattern.starts_with("/admin/host/");
  router_.add(method, pattern,
              [this, of_host, operation](const http::Request& request, const http::Match& match) {
                return run(request, match, of_host, operation);
              });
}

Task<http::Response> KeyApi::run(const http::Request& request, const http::Match& match,
                                 bool of_host, Operation operation) {
  if (!is_master(request)) co_return empty_response(401);
  auto target = find_target(match, of_host);
  if (!target) co_return empty_response(404);
  auto task = (this->*operation)(request, std::move(*target));
  co_return co_await std::move(task);
}

std::optional<KeyApi::Target> KeyApi::find_target(const http::Match& match, bool of_host) const {
  const std::string& owner = match.parameters[0];
  std::string name = match.parameters.size() > 1 ? match.parameters[1] : "";
  if (!of_host) {
    if (!host_.has(owner)) return std::nullopt;
    return Target{KeyOwner::function(owner), std::move(name)};
  }
  if (iequals(owner, "keys") || iequals(owner, "functionkeys")) {
    return Target{KeyOwner::host(), std::move(name)};
  }
  if (!iequals(owner, "systemkeys")) return std::nullopt;
  const bool master = iequals(name, FunctionKeys::kMaster);
  return Target{master ? KeyOwner::master() : KeyOwner::system(), std::move(name)};
}

Task<http::Response> KeyApi::list(const http::Request& request, Target target) {
  json::array keys;
  for (const auto& key : keys_.list(target.owner)) {
    keys.push_back(json::object{{"name", key.name}, {"value", key.value.reveal()}});
  }
  co_return http::json_response(
      200, json::serialize(json::object{{"keys", std::move(keys)}, {"links", links(request)}}));
}

Task<http::Response> KeyApi::get(const http::Request& request, Target target) {
  const auto* key = keys_.find(target.owner, target.name);
  if (key == nullptr) co_return empty_response(404);
  co_return show_key(200, request, *key);
}

Task<http::Response> KeyApi::put(const http::Request& request, Target target) {
  const auto body = wire::json::parse_object(request.body);
  const auto value = body ? wire::json::text(*body, "value") : std::nullopt;
  if (!value || value->empty()) co_return empty_response(400);
  auto task = set(request, std::move(target), Secret(std::string(*value)));
  co_return co_await std::move(task);
}

Task<http::Response> KeyApi::generate(const http::Request& request, Target target) {
  auto task = set(request, std::move(target), keys_.generate());
  co_return co_await std::move(task);
}

Task<http::Response> KeyApi::set(const http::Request& request, Target target, Secret value) {
  const FunctionKey key{.name = target.name, .value = value};
  const auto is_new =
      co_await keys_.set(std::move(target.owner), std::move(target.name), std::move(value));
  if (!is_new) co_return failure(is_new.error());
  log::info("function_key_set", {{"owner", request.path()}});
  co_return show_key(*is_new ? 201 : 200, request, key);
}

Task<http::Response> KeyApi::remove(const http::Request& request, Target target) {
  if (target.owner.level() == AuthLevel::admin) co_return empty_response(400);
  const auto removed = co_await keys_.remove(std::move(target.owner), std::move(target.name));
  if (!removed) co_return failure(removed.error());
  log::info("function_key_removed", {{"owner", request.path()}});
  co_return empty_response(204);
}

Task<http::Response> KeyApi::list_functions(const http::Request& request) {
  if (!is_master(request)) co_return empty_response(401);
  json::array functions;
  for (const auto* function : host_.list()) functions.push_back(describe_function(*function));
  co_return http::json_response(200, json::serialize(functions));
}

Task<http::Response> KeyApi::show_function(const http::Request& request, const http::Match& match) {
  if (!is_master(request)) co_return empty_response(401);
  const auto* function = host_.find(match.parameters[0]);
  if (function == nullptr) co_return empty_response(404);
  co_return http::json_response(200, json::serialize(describe_function(*function)));
}

Task<http::Response> KeyApi::run_function(const http::Request& request, const http::Match& match) {
  if (!is_master(request)) co_return empty_response(401);
  const auto* function = host_.find(match.parameters[0]);
  if (function == nullptr) co_return empty_response(404);
  const auto body = wire::json::parse_object(request.body);
  if (!body) co_return empty_response(400);
  http::Request made;
  made.method = Method::post;
  made.method_name = http::to_string(made.method);
  made.target = "/" + function->route;
  made.body = wire::json::text(*body, "input").value_or("");
  made.peer_address = request.peer_address;
  const auto handler = function->handler;
  co_await handler(made);
  co_return empty_response(202);  // As the real host, which does not tell what came of it.
}

Task<http::Response> KeyApi::status(const http::Request& request) {
  if (!is_master(request)) co_return empty_response(401);
  co_return http::json_response(
      200, json::serialize(json::object{{"id", request_host(request)},
                                        {"state", "Running"},
                                        {"version", "4"},
                                        {"versionDetails", "latchkey local cloud"}}));
}

bool KeyApi::is_master(const http::Request& request) const {
  return keys_.level_of(shown_key(request), "") == AuthLevel::admin;
}

}  // namespace latchkey::cloud
