#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/roles.hpp"

/// Role definitions as JSON, in the form of Azure Resource Manager and in that of the files for `az
/// role definition create`. Source: REST reference "Role Definitions"; "Azure custom roles: steps
/// to create a custom role".
namespace latchkey::wire {

/// Either form; a definition has no id when the text has none. Error: invalid_argument
/// (InvalidRoleDefinition), with what is missing or wrong.
Result<RoleDefinition> parse_role_definition(std::string_view json);

/// Azure Resource Manager's form, with an id below `scope` (a subscription's).
boost::json::object role_definition_json(const RoleDefinition& role, std::string_view scope);

}  // namespace latchkey::wire
