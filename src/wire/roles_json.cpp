#include "wire/roles_json.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::wire {
namespace {

constexpr std::size_t kNameMax = 128;
constexpr std::size_t kTextsMax = 2048;

tl::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::invalid_argument, "InvalidRoleDefinition", std::move(message));
}

/// The member by name without case: the two forms differ in it ("DataActions", "dataActions").
const json::Value* find_any_case(const json::Object& object, std::string_view name) {
  for (const auto& member : object) {
    if (iequals(member.key(), name)) return &member.value();
  }
  return nullptr;
}

std::string text_of(const json::Object& object, std::string_view name) {
  const auto* value = find_any_case(object, name);
  return value != nullptr && value->is_string() ? std::string(std::string_view(value->get_string()))
                                                : std::string();
}

/// Adds the texts of a list; an absent list has none. False when it is something else.
bool add_texts(const json::Object& object, std::string_view name, std::vector<std::string>& into) {
  const auto* value = find_any_case(object, name);
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_array() || value->get_array().size() > kTextsMax) return false;
  for (const auto& each : value->get_array()) {
    if (!each.is_string() || each.get_string().empty()) return false;
    into.emplace_back(std::string_view(each.get_string()));
  }
  return true;
}

bool add_permissions(const json::Object& object, RoleDefinition& role) {
  return add_texts(object, "actions", role.actions) &&
         add_texts(object, "notActions", role.not_actions) &&
         add_texts(object, "dataActions", role.data_actions) &&
         add_texts(object, "notDataActions", role.not_data_actions);
}

boost::json::array array_of(const std::vector<std::string>& texts) {
  return boost::json::array(texts.begin(), texts.end());
}

}  // namespace

Result<RoleDefinition> parse_role_definition(std::string_view text) {
  const auto whole = json::parse_object(text);
  if (!whole) return wrong("it is not a JSON object");
  const auto* properties = json::child(*whole, "properties");
  const json::Object& object = properties != nullptr ? *properties : *whole;
  RoleDefinition role;
  role.custom = true;
  role.id = text_of(*whole, "name");  // a GUID in Resource Manager's form, else the role's name
  role.name = text_of(object, "roleName");
  if (role.name.empty()) role.name = std::exchange(role.id, text_of(*whole, "id"));
  role.description = text_of(object, "description");
  bool right = add_texts(object, "assignableScopes", role.assignable_scopes);
  const auto* permissions = find_any_case(object, "permissions");
  if (permissions != nullptr && permissions->is_array()) {
    for (const auto& each : permissions->get_array()) {
      right = right && each.is_object() && add_permissions(each.get_object(), role);
    }
  } else {
    right = right && add_permissions(object, role);
  }
  if (!right) return wrong("its actions and assignable scopes must be lists of texts");
  if (role.name.empty() || role.name.size() > kNameMax) {
    return wrong("it needs a name of 1 to 128 characters (roleName, or Name)");
  }
  if (role.actions.empty() && role.data_actions.empty()) {
    return wrong("it grants nothing: give it actions or dataActions");
  }
  return role;
}

boost::json::object role_definition_json(const RoleDefinition& role, std::string_view scope) {
  boost::json::object permission{{"actions", array_of(role.actions)},
                                 {"notActions", array_of(role.not_actions)},
                                 {"dataActions", array_of(role.data_actions)},
                                 {"notDataActions", array_of(role.not_data_actions)}};
  boost::json::array permissions;
  permissions.push_back(std::move(permission));
  const auto scopes = role.custom ? role.assignable_scopes : std::vector<std::string>{"/"};
  boost::json::object properties{{"roleName", role.name},
                                 {"type", role.custom ? "CustomRole" : "BuiltInRole"},
                                 {"description", role.description},
                                 {"assignableScopes", array_of(scopes)},
                                 {"permissions", std::move(permissions)}};
  return {
      {"id", std::string(scope) + "/providers/Microsoft.Authorization/roleDefinitions/" + role.id},
      {"type", "Microsoft.Authorization/roleDefinitions"},
      {"name", role.id},
      {"properties", std::move(properties)}};
}

}  // namespace latchkey::wire
