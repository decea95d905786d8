#include "cloud/functions/key_management.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
using http::Method;

constexpr std::string_view kProviders = "/providers/";
constexpr std::string_view kProvider = "Microsoft.Web/sites/";
constexpr std::string_view kSite =
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{app}";
constexpr std::size_t kOwnerParameter = 3;  ///< behind subscription, group and app

json::object names_and_values(const std::vector<FunctionKey>& keys) {
  json::object object;
  for (const auto& key : keys) object[key.name] = key.value.reveal();
  return object;
}

/// The value in {"properties":{"value"}}, or in {"value"} as older clients send it.
std::string given_value(const http::Request& request) {
  const auto body = wire::json::parse_object(request.body);
  if (!body) return {};
  const auto* properties = wire::json::child(*body, "properties");
  return std::string(
      wire::json::text(properties != nullptr ? *properties : *body, "value").value_or(""));
}

json::object function_resource(std::string_view id, const FunctionDefinition& function) {
  return {{"id", id},
          {"name", function.name},
          {"type", "Microsoft.Web/sites/functions"},
          {"properties", describe_function(function)}};
}

/// Up to the app's name.
std::string site_scope(std::string_view path) {
  auto end = path.rfind(kProviders) + kProviders.size() + kProvider.size();
  end = std::min(path.find('/', end), path.size());
  return percent_decode(path.substr(0, end)).value_or("/");
}

}  // namespace

KeyManagement::KeyManagement(FunctionKeys& keys, const FunctionsHost& host, const ArmGate& gate)
    : keys_(keys), host_(host), gate_(gate) {
  using Self = KeyManagement;
  for (const auto* list : {"/host/default/listkeys", "/host/default/listKeys"}) {
    add(Method::post, list, "host/listkeys/action", &Self::list_host);
  }
  add(Method::put, "/host/default/{kind}/{key}", "host/{}/write", &Self::put);
  add(Method::delete_, "/host/default/{kind}/{key}", "host/{}/delete", &Self::remove);
  for (const auto* list : {"/functions/{function}/listkeys", "/functions/{function}/listKeys"}) {
    add(Method::post, list, "functions/listkeys/action", &Self::list_function);
  }
  add(Method::put, "/functions/{function}/keys/{key}", "functions/keys/write", &Self::put);
  add(Method::delete_, "/functions/{function}/keys/{key}", "functions/keys/delete", &Self::remove);
  add(Method::get, "/functions", "functions/read", &Self::list_functions);
  add(Method::get, "/functions/{function}", "functions/read", &Self::show_function);
  router_.on_refusal([](const http::Request&, int status) {
    return arm_error(status, status == 405 ? "MethodNotAllowed" : "InvalidResourceType",
                     "Of a function app the local cloud manages keys, and lists the functions.");
  });
}

bool KeyManagement::serves(std::string_view path) {
  const auto at = path.rfind(kProviders);
  return at != path.npos && istarts_with(path.substr(at + kProviders.size()), kProvider);
}

void KeyManagement::add(Method method, std::string_view below_site, std::string_view action,
                        Operation operation) {
  const bool of_host = below_site.starts_with("/host/");
  router_.add(method, fmt::format("{}{}", kSite, below_site),
              [this, of_host, action = std::string(action), operation](const http::Request& request,
                                                                       const http::Match& match) {
                return run(request, match, of_host, action, operation);
              });
}

Task<http::Response> KeyManagement::run(const http::Request& request, const http::Match& match,
                                        bool of_host, std::string action, Operation operation) {
  const bool is_one = match.parameters.size() > kOwnerParameter;
  if (const auto kind = action.find("{}"); kind != action.npos) {
    action.replace(kind, 2, match.parameters[kOwnerParameter]);
  }
  const ArmCall call{.action = "Microsoft.Web/sites/" + action,
                     .scope = site_scope(request.path())};
  if (auto refusal = gate_.refuse(request, call)) co_return std::move(*refusal);
  Target target{KeyOwner::host(), {}};
  if (is_one) target = find_target(match, of_host);
  if (!target.is_known) {
    co_return arm_error(404, "NotFound",
                        fmt::format("There is no function or kind of key named '{}'.",
                                    match.parameters[kOwnerParameter]));
  }
  auto task = (this->*operation)(request, std::move(target));
  co_return co_await std::move(task);
}

KeyManagement::Target KeyManagement::find_target(const http::Match& match, bool of_host) const {
  const std::string& owner = match.parameters[kOwnerParameter];
  std::string name = match.parameters.size() > kOwnerParameter + 1 ? match.parameters.back() : "";
  if (!of_host) return {KeyOwner::function(owner), std::move(name), host_.has(owner)};
  if (iequals(owner, "masterKey")) return {KeyOwner::master(), std::string(FunctionKeys::kMaster)};
  if (iequals(owner, "systemKeys")) return {KeyOwner::system(), std::move(name)};
  return {KeyOwner::host(), std::move(name), iequals(owner, "functionKeys")};
}

Task<http::Response> KeyManagement::list_host(const http::Request&, Target) {
  const auto* master = keys_.find(KeyOwner::master(), FunctionKeys::kMaster);
  const json::object answer{{"masterKey", master == nullptr ? "" : master->value.reveal()},
                            {"functionKeys", names_and_values(keys_.list(KeyOwner::host()))},
                            {"systemKeys", names_and_values(keys_.list(KeyOwner::system()))}};
  co_return http::json_response(200, json::serialize(answer));
}

Task<http::Response> KeyManagement::list_function(const http::Request&, Target target) {
  co_return http::json_response(200, json::serialize(names_and_values(keys_.list(target.owner))));
}

Task<http::Response> KeyManagement::list_functions(const http::Request& request, Target) {
  json::array functions;
  for (const auto* function : host_.list()) {
    const auto id = fmt::format("{}/{}", request.path(), function->name);
    functions.push_back(function_resource(id, *function));
  }
  co_return http::json_response(
      200, json::serialize(json::object{{"value", std::move(functions)}, {"nextLink", nullptr}}));
}

Task<http::Response> KeyManagement::show_function(const http::Request& request, Target target) {
  const auto& function = *host_.find(target.owner.text());
  co_return http::json_response(200, json::serialize(function_resource(request.path(), function)));
}

Task<http::Response> KeyManagement::put(const http::Request& request, Target target) {
  Secret value(given_value(request));
  if (value.empty()) value = keys_.generate();
  const json::object properties{{"name", target.name}, {"value", value.reveal()}};
  const json::object answer{{"id", request.path()},
                            {"name", target.name},
                            {"value", value.reveal()},
                            {"type", "Microsoft.Web/sites/functions/keys"},
                            {"properties", properties}};
  const auto is_new =
      co_await keys_.set(std::move(target.owner), std::move(target.name), std::move(value));
  if (!is_new) co_return arm_error(is_new.error());
  log::info("function_key_set", {{"owner", request.path()}});
  co_return http::json_response(*is_new ? 201 : 200, json::serialize(answer));
}

Task<http::Response> KeyManagement::remove(const http::Request& request, Target target) {
  if (target.owner.level() == AuthLevel::admin) {
    co_return arm_error(400, "BadRequest", "The master key cannot be deleted; set another.");
  }
  const auto removed = co_await keys_.remove(std::move(target.owner), std::move(target.name));
  if (!removed) co_return arm_error(removed.error());
  log::info("function_key_removed", {{"owner", request.path()}});
  http::Response nothing;
  nothing.status = 204;
  co_return nothing;
}

}  // namespace latchkey::cloud
