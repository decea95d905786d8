#include "cloud/vault/access_policy.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "wire/json_reader.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 8> kNames{"get",     "list",   "set",     "delete",
                                                 "recover", "backup", "restore", "purge"};

std::optional<SecretPermissions> parse_permissions(const json::array& names) {
  SecretPermissions permissions;
  for (const auto& value : names) {
    if (!value.is_string()) return std::nullopt;
    const std::string_view name = value.get_string();
    const bool all = iequals(name, "all");
    bool known = all;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!all && !iequals(name, kNames.at(i))) continue;
      permissions.add(static_cast<SecretPermission>(i));
      known = true;
    }
    if (!known) return std::nullopt;
  }
  return permissions;
}

std::optional<AccessPolicy> parse_policy(const json::object& object) {
  AccessPolicy policy;
  policy.tenant_id = wire::json::text(object, "tenantId").value_or("");
  policy.object_id = wire::json::text(object, "objectId").value_or("");
  const auto* permissions = wire::json::child(object, "permissions");
  if (policy.object_id.empty() || permissions == nullptr) return std::nullopt;
  const auto* secrets = wire::json::find(*permissions, "secrets");
  if (secrets == nullptr) return policy;
  if (!secrets->is_array()) return std::nullopt;
  const auto read = parse_permissions(secrets->get_array());
  if (!read) return std::nullopt;
  policy.secrets = *read;
  return policy;
}

}  // namespace

std::string_view to_string(SecretPermission permission) {
  return kNames.at(static_cast<std::size_t>(permission));
}

std::optional<std::vector<AccessPolicy>> parse_access_policies(const json::array& policies) {
  std::vector<AccessPolicy> read;
  for (const auto& value : policies) {
    auto policy = value.is_object() ? parse_policy(value.get_object()) : std::nullopt;
    if (!policy) return std::nullopt;
    read.push_back(std::move(*policy));
  }
  return read;
}

json::array render_access_policies(const std::vector<AccessPolicy>& policies) {
  json::array rendered;
  for (const auto& policy : policies) {
    json::array secrets;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (policy.secrets.has(static_cast<SecretPermission>(i))) secrets.emplace_back(kNames.at(i));
    }
    rendered.push_back(json::object{{"tenantId", policy.tenant_id},
                                    {"objectId", policy.object_id},
                                    {"permissions", json::object{{"keys", json::array()},
                                                                 {"secrets", std::move(secrets)},
                                                                 {"certificates", json::array()},
                                                                 {"storage", json::array()}}}});
  }
  return rendered;
}

void change_policies(std::vector<AccessPolicy>& policies, PolicyChange change,
                     const std::vector<AccessPolicy>& by) {
  for (const auto& policy : by) {
    auto there = std::ranges::find_if(policies, [&](const AccessPolicy& each) {
      return iequals(each.object_id, policy.object_id);
    });
    if (there == policies.end()) {
      if (change != PolicyChange::remove) policies.push_back(policy);
    } else if (change == PolicyChange::add) {
      there->secrets.add(policy.secrets);
    } else if (change == PolicyChange::replace) {
      there->secrets = policy.secrets;
    } else {
      there->secrets.remove(policy.secrets);
    }
  }
  std::erase_if(policies, [](const AccessPolicy& policy) { return policy.secrets.empty(); });
}

bool permits(const std::vector<AccessPolicy>& policies, std::string_view object_id,
             SecretPermission permission) {
  return std::ranges::any_of(policies, [&](const AccessPolicy& policy) {
    return iequals(policy.object_id, object_id) && policy.secrets.has(permission);
  });
}

}  // namespace latchkey::cloud
