#include "cloud/management/role_assignment_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/request_facts.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
namespace actions = wire::authorization_actions;

constexpr std::string_view kProvider = "/providers/Microsoft.Authorization/roleAssignments";
constexpr std::array<std::string_view, 2> kAudiences{"https://management.azure.com",
                                                     "https://management.core.windows.net"};

/// Where the provider's part of the path begins; npos when it is not there.
std::size_t find_provider(std::string_view path) {
  for (auto at = path.rfind('/'); at != path.npos && at > 0; at = path.rfind('/', at - 1)) {
    const auto rest = path.substr(at);
    if (istarts_with(rest, kProvider) &&
        (rest.size() == kProvider.size() || rest[kProvider.size()] == '/')) {
      return at;
    }
  }
  return istarts_with(path, kProvider) ? 0 : path.npos;
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

http::Response error_response(int status, std::string_view code, std::string_view message) {
  return http::json_response(
      status,
      json::serialize(json::object{{"error", json::object{{"code", code}, {"message", message}}}}));
}

http::Response error_response(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::not_found:
      return error_response(400, error.code, error.message);
    case ErrorKind::conflict:
      return error_response(409, error.code, error.message);
    default:
      log::error("role_assignment_failed", {{"problem", error.message}});
      return error_response(500, "InternalServerError", "The store failed; see the log.");
  }
}

std::string text_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// The members of a PUT's body that count: ".../roleDefinitions/GUID" and a principal's object id.
std::optional<RoleAssignment> parse_body(std::string_view body) {
  boost::system::error_code problem;
  const auto value = json::parse(body, problem);
  if (problem || !value.is_object()) return std::nullopt;
  const auto* properties = value.as_object().if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return std::nullopt;
  const auto definition = text_member(properties->as_object(), "roleDefinitionId");
  RoleAssignment read;
  read.role_id = definition.substr(definition.rfind('/') + 1);
  read.principal_id = text_member(properties->as_object(), "principalId");
  if (!is_guid(read.role_id) || !is_guid(read.principal_id)) return std::nullopt;
  return read;
}

/// The filters that clients send: atScope(), principalId eq 'ID', assignedTo('ID').
struct Filter {
  bool at_scope = false;
  std::string principal_id;
};

std::optional<Filter> parse_filter(std::string_view text) {
  Filter filter;
  while (!trim(text).empty()) {
    auto end = text.find(" and ");
    const auto part = trim(text.substr(0, end));
    text = end == text.npos ? "" : text.substr(end + 5);
    const auto open = part.find('\'');
    const auto close = part.rfind('\'');
    if (iequals(part, "atScope()")) {
      filter.at_scope = true;
    } else if ((istarts_with(part, "principalId eq '") || istarts_with(part, "assignedTo('")) &&
               close > open) {
      filter.principal_id = part.substr(open + 1, close - open - 1);
    } else {
      return std::nullopt;
    }
  }
  return filter;
}

}  // namespace

/// What a request is about, and what its method needs.
struct RoleAssignmentService::Target {
  std::string scope;
  std::string name;  ///< empty for the list
};

RoleAssignmentService::RoleAssignmentService(const Tenancy& tenancy, RoleAssignments& roles,
                                             Authenticator& authenticator)
    : tenancy_(tenancy), roles_(roles), authenticator_(authenticator) {}

http::Handler RoleAssignmentService::handler() {
  return [this](const http::Request& request) { return answer(request); };
}

bool RoleAssignmentService::serves(std::string_view path) {
  return find_provider(path) != path.npos;
}

Task<http::Response> RoleAssignmentService::answer(const http::Request& request) {
  const auto path = request.path();
  const auto provider = find_provider(path);
  const auto query = http::parse_query(request.query_text());
  if (provider == path.npos || !query) {
    co_return error_response(404, "InvalidResourceType",
                             "The local cloud manages role assignments only.");
  }
  const auto decoded = percent_decode(path.substr(0, provider));
  auto name = path.substr(provider + kProvider.size());
  if (name.starts_with('/')) name.remove_prefix(1);
  Target target{decoded && !decoded->empty() ? *decoded : "/", std::string(name)};

  const auto token = bearer_token(request);
  if (!token) {
    co_return challenge("Authentication failed. The 'Authorization' header is missing.");
  }
  const auto caller = authenticator_.authenticate(*token, kAudiences);
  if (!caller) co_return challenge("Authentication failed. " + caller.error().message);
  if (http::find_parameter(*query, "api-version") == nullptr) {
    co_return error_response(400, "MissingApiVersionParameter",
                             "The api-version query parameter (?api-version=) is required for all "
                             "requests.");
  }
  auto action = actions::kAssignmentsRead;
  if (request.method == http::Method::put) action = actions::kAssignmentsWrite;
  if (request.method == http::Method::delete_) action = actions::kAssignmentsDelete;
  if (!roles_.allowed_to_manage(caller->object_id, action, target.scope)) {
    log::info("role_missing",
              {{"principal", caller->object_id}, {"action", action}, {"resource", target.scope}});
    co_return error_response(
        403, "AuthorizationFailed",
        fmt::format("The client '{}' with object id '{}' does not have authorization to perform "
                    "action '{}' over scope '{}' or the scope is invalid. If access was recently "
                    "granted, please refresh your credentials.",
                    caller->client_id, caller->object_id, action, target.scope));
  }
  if (target.name.empty() && request.method == http::Method::get) {
    co_return list(target, *query);
  }
  if (!is_guid(target.name)) {
    co_return error_response(400, "InvalidRoleAssignmentId",
                             fmt::format("The role assignment ID '{}' is not valid. The role "
                                         "assignment ID must be a GUID.",
                                         target.name));
  }
  if (request.method == http::Method::get) co_return get(target);
  if (request.method == http::Method::put) {
    auto task = put(request, std::move(target));
    co_return co_await std::move(task);
  }
  if (request.method == http::Method::delete_) {
    auto task = remove(std::move(target));
    co_return co_await std::move(task);
  }
  auto response = error_response(405, "MethodNotAllowed", "Use GET, PUT or DELETE.");
  response.headers.set("Allow", "GET, PUT, DELETE");
  co_return response;
}

Task<http::Response> RoleAssignmentService::put(const http::Request& request, Target target) {
  auto assignment = parse_body(request.body);
  if (!assignment) {
    co_return error_response(400, "InvalidRequestContent",
                             "The body needs properties.roleDefinitionId "
                             "(\"SCOPE/providers/Microsoft.Authorization/roleDefinitions/GUID\") "
                             "and properties.principalId (an object id).");
  }
  assignment->name = to_lower(target.name);
  assignment->scope = target.scope;
  const auto there = roles_.find(assignment->name);
  if (there && iequals(there->role_id, assignment->role_id) &&
      iequals(there->principal_id, assignment->principal_id) &&
      iequals(there->scope, assignment->scope)) {
    co_return http::json_response(200, render(*there));  // PUT may be sent again.
  }
  const auto assigned = co_await roles_.assign(*assignment);
  if (!assigned) co_return error_response(assigned.error());
  log::info("role_assigned", {{"principal", assignment->principal_id},
                              {"role", assignment->role_id},
                              {"scope", assignment->scope}});
  const auto made = roles_.find(assignment->name);
  co_return http::json_response(201, render(made.value_or(*assignment)));
}

Task<http::Response> RoleAssignmentService::remove(Target target) {
  auto removed = co_await roles_.remove(target.name, target.scope);
  if (removed) {
    log::info("role_taken_away", {{"principal", removed->principal_id},
                                  {"role", removed->role_id},
                                  {"scope", removed->scope}});
    co_return http::json_response(200, render(*removed));
  }
  if (removed.error().kind != ErrorKind::not_found) co_return error_response(removed.error());
  http::Response nothing;  // As Azure: to delete what is not there is no failure.
  nothing.status = 204;
  co_return nothing;
}

http::Response RoleAssignmentService::get(const Target& target) const {
  const auto found = roles_.find(target.name);
  if (!found || !wire::scope_contains(target.scope, found->scope)) {
    return error_response(404, "RoleAssignmentNotFound",
                          fmt::format("The role assignment '{}' is not found.", target.name));
  }
  return http::json_response(200, render(*found));
}

http::Response RoleAssignmentService::list(const Target& target, const http::Query& query) const {
  const auto* text = http::find_parameter(query, "$filter");
  const auto filter = parse_filter(text == nullptr ? "" : *text);
  if (!filter) {
    return error_response(400, "UnsupportedFilter",
                          "Use atScope(), principalId eq 'ID' or assignedTo('ID').");
  }
  std::string body = "{\"value\":[";
  for (const auto& assignment : roles_.list()) {
    const bool above = wire::scope_contains(assignment.scope, target.scope);
    const bool below = !filter->at_scope && wire::scope_contains(target.scope, assignment.scope);
    const bool theirs =
        filter->principal_id.empty() || iequals(filter->principal_id, assignment.principal_id);
    if (!theirs || !(above || below)) continue;
    if (body.back() == '}') body += ',';
    body += render(assignment);
  }
  return http::json_response(200, body + "]}");
}

http::Response RoleAssignmentService::challenge(std::string_view message) const {
  auto response = error_response(401, "AuthenticationFailed", message);
  response.headers.set(
      "WWW-Authenticate",
      fmt::format("Bearer authorization_uri=\"https://localhost:{}/{}\", error=\"invalid_token\", "
                  "error_description=\"The access token is missing or invalid.\"",
                  port_, tenancy_.tenant_id));
  return response;
}

std::string RoleAssignmentService::render(const RoleAssignment& assignment) const {
  const auto prefix = assignment.scope == "/" ? "" : assignment.scope;
  return json::serialize(json::object{
      {"properties",
       json::object{{"roleDefinitionId",
                     fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                                 tenancy_.subscription_scope(), assignment.role_id)},
                    {"principalId", assignment.principal_id},
                    {"principalType", "ServicePrincipal"},
                    {"scope", assignment.scope}}},
      {"id", fmt::format("{}{}/{}", prefix, kProvider, assignment.name)},
      {"type", "Microsoft.Authorization/roleAssignments"},
      {"name", assignment.name}});
}

}  // namespace latchkey::cloud
