#include "cloud/management/role_assignment_service.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
namespace actions = wire::authorization_actions;

constexpr std::string_view kProvider = "/providers/Microsoft.Authorization/roleAssignments";

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
                                             const ArmGate& gate)
    : tenancy_(tenancy), roles_(roles), gate_(gate) {}

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
    co_return arm_error(404, "InvalidResourceType",
                        "The local cloud manages role assignments only.");
  }
  const auto decoded = percent_decode(path.substr(0, provider));
  auto name = path.substr(provider + kProvider.size());
  if (name.starts_with('/')) name.remove_prefix(1);
  Target target{decoded && !decoded->empty() ? *decoded : "/", std::string(name)};

  auto action = actions::kAssignmentsRead;
  if (request.method == http::Method::put) action = actions::kAssignmentsWrite;
  if (request.method == http::Method::delete_) action = actions::kAssignmentsDelete;
  const ArmCall call{.action = std::string(action), .scope = target.scope};
  if (auto refusal = gate_.refuse(request, call)) co_return std::move(*refusal);
  if (target.name.empty() && request.method == http::Method::get) {
    co_return list(target, *query);
  }
  if (!is_guid(target.name)) {
    co_return arm_error(400, "InvalidRoleAssignmentId",
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
  auto response = arm_error(405, "MethodNotAllowed", "Use GET, PUT or DELETE.");
  response.headers.set("Allow", "GET, PUT, DELETE");
  co_return response;
}

Task<http::Response> RoleAssignmentService::put(const http::Request& request, Target target) {
  auto assignment = parse_body(request.body);
  if (!assignment) {
    co_return arm_error(400, "InvalidRequestContent",
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
  if (!assigned && assigned.error().kind == ErrorKind::not_found) {
    co_return arm_error(400, assigned.error().code, assigned.error().message);
  }
  if (!assigned) co_return arm_error(assigned.error());
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
  if (removed.error().kind != ErrorKind::not_found) co_return arm_error(removed.error());
  http::Response nothing;  // As Azure: to delete what is not there is no failure.
  nothing.status = 204;
  co_return nothing;
}

http::Response RoleAssignmentService::get(const Target& target) const {
  const auto found = roles_.find(target.name);
  if (!found || !wire::scope_contains(target.scope, found->scope)) {
    return arm_error(404, "RoleAssignmentNotFound",
                     fmt::format("The role assignment '{}' is not found.", target.name));
  }
  return http::json_response(200, render(*found));
}

http::Response RoleAssignmentService::list(const Target& target, const http::Query& query) const {
  const auto* text = http::find_parameter(query, "$filter");
  const auto filter = parse_filter(text == nullptr ? "" : *text);
  if (!filter) {
    return arm_error(400, "UnsupportedFilter",
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
