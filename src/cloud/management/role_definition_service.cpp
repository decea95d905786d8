#include "cloud/management/role_definition_service.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cloud/management/identity_json.hpp"
#include "wire/roles_json.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
namespace actions = wire::authorization_actions;

constexpr std::string_view kDefinitions = "/providers/Microsoft.Authorization/roleDefinitions";
constexpr std::string_view kCheckAccess = "/providers/Microsoft.Authorization/checkAccess";
constexpr std::size_t kActionsMax = 64;

/// A path taken apart at one of the two.
struct Target {
  std::string scope;
  std::string name;
  bool is_check = false;
};

std::optional<Target> find_target(std::string_view path) {
  for (const auto provider : {kDefinitions, kCheckAccess}) {
    for (auto at = path.rfind('/'); at != path.npos;
         at = at == 0 ? path.npos : path.rfind('/', at - 1)) {
      const auto rest = path.substr(at);
      const bool here = istarts_with(rest, provider) &&
                        (rest.size() == provider.size() || rest[provider.size()] == '/');
      if (!here) continue;
      const auto scope = percent_decode(path.substr(0, at));
      auto name = rest.substr(provider.size());
      if (name.starts_with('/')) name.remove_prefix(1);
      return Target{.scope = scope && !scope->empty() ? *scope : "/",
                    .name = std::string(name),
                    .is_check = provider == kCheckAccess};
    }
  }
  return std::nullopt;
}

std::string action_for(const http::Request& request, const Target& target) {
  if (target.is_check) return std::string(actions::kAssignmentsRead);
  if (request.method == http::Method::put) return std::string(actions::kDefinitionsWrite);
  if (request.method == http::Method::delete_) return std::string(actions::kDefinitionsDelete);
  return std::string(actions::kDefinitionsRead);
}

const json::object* child(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

/// "roleName eq 'X'" gives X.
std::string wanted_name(const http::Query& query) {
  const auto* filter = http::find_parameter(query, "$filter");
  if (filter == nullptr || !istarts_with(*filter, "roleName eq '") || !filter->ends_with('\'')) {
    return {};
  }
  const auto open = filter->find('\'');
  return filter->substr(open + 1, filter->size() - open - 2);
}

}  // namespace

RoleDefinitionService::RoleDefinitionService(const Tenancy& tenancy, RoleAssignments& roles,
                                             const ArmGate& gate)
    : tenancy_(tenancy), roles_(roles), gate_(gate) {}

http::Handler RoleDefinitionService::handler() {
  return [this](const http::Request& request) { return answer(request); };
}

bool RoleDefinitionService::serves(std::string_view path) {
  return find_target(path).has_value();
}

Task<http::Response> RoleDefinitionService::answer(const http::Request& request) {
  const auto target = find_target(request.path());
  const auto query = http::parse_query(request.query_text());
  if (!target || !query) co_return arm_error(404, "InvalidResourceType", "There is no such thing.");
  const ArmCall call{.action = action_for(request, *target), .scope = target->scope};
  if (auto refusal = gate_.refuse(request, call)) co_return std::move(*refusal);
  if (target->is_check) {
    if (request.method != http::Method::post) {
      co_return arm_error(405, "MethodNotAllowed", "Use POST.");
    }
    co_return check_access(request.body, target->scope);
  }
  if (target->name.empty() && request.method == http::Method::get) co_return list(*query);
  if (!is_guid(target->name)) {
    co_return arm_error(400, "InvalidRoleDefinitionId", "The role definition ID must be a GUID.");
  }
  if (request.method == http::Method::put) co_return co_await put(target->name, request.body);
  if (request.method == http::Method::delete_) co_return co_await remove(target->name);
  const auto* found = roles_.definitions().find(target->name);
  if (found == nullptr) {
    co_return arm_error(
        404, "RoleDefinitionDoesNotExist",
        fmt::format("The specified role definition with ID '{}' does not exist.", target->name));
  }
  co_return http::json_response(
      200, json::serialize(wire::role_definition_json(*found, tenancy_.subscription_scope())));
}

Task<http::Response> RoleDefinitionService::put(std::string id, std::string body) {
  auto role = wire::parse_role_definition(body);
  if (!role) co_return arm_error(role.error());
  role->id = id;
  auto done = co_await roles_.definitions().put(std::move(*role));
  if (!done) co_return arm_error(done.error());
  log::info("role_defined", {{"role", id}});
  const auto* made = roles_.definitions().find(id);
  if (made == nullptr) co_return arm_error(404, "RoleDefinitionDoesNotExist", "It went at once.");
  co_return http::json_response(
      201, json::serialize(wire::role_definition_json(*made, tenancy_.subscription_scope())));
}

Task<http::Response> RoleDefinitionService::remove(std::string id) {
  const auto done = co_await roles_.remove_definition(std::move(id));
  http::Response response;
  if (!done && done.error().kind != ErrorKind::not_found) co_return arm_error(done.error());
  response.status = done ? 200 : 204;
  co_return response;
}

http::Response RoleDefinitionService::list(const http::Query& query) const {
  const auto name = wanted_name(query);
  json::array rows;
  for (const auto* role : roles_.definitions().all()) {
    if (!name.empty() && !iequals(name, role->name)) continue;
    rows.push_back(wire::role_definition_json(*role, tenancy_.subscription_scope()));
  }
  return http::json_response(200, json::serialize(json::object{{"value", std::move(rows)}}));
}

http::Response RoleDefinitionService::check_access(std::string_view body,
                                                   std::string_view scope) const {
  boost::system::error_code problem;
  const auto value = json::parse(body, problem);
  const auto* whole = problem ? nullptr : value.if_object();
  const auto* subject = whole == nullptr ? nullptr : child(*whole, "Subject");
  const auto* attributes = subject == nullptr ? nullptr : child(*subject, "Attributes");
  const auto* wanted = whole == nullptr ? nullptr : whole->if_contains("Actions");
  if (attributes == nullptr || wanted == nullptr || !wanted->is_array() ||
      wanted->as_array().size() > kActionsMax) {
    return arm_error(400, "InvalidRequestContent",
                     "The body needs Subject.Attributes.ObjectId and Actions (64 at most).");
  }
  const auto principal = text_member(*attributes, "ObjectId");
  json::array decisions;
  for (const auto& each : wanted->as_array()) {
    if (!each.is_object()) continue;
    const auto action = text_member(each.as_object(), "Id");
    const auto* data = each.as_object().if_contains("IsDataAction");
    const bool is_data = data != nullptr && data->is_bool() && data->as_bool();
    const bool allowed = is_data ? roles_.allowed(principal, {{action}}, scope)
                                 : roles_.allowed_to_manage(principal, action, scope);
    json::object decision{{"actionId", action},
                          {"isDataAction", is_data},
                          {"accessDecision", allowed ? "Allowed" : "NotAllowed"}};
    const auto grants = roles_.explain(principal, action, is_data, scope);
    if (!grants.empty()) {
      const auto& grant = grants.front();
      decision["roleAssignment"] = json::object{{"id", grant.assignment.name},
                                                {"roleDefinitionId", grant.assignment.role_id},
                                                {"principalId", grant.assignment.principal_id},
                                                {"scope", grant.assignment.scope}};
      decision["roleName"] = grant.role_name;
      decision["actionPattern"] = grant.pattern;
      decision["effectiveInSeconds"] = grant.effective_in.count();
    }
    decisions.push_back(std::move(decision));
  }
  return http::json_response(200, json::serialize(json::object{{"value", std::move(decisions)}}));
}

}  // namespace latchkey::cloud
